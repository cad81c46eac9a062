import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { findNginx } from '../../packages/core/test/support/nginx.mjs'
import { hasWebKit } from '../../packages/runtime/test/zoo/webkit.mjs'
import { ask, must, onPath, root, run, say, work } from './run.mjs'

const PNPM = '10.34.9'
/** For a virtual environment: 1.13's torchvision zoo needs Python 3.10 or older, so newer Pythons get a 2.x that still scripts and traces. */
const TORCH_FOR_VENV = ['torch==2.6.0', 'torchvision==0.21.0']
const CPU_WHEELS = 'https://download.pytorch.org/whl/cpu'
/** The newest PyTorch that scripts and traces; only for tests, beside the main one. There are wheels for the Pythons from 3.10 to 3.14. */
const RELEASES = [{ name: 'torch-2.15.0', requirements: ['torch==2.15.0', 'torchvision==0.29.2'], pythons: [11, 14] }]
/** Some gigabytes, so shared by all checkouts; packages/core/test/support/torch.ts looks here too. */
const RELEASE_FOLDER = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'petal-dev')

/** pnpm into a folder of the project's own, dependencies from the lockfile, packages built. Quick when nothing changed. */
export async function setUpWorkspace() {
  if (ask('pnpm', ['--version']) !== PNPM) {
    say(`installing pnpm ${PNPM} into .petal/tools`)
    await must('npm', ['install', '--prefix', join(work, 'tools'), '--no-audit', '--no-fund', '--loglevel=error', `pnpm@${PNPM}`])
  }
  await unlessDone('install', ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...packageFiles()], async () => {
    say('installing dependencies (pnpm install)')
    await must('pnpm', ['install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=error'])
  })
  say('building packages')
  await must('turbo', ['run', 'build', '--filter=./packages/*', '--output-logs=errors-only'])
  // pnpm links commands while installing; what is built afterwards is linked here.
  await unlessDone('link', ['packages/core/package.json'], () => must('pnpm', ['install', '--frozen-lockfile', '--offline', '--loglevel=error']))
}

function packageFiles() {
  return ['packages', 'examples'].flatMap((dir) => readdirSync(join(root, dir)).map((name) => `${dir}/${name}/package.json`))
    .filter((file) => existsSync(join(root, file)))
}

