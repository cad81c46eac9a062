// Compiles PyTorch 1.13's own Vulkan backend as a library for a PyTorch that was built without it, and prints its path.
//
//     node packages/core/test/gpu/vulkan/build.mjs [path/to/python]
//
// Needs, on Debian: libtorch-dev libvulkan-dev glslc clang mesa-vulkan-drivers (a Vulkan driver that computes on the CPU). The sources come
// from Debian's source package of PyTorch, through apt, checked against a digest. Takes minutes, once; kept in ~/.cache/petal-dev.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CACHE, CannotBuild, ask, torchOf } from '../build.mjs'

const PACKAGE = 'pytorch=1.13.1+dfsg-4'
const TARBALL = 'pytorch_1.13.1+dfsg.orig.tar.xz'
const SHA256 = 'd0355588b8528566d477e6ebf1b4d9d036a6fd75711339f66b27472ce5879dc7'
const INSIDE = 'pytorch-1.13.1'
/** What is unpacked. The other headers are those of libtorch-dev. */
const PARTS = ['aten/src/ATen/native/vulkan', 'aten/src/ATen/vulkan/Context.h', 'aten/src/ATen/native/utils/ParamUtils.h',
  'tools/gen_vulkan_spv.py', 'torchgen/code_template.py', 'torchgen/__init__.py']
const FLAGS = ['-std=c++17', '-O1', '-fPIC', '-w', '-DUSE_VULKAN', '-DUSE_VULKAN_API']
const DRIVERS = '/usr/share/vulkan/icd.d'

/** The driver of Mesa's that computes on the CPU, as VK_ICD_FILENAMES wants it. */
export function cpuDriver() {
  const file = existsSync(DRIVERS) && readdirSync(DRIVERS).find((name) => name.startsWith('lvp_icd'))
  return file ? join(DRIVERS, file) : undefined
}

