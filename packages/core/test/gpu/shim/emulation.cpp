// Vulkan tensors on the CPU: a tensor of the Vulkan device holds a CPU tensor, and every operator unwraps, computes on the CPU and wraps.
// So files that move their inputs to Vulkan and their outputs back run on any machine, with any operator. As in PyTorch's own kernels,
// a CPU tensor beside Vulkan ones is taken, but not written to.
#include "classes.h"

#include <ATen/OpaqueTensorImpl.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <set>

namespace petal {
namespace {

using Stack = torch::jit::Stack;
const c10::Device VULKAN(c10::DeviceType::Vulkan, -1);

/** Lies in memory as what it holds does, so that views are views. */
struct Emulated final : at::OpaqueTensorImpl<std::shared_ptr<Tensor>> {
  explicit Emulated(const Tensor& tensor)
      : OpaqueTensorImpl(c10::DispatchKeySet(c10::DispatchKey::Vulkan), tensor.dtype(), VULKAN, nullptr, tensor.sizes(), false), tensor(tensor) {}
  at::IntArrayRef strides_custom() const override { return tensor.strides(); }
  c10::SymIntArrayRef sym_strides_custom() const override { return c10::fromIntArrayRefKnownNonNegative(tensor.strides()); }
  bool is_contiguous_custom(c10::MemoryFormat format) const override { return tensor.is_contiguous(format); }
  const Tensor tensor;
};

Tensor wrap(const Tensor& held) {
  return at::detail::make_tensor<Emulated>(held);
}

Tensor held(const Tensor& tensor) {
  return static_cast<Emulated*>(tensor.unsafeGetTensorImpl())->tensor;
}

IValue unwrapped(const IValue& value) {
  if (value.isTensor()) return value.toTensor().defined() && value.toTensor().is_vulkan() ? IValue(held(value.toTensor())) : value;
  if (value.isTensorList()) {
    c10::List<Tensor> list;
    for (const Tensor& each : value.toTensorVector()) list.push_back(unwrapped(each).toTensor());
    return list;
  }
  if (value.isOptionalTensorList()) {
    c10::List<c10::optional<Tensor>> list;
    for (const c10::optional<Tensor> each : value.toOptionalTensorList()) list.push_back(each ? c10::optional<Tensor>(unwrapped(*each).toTensor()) : each);
    return list;
  }
  if (value.isDevice() && value.toDevice().is_vulkan()) return c10::Device(c10::DeviceType::CPU);
  return value;
}

IValue wrapped(const IValue& value) {
  if (value.isTensor() && value.toTensor().defined()) return wrap(value.toTensor());
  if (value.isTensorList()) {
    c10::List<Tensor> list;
    for (const Tensor& each : value.toTensorVector()) list.push_back(wrap(each));
    return list;
  }
  return value;
}

/** Which argument a result is, when it is one that was written to. */
c10::optional<size_t> writtenTo(const c10::FunctionSchema& schema, const c10::Argument& result) {
  const auto* alias = result.alias_info();
  if (alias == nullptr || !alias->isWrite()) return c10::nullopt;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const auto* other = schema.arguments()[i].alias_info();
    if (other != nullptr && *other == *alias) return i;
  }
  return c10::nullopt;
}

/** Any operator. What is written in place stays the tensor that was given. */
void onTheCpu(const c10::OperatorHandle& op, Stack* stack) {
  const auto& schema = op.schema();
  const size_t count = schema.arguments().size(), first = stack->size() - count;
  const std::vector<IValue> given(stack->end() - count, stack->end());
  for (size_t i = 0; i < count; ++i) (*stack)[first + i] = unwrapped(given[i]);
  const DeviceScope onDevice;
  op.callBoxed(stack);
  for (size_t r = 0; r < schema.returns().size(); ++r) {
    IValue& result = (*stack)[first + r];
    const auto argument = writtenTo(schema, schema.returns()[r]);
    if (argument) TORCH_CHECK(given[*argument].toTensor().is_vulkan(), schema.name(), " writes to a CPU tensor what it made of Vulkan tensors");
    result = argument ? given[*argument] : wrapped(result);
  }
}

Tensor& copy(Tensor& self, const Tensor& source, bool) {
  (self.is_vulkan() ? held(self) : self).copy_(source.is_vulkan() ? held(source) : source);
  return self;
}

Tensor empty(at::IntArrayRef sizes, c10::optional<at::ScalarType> dtype, c10::optional<at::Layout>, c10::optional<at::Device>, c10::optional<bool>,
    c10::optional<at::MemoryFormat>) {
  return wrap(at::empty(sizes, at::TensorOptions().dtype(dtype)));
}

Tensor emptyStrided(at::IntArrayRef sizes, at::IntArrayRef strides, c10::optional<at::ScalarType> dtype, c10::optional<at::Layout>, c10::optional<at::Device>,
    c10::optional<bool>) {
  return wrap(at::empty_strided(sizes, strides, at::TensorOptions().dtype(dtype)));
}

TORCH_LIBRARY_IMPL(_, Vulkan, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&onTheCpu>());
}

TORCH_LIBRARY_IMPL(aten, Vulkan, m) {
  m.impl("copy_", copy);
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", emptyStrided);
  // A general kernel would come before the fallback, and most of those take for granted that a tensor's data can be read.
  const std::set<std::string> general{"aten::_to_copy", "aten::copy_", "aten::empty.memory_format", "aten::empty_strided"};
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const auto& name : dispatcher.getAllOpNames()) {
    const auto op = dispatcher.findOp(name);
    if (name.name.rfind("aten::", 0) != 0 || general.count(toString(name)) > 0 || !op || !op->hasSchema()) continue;
    if (!op->hasKernelForDispatchKey(c10::DispatchKey::CompositeExplicitAutograd) &&
        !op->hasKernelForDispatchKey(c10::DispatchKey::CompositeExplicitAutogradNonFunctional)) continue;
    m.impl(toString(name).c_str(), torch::CppFunction::makeFromBoxedFunction<&onTheCpu>());
  }
}

/** Whether operators that take packed weights are refused CPU tensors, as they are on a phone. */
TORCH_LIBRARY(petal_gpu, m) {
  m.def("require_vulkan(bool required) -> ()", [](bool required) { vulkanRequired() = required; });
}

/** There is one device, and nothing to wait for. */
struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return c10::DeviceType::Vulkan; }
  c10::Device exchangeDevice(c10::Device) const override { return VULKAN; }
  c10::Device getDevice() const override { return VULKAN; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, VULKAN); }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, VULKAN); }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
};

C10_REGISTER_GUARD_IMPL(Vulkan, Guard);

} // namespace
} // namespace petal
