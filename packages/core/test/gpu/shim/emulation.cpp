// Tensors of Vulkan and Metal on the CPU: a tensor of such a device holds a CPU tensor, and every operator unwraps, computes on the CPU and wraps.
// So files that move their inputs to a GPU and their outputs back run on any machine, with any operator. As in PyTorch's own kernels,
// a CPU tensor beside others is taken, but not written to.
#include "classes.h"

#include <ATen/OpaqueTensorImpl.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <algorithm>
#include <set>

namespace petal {
namespace {

using Stack = torch::jit::Stack;
using c10::DeviceType;
using c10::DispatchKey;

/** Which device a call with a dispatch key is for. */
template <DispatchKey key>
const c10::Device deviceOf{key == DispatchKey::Vulkan ? DeviceType::Vulkan : DeviceType::Metal, -1};

bool isGpu(const c10::Device& device) {
  return device.type() == DeviceType::Vulkan || device.type() == DeviceType::Metal;
}

/** Lies in memory as what it holds does, so that views are views. */
struct Emulated final : at::OpaqueTensorImpl<std::shared_ptr<Tensor>> {
  Emulated(const Tensor& tensor, DispatchKey key, c10::Device device)
      : OpaqueTensorImpl(c10::DispatchKeySet(key), tensor.dtype(), device, nullptr, tensor.sizes(), false), tensor(tensor) {}
  at::IntArrayRef strides_custom() const override { return tensor.strides(); }
  c10::SymIntArrayRef sym_strides_custom() const override { return c10::fromIntArrayRefKnownNonNegative(tensor.strides()); }
  bool is_contiguous_custom(c10::MemoryFormat format) const override { return tensor.is_contiguous(format); }
  const Tensor tensor;
};

template <DispatchKey key>
Tensor wrap(const Tensor& held) {
  return at::detail::make_tensor<Emulated>(held, key, deviceOf<key>);
}

/** The CPU tensor in a tensor of a GPU; others as they are. */
Tensor held(const Tensor& tensor) {
  return tensor.defined() && isGpu(tensor.device()) ? static_cast<Emulated*>(tensor.unsafeGetTensorImpl())->tensor : tensor;
}

IValue unwrapped(const IValue& value) {
  if (value.isTensor()) return held(value.toTensor());
  // Of tensors, or of tensors and None. The lite interpreter's lists do not always know their elements' type.
  if (value.isList()) {
    const auto list = value.toList();
    if (std::none_of(list.begin(), list.end(), [](const IValue& each) { return each.isTensor(); })) return value;
    c10::impl::GenericList other(list.elementType());
    for (const IValue& each : list) other.push_back(unwrapped(each));
    return other;
  }
  if (value.isDevice() && isGpu(value.toDevice())) return c10::Device(DeviceType::CPU);
  return value;
}

template <DispatchKey key>
IValue wrapped(const IValue& value) {
  if (value.isTensor() && value.toTensor().defined()) return wrap<key>(value.toTensor());
  if (value.isTensorList()) {
    c10::List<Tensor> list;
    for (const Tensor& each : value.toTensorVector()) list.push_back(wrap<key>(each));
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
template <DispatchKey key>
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
    if (argument) TORCH_CHECK(isGpu(given[*argument].toTensor().device()), schema.name(), " writes to a CPU tensor what it made of tensors on a GPU");
    result = argument ? given[*argument] : wrapped<key>(result);
  }
}

Tensor& copy(Tensor& self, const Tensor& source, bool) {
  held(self).copy_(held(source));
  return self;
}

template <DispatchKey key>
Tensor empty(at::IntArrayRef sizes, c10::optional<at::ScalarType> dtype, c10::optional<at::Layout>, c10::optional<at::Device>, c10::optional<bool>,
    c10::optional<at::MemoryFormat>) {
  return wrap<key>(at::empty(sizes, at::TensorOptions().dtype(dtype)));
}

template <DispatchKey key>
Tensor emptyStrided(at::IntArrayRef sizes, at::IntArrayRef strides, c10::optional<at::ScalarType> dtype, c10::optional<at::Layout>,
    c10::optional<at::Device>, c10::optional<bool>) {
  return wrap<key>(at::empty_strided(sizes, strides, at::TensorOptions().dtype(dtype)));
}

template <DispatchKey key>
void registerOperators(torch::Library& m) {
  m.impl("copy_", copy);
  m.impl("empty.memory_format", empty<key>);
  m.impl("empty_strided", emptyStrided<key>);
  // A general kernel would come before the fallback, and most of those take for granted that a tensor's data can be read.
  const std::set<std::string> general{"aten::_to_copy", "aten::copy_", "aten::empty.memory_format", "aten::empty_strided"};
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const auto& name : dispatcher.getAllOpNames()) {
    const auto op = dispatcher.findOp(name);
    if (name.name.rfind("aten::", 0) != 0 || general.count(toString(name)) > 0 || !op || !op->hasSchema()) continue;
    if (!op->hasKernelForDispatchKey(DispatchKey::CompositeExplicitAutograd) &&
        !op->hasKernelForDispatchKey(DispatchKey::CompositeExplicitAutogradNonFunctional)) continue;
    m.impl(toString(name).c_str(), torch::CppFunction::makeFromBoxedFunction<&onTheCpu<key>>());
  }
}

TORCH_LIBRARY_IMPL(_, Vulkan, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&onTheCpu<DispatchKey::Vulkan>>()); }
TORCH_LIBRARY_IMPL(_, Metal, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&onTheCpu<DispatchKey::Metal>>()); }
TORCH_LIBRARY_IMPL(aten, Vulkan, m) { registerOperators<DispatchKey::Vulkan>(m); }
TORCH_LIBRARY_IMPL(aten, Metal, m) { registerOperators<DispatchKey::Metal>(m); }
TORCH_LIBRARY_IMPL(metal, Metal, m) {
  m.impl("copy_to_host", [](const Tensor& x) { return held(x).clone(); });
}

TORCH_LIBRARY(petal_gpu, m) {
  // Whether operators that take packed weights are refused CPU tensors, as they are on a phone.
  m.def("require_device(bool required) -> ()", [](bool required) { deviceRequired() = required; });
  // No name of a device says it in Python.
  m.def("to_metal(Tensor x) -> Tensor", [](const Tensor& x) { return wrap<DispatchKey::Metal>(held(x)); });
}

/** There is one device, and nothing to wait for. */
template <DeviceType kind>
struct Guard final : c10::impl::DeviceGuardImplInterface {
  const c10::Device device{kind, -1};
  const c10::Stream stream{c10::Stream::DEFAULT, device};
  DeviceType type() const override { return kind; }
  c10::Device exchangeDevice(c10::Device) const override { return device; }
  c10::Device getDevice() const override { return device; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const noexcept override { return stream; }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
};

C10_REGISTER_GUARD_IMPL(Vulkan, Guard<DeviceType::Vulkan>);
C10_REGISTER_GUARD_IMPL(Metal, Guard<DeviceType::Metal>);

} // namespace
} // namespace petal
