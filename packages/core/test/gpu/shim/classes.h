// What the two halves of the library share: packed weights as they are pickled, and small helpers.
#pragma once

#include <ATen/Functions.h>
#include <torch/custom_class.h>
#include <torch/library.h>

namespace petal {

using at::Scalar;
using at::Tensor;
using c10::IValue;
using Bounds = std::pair<c10::optional<Scalar>, c10::optional<Scalar>>;

inline c10::optional<Tensor> optionalTensor(const IValue& value) {
  return value.isNone() ? c10::optional<Tensor>() : c10::optional<Tensor>(value.toTensor());
}

inline c10::optional<Scalar> optionalScalar(const IValue& value) {
  return value.isNone() ? c10::optional<Scalar>() : c10::optional<Scalar>(value.toScalar());
}

inline Tensor clamped(const Tensor& y, const Bounds& bounds) {
  return bounds.first || bounds.second ? at::clamp(y, bounds.first, bounds.second) : y;
}

/** Two values for height and width: lists of one stand for both, as in PyTorch's Vulkan kernels. */
inline std::vector<int64_t> pair(std::vector<int64_t> list) {
  TORCH_CHECK(list.size() == 1 || list.size() == 2, "expected one or two numbers, not ", list.size());
  if (list.size() == 1) list.push_back(list[0]);
  return list;
}

/** Set by torch.ops.petal_gpu.require_device. */
inline bool& deviceRequired() {
  static bool required = false;
  return required;
}

/** While a call with tensors of a GPU is computed on the CPU. */
struct DeviceScope {
  DeviceScope() { ++depth(); }
  ~DeviceScope() { --depth(); }
  static int& depth() {
    thread_local int value = 0;
    return value;
  }
};

inline void checkDevice(const char* operation) {
  TORCH_CHECK(!deviceRequired() || DeviceScope::depth() > 0, operation, ": a CPU tensor where one of the GPU is needed");
}

} // namespace petal
