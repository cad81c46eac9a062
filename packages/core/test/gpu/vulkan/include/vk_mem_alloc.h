// As much of the Vulkan Memory Allocator's interface as PyTorch's Vulkan backend uses, with one allocation for each buffer and image.
// Debian's source package of PyTorch comes without that library; for tests on a CPU driver there is nothing to gain from pooling.
#pragma once

#include <vulkan/vulkan.h>

typedef VkFlags VmaAllocationCreateFlags;
typedef enum VmaAllocationCreateFlagBits {
  VMA_ALLOCATION_CREATE_STRATEGY_MIN_MEMORY_BIT = 0x00010000,
  VMA_ALLOCATION_CREATE_HOST_ACCESS_SEQUENTIAL_WRITE_BIT = 0x00000400,
  VMA_ALLOCATION_CREATE_HOST_ACCESS_RANDOM_BIT = 0x00000800,
} VmaAllocationCreateFlagBits;

typedef enum VmaMemoryUsage {
  VMA_MEMORY_USAGE_UNKNOWN = 0,
  VMA_MEMORY_USAGE_AUTO = 7,
  VMA_MEMORY_USAGE_AUTO_PREFER_DEVICE = 8,
  VMA_MEMORY_USAGE_AUTO_PREFER_HOST = 9,
} VmaMemoryUsage;

typedef struct VmaPool_T* VmaPool;
typedef struct VmaAllocator_T* VmaAllocator;
typedef struct VmaAllocation_T* VmaAllocation;

typedef struct VmaVulkanFunctions {
  PFN_vkGetInstanceProcAddr vkGetInstanceProcAddr;
  PFN_vkGetDeviceProcAddr vkGetDeviceProcAddr;
} VmaVulkanFunctions;

typedef struct VmaAllocatorCreateInfo {
  VkFlags flags;
  VkPhysicalDevice physicalDevice;
  VkDevice device;
  VkDeviceSize preferredLargeHeapBlockSize;
  const VkAllocationCallbacks* pAllocationCallbacks;
  const void* pDeviceMemoryCallbacks;
  const VkDeviceSize* pHeapSizeLimit;
  const VmaVulkanFunctions* pVulkanFunctions;
  VkInstance instance;
  uint32_t vulkanApiVersion;
  const void* pTypeExternalMemoryHandleTypes;
} VmaAllocatorCreateInfo;

typedef struct VmaAllocatorInfo {
  VkInstance instance;
  VkPhysicalDevice physicalDevice;
  VkDevice device;
} VmaAllocatorInfo;

typedef struct VmaAllocationCreateInfo {
  VmaAllocationCreateFlags flags;
  VmaMemoryUsage usage;
  VkMemoryPropertyFlags requiredFlags;
  VkMemoryPropertyFlags preferredFlags;
  uint32_t memoryTypeBits;
  VmaPool pool;
  void* pUserData;
  float priority;
} VmaAllocationCreateInfo;

VkResult vmaCreateAllocator(const VmaAllocatorCreateInfo* info, VmaAllocator* allocator);
void vmaDestroyAllocator(VmaAllocator allocator);
void vmaGetAllocatorInfo(VmaAllocator allocator, VmaAllocatorInfo* info);
VkResult vmaCreateBuffer(VmaAllocator allocator, const VkBufferCreateInfo* info, const VmaAllocationCreateInfo* wanted, VkBuffer* buffer,
    VmaAllocation* allocation, void* unused);
void vmaDestroyBuffer(VmaAllocator allocator, VkBuffer buffer, VmaAllocation allocation);
VkResult vmaCreateImage(VmaAllocator allocator, const VkImageCreateInfo* info, const VmaAllocationCreateInfo* wanted, VkImage* image,
    VmaAllocation* allocation, void* unused);
void vmaDestroyImage(VmaAllocator allocator, VkImage image, VmaAllocation allocation);
VkResult vmaMapMemory(VmaAllocator allocator, VmaAllocation allocation, void** data);
void vmaUnmapMemory(VmaAllocator allocator, VmaAllocation allocation);
VkResult vmaFlushAllocation(VmaAllocator allocator, VmaAllocation allocation, VkDeviceSize offset, VkDeviceSize size);
VkResult vmaInvalidateAllocation(VmaAllocator allocator, VmaAllocation allocation, VkDeviceSize offset, VkDeviceSize size);