/** Skips `step` when it succeeded before with the same contents of `files`. */
async function unlessDone(name, files, step) {
  const digest = createHash('sha256')
  for (const file of files.toSorted()) digest.update(file).update(readFileSync(join(root, file)))
  const stamp = join(work, `${name}.stamp`)
  const now = digest.digest('hex')
  if (existsSync(join(root, 'node_modules')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return
  await step()
  writeFileSync(stamp, now)
}

/** Builds without XNNPACK (PyPI's 2.15) cannot load a prepacked model, PyTorch's own neither. */
const HAS_TORCH = 'import torch, torchvision, torch.backends.xnnpack; assert torch.backends.xnnpack.enabled; import sys; print(torch.__version__, sys.executable)'
const pythonOf = (venv) => join(venv, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
const venvPython = pythonOf(join(work, 'venv'))

/** A Python that has torch and torchvision: one that is there, or nothing. */
export function findTorch() {
  const candidates = [process.env.PETAL_PYTHON, 'python3', '/usr/bin/python3', venvPython].filter(Boolean)
  for (const candidate of candidates) {
    const answer = ask(candidate, ['-c', HAS_TORCH])
    if (answer === undefined) continue
    const [version, python] = answer.split(/ (.*)/s)
    return { python, version }
  }
  return undefined
}

/** Finds PyTorch for the tests or installs it: Debian packages as root, else a virtual environment. Undefined, with the reason said, when neither works. */
export async function setUpTorch() {
  let torch = findTorch()
  if (torch) return torch
  if (await aptInstall('PyTorch', ['python3-torch', 'python3-torchvision', 'libopenblas0-pthread'])) torch = findTorch()
  if (torch) return torch
  const python = ask('python3', ['--version']) ? 'python3' : undefined
  if (python === undefined && !ask('uv', ['--version'])) {
    say('NO PYTHON: the tests that compare with PyTorch cannot run. Install Python 3 (or uv), or set PETAL_PYTHON')
    return undefined
  }
  say('installing PyTorch into .petal/venv (some minutes, once)')
  try {
    await installTorch(join(work, 'venv'), python, TORCH_FOR_VENV)
  } catch (error) {
    say(`PyTorch could not be installed: ${error.message}`)
  }
  return findTorch()
}

/** A virtual environment with these requirements, completed when it is half made. `python` makes it where there is no uv, which finds one itself. */
async function installTorch(venv, python, requirements, uvOptions = []) {
  if (ask('uv', ['--version'])) {
    await must('uv', ['venv', '--seed', '--allow-existing', ...uvOptions, venv])
  } else {
    await must(python, ['-m', 'venv', venv])
  }
  // As an extra index an unreachable server would cost a minute per dependency; asked alone, it is given up at once.
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir']
  if (await run(pythonOf(venv), [...pip, '--no-deps', '--retries', '1', '--timeout', '15', '--index-url', CPU_WHEELS, ...requirements]) !== 0) {
    say(`no wheels without CUDA from ${CPU_WHEELS}: taking the larger ones of the Python Package Index`)
  }
  await must(pythonOf(venv), [...pip, ...requirements, 'numpy<3'])
}

/**
 * Every PyTorch to test on beside the main one, as { name, python }; python is undefined, with the reason said, where it cannot be had.
 * `PETAL_TEST_PYTHONS`, a list of executables, stands for all of them.
 */
export async function setUpReleases(main) {
  const listed = process.env.PETAL_TEST_PYTHONS
  if (listed !== undefined) {
    return listed.split(delimiter).filter((python) => python && python !== main?.python).map((python) => {
      const version = ask(python, ['-W', 'ignore', '-c', 'import torch; print(torch.__version__)'])
      if (version === undefined) say(`${python} of PETAL_TEST_PYTHONS has no PyTorch`)
      return { name: version === undefined ? python : `torch-${version}`, python: version && python }
    })
  }
  const releases = []
  for (const release of RELEASES) releases.push({ name: release.name, python: await setUpRelease(release) })
  return releases
}

async function setUpRelease({ name, requirements, pythons: [oldest, newest] }) {
  const venv = join(RELEASE_FOLDER, name)
  // Written when torch was imported: what was interrupted is completed.
  const stamp = join(venv, 'complete')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === requirements.join(' ') && existsSync(pythonOf(venv))) return pythonOf(venv)
  const suits = `import sys, venv, ensurepip; assert (3, ${oldest}) <= sys.version_info[:2] <= (3, ${newest}); print(sys.executable)`
  const names = ['python3', '/usr/bin/python3', ...Array.from({ length: newest - oldest + 1 }, (_, i) => `python3.${newest - i}`)]
  const python = names.map((one) => ask(one, ['-c', suits])).find(Boolean)
  if (!python && !ask('uv', ['--version'])) {
    say(`NO PYTHON from 3.${oldest} to 3.${newest}: the tests that convert with ${name} cannot run. Install one (or uv), or set PETAL_TEST_PYTHONS`)
    return undefined
  }
  say(`installing ${requirements.join(' ')} into ${venv} (some minutes, once for all checkouts)`)
  try {
    mkdirSync(RELEASE_FOLDER, { recursive: true })
    await installTorch(venv, python, requirements, ['--python', `>=3.${oldest},<3.${newest + 1}`])
    await must(pythonOf(venv), ['-W', 'ignore', '-c', 'import torch, torchvision; torch.jit.script(torch.nn.Linear(2, 2))'])
    writeFileSync(stamp, requirements.join(' '))
    return pythonOf(venv)
  } catch (error) {
    say(`${name} could not be installed: ${error.message}`)
    return undefined
  }
}

const UV = 'uv==0.13.9'

/** uv, which `petal setup` takes where there is one: that of the machine, else one in .petal/uv. */
export async function setUpUv() {
  if (ask('uv', ['--version'])) return
  const venv = join(work, 'uv')
  const python = ['python3', '/usr/bin/python3'].find((one) => ask(one, ['-c', 'import venv, ensurepip']) !== undefined)
  try {
    say(`installing ${UV} into .petal/uv`)
    await must(python, ['-m', 'venv', venv])
    await must(pythonOf(venv), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', UV])
    // Only uv is wanted on the PATH, not another Python.
    for (const name of readdirSync(join(pythonOf(venv), '..'))) if (!name.startsWith('uv')) rmSync(join(pythonOf(venv), '..', name), { recursive: true })
  } catch (error) {
    say(`NO UV: its test is skipped (${error.message})`)
  }
}

const CHROMIUMS = ['chromium', 'chromium-browser', 'google-chrome']
const CHROME_OF_MACOS = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'

function findChromium() {
  return process.env.PETAL_CHROMIUM ?? CHROMIUMS.map(onPath).find(Boolean) ?? [CHROME_OF_MACOS].find(existsSync)
}

/** The path of a Chromium for the browser tests, installing Debian's where that is possible. */
export async function setUpChromium() {
  if (!findChromium()) await aptInstall('Chromium', ['chromium'])
  const chromium = findChromium()
  if (!chromium) say('NO CHROMIUM: the browser tests cannot run. Install Chromium or Chrome, or set PETAL_CHROMIUM')
  return chromium
}

/** Whether there is a WebKitGTK for the zoo of the runtime, installing Debian's where that is possible. */
export async function setUpWebKit() {
  if (!hasWebKit()) await aptInstall('WebKitGTK', ['webkit2gtk-driver', 'xvfb'])
  if (!hasWebKit()) say('NO WEBKIT: the runtime is not tested in it. On Debian or Ubuntu, install webkit2gtk-driver and xvfb')
  return hasWebKit()
}

/** Whether there is an nginx for the tests of remote stores, installing Debian's where that is possible. */
export async function setUpNginx() {
  if (!findNginx()) await aptInstall('nginx', ['nginx-light'])
  if (!findNginx()) say('NO NGINX: remote stores are not tested with it. On Debian or Ubuntu, install nginx-light')
  return findNginx() !== undefined
}

/** Whether the machine's package manager could install these: Debian's, as root. */
export async function aptInstall(what, packages) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !onPath('apt-get')) return false
  say(`installing ${what} (apt-get install ${packages.join(' ')})`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await must('apt-get', ['update', '-qq'], { env })
    await must('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env })
    return true
  } catch (error) {
    say(`${what} could not be installed with apt-get: ${error.message}`)
    return false
  }
}
