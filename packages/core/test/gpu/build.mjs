// Builds the library of shim/, which lets a PyTorch without Vulkan and Metal run its own passes for both, and prints its path.
//
//     node packages/core/test/gpu/build.mjs [path/to/python]
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const SOURCES = join(import.meta.dirname, 'shim')
/** Shared by all checkouts; what is made from the same sources has the same name. */
export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'petal-dev')
const FLAGS = ['-std=c++17', '-O1', '-shared', '-fPIC', '-Wall', '-Wno-sign-compare', '-Wno-unknown-pragmas']
/** Where this PyTorch's headers and libraries are, and what they were compiled as. */
const ASK = `
import json, torch
from torch.utils import cpp_extension
libraries = cpp_extension.library_paths()
print(json.dumps([torch.__version__, cpp_extension.include_paths(), libraries, torch._C._GLIBCXX_USE_CXX11_ABI]))`

/** Output of a command, or undefined when it is missing or fails. */
export function ask(command, args) {
  const answer = spawnSync(command, args, { encoding: 'utf8' })
  return answer.status === 0 ? answer.stdout.trim() : undefined
}

/** Something is missing; `permanent` when no package would help. */
export class CannotBuild extends Error {
  permanent = false
}

/** This Python's PyTorch: its version and how to compile and link against it. Throws CannotBuild, saying what is missing. */
export function torchOf(python) {
  const answer = ask(python, ['-W', 'ignore', '-c', ASK])
  if (answer === undefined) throw new CannotBuild(`${python} has no PyTorch`)
  const [version, includes, libraries, newAbi] = JSON.parse(answer)
  if (!version.startsWith('1.13')) {
    throw Object.assign(new CannotBuild(`the passes and kernels for GPUs are built for PyTorch 1.13, ${python} has ${version}`), { permanent: true })
  }
  if (![...includes, '/usr/include'].some((folder) => existsSync(join(folder, 'torch/custom_class.h')))) {
    throw new CannotBuild(`the headers of PyTorch ${version} are missing: on Debian, apt-get install libtorch-dev`)
  }
  return {
    version,
    flags: [`-D_GLIBCXX_USE_CXX11_ABI=${newAbi ? 1 : 0}`, ...includes.map((folder) => `-isystem${folder}`)],
    links: [...libraries.flatMap((folder) => [`-L${folder}`, `-Wl,-rpath,${folder}`]), '-ltorch', '-ltorch_cpu', '-lc10'],
  }
}

/** Path of the library for this Python's PyTorch, built when it is not in the cache. Throws CannotBuild, saying what is missing. */
export function buildShim(python) {
  const torch = torchOf(python)
  const compiler = ['clang++', 'g++'].find((name) => ask(name, ['--version']) !== undefined)
  if (compiler === undefined) throw new CannotBuild('there is neither clang++ nor g++')
  const files = readdirSync(SOURCES).toSorted().map((name) => join(SOURCES, name))
  const digest = createHash('sha256').update(JSON.stringify([torch, FLAGS, ask(compiler, ['--version'])]))
  for (const file of files) digest.update(readFileSync(file))
  const library = join(CACHE, `gpu-shim-${digest.digest('hex').slice(0, 16)}`, 'libpetal_gpu.so')
  if (existsSync(library)) return library
  mkdirSync(join(library, '..'), { recursive: true })
  const made = `${library}.${process.pid}`
  const args = [...FLAGS, ...torch.flags, ...files.filter((file) => file.endsWith('.cpp')), '-o', made, ...torch.links]
  const done = spawnSync(compiler, args, { encoding: 'utf8' })
  if (done.status !== 0) {
    rmSync(made, { force: true })
    throw new Error(`${compiler} ${args.join(' ')}\n${done.stderr}`)
  }
  renameSync(made, library)
  return library
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(buildShim(process.argv[2] ?? '/usr/bin/python3'))
  } catch (error) {
    if (!(error instanceof CannotBuild)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