#ifdef VMA_IMPLEMENTATION

struct VmaAllocator_T {
  VmaAllocatorInfo info;
  VkPhysicalDeviceMemoryProperties memory;
};

struct VmaAllocation_T {
  VkDeviceMemory memory;
};

namespace {

/** Host-visible and coherent memory for everything, which a CPU driver has: nothing needs to be flushed. */
VkResult allocate(VmaAllocator allocator, const VkMemoryRequirements& needs, VmaAllocation* allocation) {
  const VkMemoryPropertyFlags flags = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  for (uint32_t type = 0; type < allocator->memory.memoryTypeCount; ++type) {
    if (!(needs.memoryTypeBits & (1u << type)) || (allocator->memory.memoryTypes[type].propertyFlags & flags) != flags) continue;
    const VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, needs.size, type};
    VkDeviceMemory memory = VK_NULL_HANDLE;
    const VkResult result = vkAllocateMemory(allocator->info.device, &info, nullptr, &memory);
    if (result == VK_SUCCESS) *allocation = new VmaAllocation_T{memory};
    return result;
  }
  return VK_ERROR_FEATURE_NOT_PRESENT;
}

void release(VmaAllocator allocator, VmaAllocation allocation) {
  if (allocation == nullptr) return;
  vkFreeMemory(allocator->info.device, allocation->memory, nullptr);
  delete allocation;
}

} // namespace

VkResult vmaCreateAllocator(const VmaAllocatorCreateInfo* info, VmaAllocator* allocator) {
  *allocator = new VmaAllocator_T{{info->instance, info->physicalDevice, info->device}, {}};
  vkGetPhysicalDeviceMemoryProperties(info->physicalDevice, &(*allocator)->memory);
  return VK_SUCCESS;
}

void vmaDestroyAllocator(VmaAllocator allocator) {
  delete allocator;
}

void vmaGetAllocatorInfo(VmaAllocator allocator, VmaAllocatorInfo* info) {
  *info = allocator->info;
}

VkResult vmaCreateBuffer(VmaAllocator allocator, const VkBufferCreateInfo* info, const VmaAllocationCreateInfo*, VkBuffer* buffer,
    VmaAllocation* allocation, void*) {
  const VkDevice device = allocator->info.device;
  VkResult result = vkCreateBuffer(device, info, nullptr, buffer);
  if (result != VK_SUCCESS) return result;
  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(device, *buffer, &needs);
  result = allocate(allocator, needs, allocation);
  return result == VK_SUCCESS ? vkBindBufferMemory(device, *buffer, (*allocation)->memory, 0) : result;
}

void vmaDestroyBuffer(VmaAllocator allocator, VkBuffer buffer, VmaAllocation allocation) {
  vkDestroyBuffer(allocator->info.device, buffer, nullptr);
  release(allocator, allocation);
}

VkResult vmaCreateImage(VmaAllocator allocator, const VkImageCreateInfo* info, const VmaAllocationCreateInfo*, VkImage* image,
    VmaAllocation* allocation, void*) {
  const VkDevice device = allocator->info.device;
  VkResult result = vkCreateImage(device, info, nullptr, image);
  if (result != VK_SUCCESS) return result;
  VkMemoryRequirements needs;
  vkGetImageMemoryRequirements(device, *image, &needs);
  result = allocate(allocator, needs, allocation);
  return result == VK_SUCCESS ? vkBindImageMemory(device, *image, (*allocation)->memory, 0) : result;
}

void vmaDestroyImage(VmaAllocator allocator, VkImage image, VmaAllocation allocation) {
  vkDestroyImage(allocator->info.device, image, nullptr);
  release(allocator, allocation);
}

VkResult vmaMapMemory(VmaAllocator allocator, VmaAllocation allocation, void** data) {
  return vkMapMemory(allocator->info.device, allocation->memory, 0, VK_WHOLE_SIZE, 0, data);
}

void vmaUnmapMemory(VmaAllocator allocator, VmaAllocation allocation) {
  vkUnmapMemory(allocator->info.device, allocation->memory);
}

VkResult vmaFlushAllocation(VmaAllocator, VmaAllocation, VkDeviceSize, VkDeviceSize) {
  return VK_SUCCESS;
}

VkResult vmaInvalidateAllocation(VmaAllocator, VmaAllocation, VkDeviceSize, VkDeviceSize) {
  return VK_SUCCESS;
}

#endif
