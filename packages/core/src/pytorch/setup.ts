import { spawn } from 'node:child_process'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PetalError } from '../errors.ts'
import { type Environment, pythonEnvironment } from './environment.ts'
import { pathCandidates, pythonIn, PROJECT_ENVIRONMENT, STAMP } from './find/candidates.ts'
import { normalized, packageVersions } from './find/packages.ts'
import { probe } from './find/probe.ts'
import { lineReader } from './lines.ts'
import { CPU_INDEX, type Pin, pinFor, pinsFor, supportedPythons } from './pins.ts'

/** What an environment is made of and where. */
export interface SetupOptions {
  /** The app's folder; the environment is `.petal/python` in it. Absolute. */
  readonly folder: string
  readonly env: Environment
  /** What to install for which Python; what is known to convert on this machine when left out. */
  readonly pins?: readonly Pin[]
  /** Tries the new environment before it counts as made; throws where it does not do. */
  readonly verify: (python: string) => Promise<void>
  /** Says what is being done. */
  readonly onStep: (text: string) => void
  /** Takes what uv, venv and pip print. */
  readonly onOutput: (line: string) => void
}

export interface SetupResult {
  /** The interpreter of the environment. */
  readonly python: string
  /** Whether there was nothing to do. */
  readonly wasThere: boolean
  readonly requirements: readonly string[]
}

/** Says of an environment that it is whole, and what was asked for. Written last. */
interface Stamp {
  readonly requirements: readonly string[]
}

/** How many of the last lines of a tool that failed are told. */
const TOLD_LINES = 12

/**
 * Makes the project's own environment with PyTorch, or finds that it is there already. An environment is whole when its stamp is there,
 * which is written last; one without a stamp is never used, and replaced here. Throws a PetalError: NO_FOLDER, NO_PYTHON,
 * SETUP_FAILED, NOT_WRITABLE, and what `verify` throws.
 */
export async function setUp(options: SetupOptions): Promise<SetupResult> {
  const { folder, env } = options
  const pins = options.pins ?? pinsFor()
  const home = join(folder, PROJECT_ENVIRONMENT)
  await requireFolder(folder)
  const present = await presentEnvironment(home, pins, options)
  if (present !== undefined) return { ...present, wasThere: true }

  // Nothing is removed before there is something to make it anew with.
  const uv = await version('uv', env)
  const { name, command, args } = uv === undefined ? await venvMaker(pins, options) : uvMaker(pins, uv)
  await prepareFolder(folder, home)
  options.onStep(`making ${home} with ${name}`)
  await run(command, [...args, home], options)

  const python = pythonIn(home) ?? join(home, 'bin/python')
  const answer = await probe({ origin: PROJECT_ENVIRONMENT, command: python, args: [], isExplicit: true }, { root: folder, env })
  const pin = 'python' in answer ? pinFor(answer.python, pins) : undefined
  if (pin === undefined) {
    throw failed('The new environment does not work.', ['problem' in answer ? answer.problem : `It has Python ${answer.python}.`])
  }
  await install(python, pin.requirements, uv !== undefined, options)
  options.onStep('trying it')
  await options.verify(python)
  await writeStamp(home, { requirements: pin.requirements })
  return { python, wasThere: false, requirements: pin.requirements }
}

/** Throws a PetalError (NO_FOLDER) unless a folder is there. */
export async function requireFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => undefined))?.isDirectory()) return
  throw new PetalError({ code: 'NO_FOLDER', message: `There is no folder ${folder}.`, fix: 'Name the folder of the app.' })
}

type Present = Omit<SetupResult, 'wasThere'>

async function presentEnvironment(home: string, pins: readonly Pin[], { folder, env }: SetupOptions): Promise<Present | undefined> {
  const python = pythonIn(home)
  const stamp = await readFile(join(home, STAMP), 'utf8').then((text) => JSON.parse(text) as Stamp).catch(() => undefined)
  if (python === undefined || stamp === undefined) return undefined
  const answer = await probe({ origin: PROJECT_ENVIRONMENT, command: python, args: [], isExplicit: true }, { root: folder, env })
  const pin = 'python' in answer ? pinFor(answer.python, pins) : undefined
  if (!('python' in answer) || JSON.stringify(pin?.requirements) !== JSON.stringify(stamp.requirements)) return undefined
  // Somebody may have removed or replaced a package by hand.
  const installed = await packageVersions()(answer.sites)
  return stamp.requirements.every((one) => isMet(one, installed)) ? { python, requirements: stamp.requirements } : undefined
}

/** Whether a requirement `name`, `name==1.2` or `name<2` is installed; of versions, only exact ones are compared, without `+cpu`. */
function isMet(requirement: string, installed: ReadonlyMap<string, string>): boolean {
  const [, name, exact] = /^([\w.-]+)(?:==(.+))?/.exec(requirement)!
  const version = installed.get(normalized(name!))
  return version !== undefined && (exact === undefined || version.split('+')[0] === exact)
}

async function prepareFolder(folder: string, home: string): Promise<void> {
  try {
    await rm(home, { recursive: true, force: true })
    await mkdir(join(home, '..'), { recursive: true })
    await writeFile(join(home, '../.gitignore'), '*\n')
  } catch (error) {
    throw new PetalError({
      code: 'NOT_WRITABLE',
      message: `Cannot write to ${join(folder, '.petal')}: ${(error as Error).message}`,
      cause: 'The environment for PyTorch is made in the project\'s folder.',
      fix: 'Make the folder writable, or name another: petal setup <folder>.',
    })
  }
}