function digestOf(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function must(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', ...options })
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.error ?? done.stderr}`)
  return done.stdout
}

/** The sources' archive, downloaded by apt from Debian and checked. */
function tarball() {
  const kept = join(CACHE, TARBALL)
  if (existsSync(kept) && digestOf(kept) === SHA256) return kept
  const folder = join(CACHE, `source.${process.pid}`)
  mkdirSync(join(folder, 'lists/partial'), { recursive: true })
  try {
    // Lists of its own: most machines have none for source packages, and nothing of theirs is changed.
    writeFileSync(join(folder, 'sources.list'), 'deb-src http://deb.debian.org/debian bookworm main\n')
    const options = ['-q', '-o', `Dir::Etc::SourceList=${folder}/sources.list`, '-o', 'Dir::Etc::SourceParts=/dev/null', '-o', `Dir::State::Lists=${folder}/lists`]
    must('apt-get', [...options, 'update'])
    must('apt-get', [...options, 'source', '--download-only', '--tar-only', PACKAGE], { cwd: folder })
    const found = join(folder, TARBALL)
    if (digestOf(found) !== SHA256) throw new Error(`${TARBALL} from Debian is not the one that is expected`)
    copyFileSync(found, `${kept}.${process.pid}`)
    renameSync(`${kept}.${process.pid}`, kept)
    return kept
  } catch (error) {
    throw new CannotBuild(`the sources of PyTorch cannot be had from Debian: ${error.message}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs a command without disturbing others; rejects with its errors when it fails. */
function run([command, ...args]) {
  return new Promise((done, fail) => {
    const child = spawn('nice', [command, ...args], { stdio: ['ignore', 'inherit', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (text) => (errors += text))
    child.on('error', fail)
    child.on('close', (code) => (code === 0 ? done() : fail(new Error(`${command} ${args.join(' ')}\n${errors}`))))
  })
}

/** As many commands at once as there are processors. */
async function parallel(commands) {
  const waiting = [...commands]
  await Promise.all(Array.from({ length: availableParallelism() }, async () => {
    while (waiting.length > 0) await run(waiting.shift())
  }))
}

/** Path of the library for this Python's PyTorch, built when it is not in the cache. Throws CannotBuild, saying what is missing. */
export async function buildVulkan(python, say = () => {}) {
  const torch = torchOf(python)
  const compiler = 'clang++'
  for (const tool of [compiler, 'glslc']) if (ask(tool, ['--version']) === undefined) throw new CannotBuild(`there is no ${tool}`)
  if (!existsSync('/usr/include/vulkan/vulkan.h')) throw new CannotBuild('the headers of Vulkan are missing: on Debian, apt-get install libvulkan-dev')
  if (cpuDriver() === undefined) throw new CannotBuild('there is no Vulkan driver for the CPU: on Debian, apt-get install mesa-vulkan-drivers')
  const own = [join(import.meta.dirname, 'registry.cpp'), join(import.meta.dirname, 'include/vk_mem_alloc.h')]
  const digest = createHash('sha256').update(JSON.stringify([torch, FLAGS, SHA256, PARTS, ask(compiler, ['--version'])]))
  for (const file of own) digest.update(readFileSync(file))
  const folder = join(CACHE, `vulkan-${digest.digest('hex').slice(0, 16)}`)
  const library = join(folder, 'libtorch_vulkan.so')
  if (existsSync(library)) return library
  const source = join(folder, 'source')
  const objects = join(folder, 'objects')
  if (!existsSync(join(source, 'complete'))) {
    say('unpacking the Vulkan backend of PyTorch 1.13')
    rmSync(source, { recursive: true, force: true })
    for (const made of [source, objects]) mkdirSync(made, { recursive: true })
    must('tar', ['-xJf', tarball(), '-C', source, '--strip-components=1', ...PARTS.map((part) => `${INSIDE}/${part}`)])
    writeFileSync(join(source, 'complete'), '')
  }
  const aten = join(source, 'aten/src')
  const vulkan = join(aten, 'ATen/native/vulkan')
  const shaders = join(folder, 'shaders')
  mkdirSync(shaders, { recursive: true })
  must(python, [join(source, 'tools/gen_vulkan_spv.py'), '--glsl-path', join(vulkan, 'glsl'), '--output-path', vulkan, '--glslc-path', 'glslc', '--tmp-dir-path', shaders,
    '--env'], { env: { ...process.env, PYTHONPATH: source } })
  const flags = [...FLAGS, ...torch.flags, `-I${import.meta.dirname}`, `-I${aten}`]
  // The headers take most of the time of every file: they are compiled once.
  const header = join(objects, 'headers.h')
  writeFileSync(header, '#include <ATen/ATen.h>\n#include <torch/custom_class.h>\n#include <torch/library.h>\n#include <vulkan/vulkan.h>\n')
  const compiled = join(objects, 'headers.pch')
  say('compiling the Vulkan backend of PyTorch 1.13 (some minutes, once)')
  await parallel([[compiler, ...flags, '-x', 'c++-header', header, '-o', compiled]])
  const files = [own[0], ...['.', 'api', 'ops'].flatMap((name) => readdirSync(join(vulkan, name)).filter((file) => file.endsWith('.cpp')).map((file) => join(vulkan, name, file)))]
  const object = (file) => join(objects, `${basename(file)}.o`)
  await parallel(files.map((file) => [compiler, ...flags, '-include-pch', compiled, '-c', file, '-o', object(file)]))
  await parallel([[compiler, '-shared', ...files.map(object), '-o', `${library}.${process.pid}`, ...torch.links, '-lvulkan', '-lglog', '-Wl,--no-undefined']])
  renameSync(`${library}.${process.pid}`, library)
  for (const made of [source, objects, shaders]) rmSync(made, { recursive: true, force: true })
  return library
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(await buildVulkan(process.argv[2] ?? '/usr/bin/python3', (text) => console.error(text)))
  } catch (error) {
    if (!(error instanceof CannotBuild)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
