// What a PyTorch built with Vulkan has inside itself: where the backend signs in, and copies to and from its tensors.
#include <ATen/ATen.h>
#include <ATen/native/vulkan/ops/Copy.h>
#include <ATen/vulkan/Context.h>
#include <torch/library.h>

namespace at {
namespace vulkan {

std::atomic<const VulkanImplInterface*> g_vulkan_impl_registry;

VulkanImplRegistrar::VulkanImplRegistrar(VulkanImplInterface* impl) {
  g_vulkan_impl_registry.store(impl);
}

} // namespace vulkan
} // namespace at

TORCH_LIBRARY_IMPL(aten, Vulkan, m) {
  m.impl("copy_", [](at::Tensor& self, const at::Tensor& source, bool) -> at::Tensor& { return at::native::vulkan::ops::copy_(self, source); });
}