/** A command that makes an environment in the folder that is its last argument. */
interface Maker {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

function uvMaker(pins: readonly Pin[], name: string): Maker {
  // The preferred pin decides; uv takes a Python of the machine in its range, or downloads one.
  const [{ from, to }] = pins as readonly [Pin]
  return { name, command: 'uv', args: ['venv', '--python', `>=3.${from},<3.${to + 1}`] }
}

async function venvMaker(pins: readonly Pin[], { folder, env }: SetupOptions): Promise<Maker> {
  const seen: string[] = []
  for (const candidate of pathCandidates(env, pins)) {
    const answer = await probe(candidate, { root: folder, env })
    seen.push('python' in answer ? `${candidate.command} is Python ${answer.python}` : `${candidate.command}: ${answer.problem}`)
    if (!('python' in answer) || pinFor(answer.python, pins) === undefined) continue
    return { name: `Python ${answer.python}`, command: answer.executable, args: ['-I', '-m', 'venv'] }
  }
  throw new PetalError({
    code: 'NO_PYTHON',
    message: [`No Python ${supportedPythons(pins)} was found, which PyTorch needs.`, ...seen.map((line) => `  ${line}`)].join('\n'),
    cause: seen.length === 0
      ? 'There is neither uv nor a Python on the PATH.'
      : 'PyTorch has no wheels for the Pythons that are there, and uv, which could fetch one, is not.',
    fix: 'Install uv (https://docs.astral.sh/uv) or a Python of these versions (https://www.python.org/downloads), '
      + 'and run "petal setup" again.',
  })
}

/** From the index without CUDA where there is one for this platform; from the one that pip is set up with where that fails. */
async function install(python: string, requirements: readonly string[], withUv: boolean, options: SetupOptions): Promise<void> {
  const [tool, ...args] = withUv
    ? ['uv', 'pip', 'install', '--python', python]
    : [python, '-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off']
  const wantsTorch = requirements.some((one) => one.startsWith('torch=='))
  const plain = (): Promise<void> => run(tool!, [...args, ...requirements], options)
  options.onStep(`installing ${requirements.join(', ')}`)
  if (!wantsTorch || process.platform === 'darwin') return await plain()
  const patience = withUv ? [] : ['--retries', '1', '--timeout', '15']
  try {
    await run(tool!, [...args, ...patience, '--index-url', CPU_INDEX, ...requirements], options)
  } catch (error) {
    if (!(error instanceof PetalError) || /No space left/i.test(error.what)) throw error
    const size = process.platform === 'linux' && process.arch === 'x64' ? ', which has CUDA in it and takes several GB' : ''
    options.onStep(`${CPU_INDEX} did not give it; installing the build of the Python Package Index${size}`)
    await plain()
  }
}

async function writeStamp(home: string, stamp: Stamp): Promise<void> {
  const temporary = join(home, `${STAMP}.tmp`)
  await writeFile(temporary, `${JSON.stringify(stamp)}\n`)
  await rename(temporary, join(home, STAMP))
}

/** The first line of `<tool> --version`; undefined where there is no such tool. */
async function version(tool: string, env: Environment): Promise<string | undefined> {
  const lines: string[] = []
  const status = await exitOf(tool, ['--version'], env, (line) => lines.push(line))
  return status === 0 ? lines[0] : undefined
}

async function run(command: string, args: readonly string[], { env, onOutput }: SetupOptions): Promise<void> {
  const lines: string[] = []
  const status = await exitOf(command, args, env, (line) => {
    lines.push(line)
    if (lines.length > TOLD_LINES) lines.shift()
    onOutput(line)
  })
  const how = typeof status === 'number' ? `with exit code ${status}` : `(${status})`
  if (status !== 0) throw failed(`"${[command, ...args].join(' ')}" failed ${how}.`, lines)
}

function failed(message: string, lines: readonly string[]): PetalError {
  const words = lines.map((line) => line.trimEnd()).filter((line) => line !== '')
  return new PetalError({
    code: 'SETUP_FAILED',
    message: [message, ...words.map((line) => `  ${line}`)].join('\n'),
    cause: 'The lines above say what the tool met: no network, a proxy, a full disk, or a part of Python that is not installed.',
    fix: 'Mend that and run "petal setup" again, which begins anew; or install PyTorch yourself and set PETAL_PYTHON to that Python.',
  })
}

/** Runs a program to its end; gives its exit code, or why it could not run. No shell reads the arguments. */
function exitOf(command: string, args: readonly string[], env: Environment, onLine: (line: string) => void): Promise<number | string> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: pythonEnvironment(env) as NodeJS.ProcessEnv, stdio: ['ignore', 'pipe', 'pipe'], shell: false, windowsHide: true,
    })
    const readers = [child.stdout, child.stderr].map((stream) => {
      const reader = lineReader(1 << 16, onLine)
      stream.on('data', (chunk: Uint8Array) => { reader.push(chunk) })
      return reader
    })
    child.on('error', (error) => { resolve(error.message) })
    child.on('close', (code, signal) => {
      for (const reader of readers) reader.end()
      resolve(code ?? `ended by ${signal}`)
    })
  })
}

