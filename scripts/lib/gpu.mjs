import { CannotBuild, buildShim } from '../../packages/core/test/gpu/build.mjs'
import { buildVulkan } from '../../packages/core/test/gpu/vulkan/build.mjs'
import { say } from './run.mjs'
import { aptInstall } from './tools.mjs'

const COMPILER = ['libtorch-dev', 'clang']
const VULKAN = [...COMPILER, 'libgoogle-glog-dev', 'libvulkan-dev', 'glslc', 'mesa-vulkan-drivers']

/**
 * What lets PyTorch 1.13 run its own passes for GPUs, and its own Vulkan kernels on a driver for the CPU: { shim, vulkan }, the paths of two
 * libraries. Each is undefined, with the reason said, where it cannot be had.
 */
export async function setUpGpu(torch) {
  if (!torch) return {}
  return {
    shim: await orInstall('the passes for GPUs', COMPILER, () => buildShim(torch.python)),
    vulkan: await orInstall('Vulkan on the CPU', VULKAN, () => buildVulkan(torch.python, say)),
  }
}

/** Builds; when something is missing, installs it and tries once more. */
async function orInstall(what, packages, build) {
  try {
    return await build()
  } catch (error) {
    if (!(error instanceof CannotBuild)) throw error
    // Another release of PyTorch is no matter of packages.
    if (error.permanent || !await aptInstall(what, packages)) return without(what, packages, error)
  }
  try {
    return await build()
  } catch (error) {
    if (!(error instanceof CannotBuild)) throw error
    return without(what, packages, error)
  }
}

function without(what, packages, error) {
  say(`NO TEST OF ${what.toUpperCase()}: ${error.message}. On Debian or Ubuntu, with PyTorch 1.13: apt-get install ${packages.join(' ')}`)
}
