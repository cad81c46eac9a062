#!/usr/bin/env node
import { PetalError } from '../errors.ts'
import { nearest } from '../request/nearest.ts'
import { type Command, readArguments } from './arguments.ts'
import { CACHE_COMMANDS } from './cache-commands.ts'
import { tuneEngine } from './engine.ts'
import { EXIT, exitCodeOf, report } from './exit.ts'
import { commandHelp, generalHelp } from './help.ts'
import { print } from './terminal.ts'

const json = { about: 'print facts and errors as JSON' }
const help = { short: 'h', about: 'print this' }

/** Each is the directive of its name, except for the last two. */
const PYTHON_OPTIONS: Command['options'] = {
  convert: { value: 'how', about: 'Python sources: trace, script, or auto (trace, and script where the trace is wrong)' },
  entry: { value: 'name', about: 'the model, its class or a function that makes it' },
  args: { value: 'list', about: 'arguments for it: 10,hidden=64' },
  input: { value: 'shapes', about: 'example inputs, on which what comes out is compared: "1x3x224x224;int64[1x16]<1000"' },
  weights: { value: 'file', about: 'a state dict to load' },
  script: { value: 'paths', about: 'submodules to script inside of a trace' },
  trace: { value: 'paths', about: 'submodules to trace inside of a script' },
  check: { value: 'shapes', about: 'further inputs to compare the model on, or none' },
  quantize: { value: 'how', about: 'dynamic, or static with calibration_inputs in the file' },
  trust: { about: 'read a pickled module or a .pt2, which can run code in it' },
  python: { value: 'path', about: 'the Python with PyTorch to use' },
  'time-limit': { value: 'seconds', about: 'for the conversion; 300 when left out' },
}

/** What the bundler's configuration says, and the sources do not. */
const APP_OPTIONS: Command['options'] = {
  alias: { value: 'name=folder', about: 'what imports may begin with: @=src; may be given again' },
  defaults: { value: 'directives', about: "the plugin's defaults: \"block=conv_bn_fusion&lint=error\"" },
  preset: { value: 'name=directives', about: "one of the plugin's presets: \"camera=backend=vulkan\"; may be given again" },
  frozen: { about: 'compile nothing: what is not stored is an error' },
  python: { value: 'path', about: 'the Python with PyTorch to use' },
  json,
  help,
}

const COMMANDS: readonly Command[] = [
  {
    name: 'optimize',
    operand: 'model',
    about: 'compile a model for phones: net.pt or net.py -> net.ptl',
    options: {
      output: { short: 'o', value: 'file', about: 'where to write; <model>.ptl beside the model when left out' },
      block: { value: 'names', about: 'optimizations to leave out, separated by commas' },
      preserve: { value: 'paths', about: 'methods to compile beside forward, and attributes and modules to leave as they are' },
      bundle: { value: 'shapes', about: 'example inputs to put into the file: 1x3x224x224' },
      lint: { value: 'what', about: 'off, warn or error, or codes that are errors; warnings of the likely ones when left out' },
      backend: { value: 'name', about: 'the engine to compile for: cpu, vulkan or metal; cpu when left out' },
      format: { value: 'name', about: 'the file to write: ptl, flatbuffer or torchscript; ptl when left out' },
      bytecode: { value: 'version', about: 'of the lite interpreter: 4 to 9; 8 when left out' },
      runtime: { value: 'version', about: 'the oldest PyTorch Mobile that shall load it: 1.9 to 2.1' },
      code: { about: 'put TorchScript code into the .ptl as well, for torch.jit.load' },
      debug: { about: 'put debug handles into the .ptl, so that its errors name source lines' },
      tolerance: { value: 'number', about: 'how far outputs may be from those before optimizing; 1e-4 when left out' },
      ...PYTHON_OPTIONS,
      json,
      help,
    },
    load: async () => (await import('./optimize.ts')).optimize,
  },
  {
    name: 'inspect',
    operand: 'model',
    about: 'say what is in a .pt or .ptl file',
    options: { json, help },
    load: async () => (await import('./inspect.ts')).inspect,
  },
  {
    name: 'prewarm',
    operand: 'folder',
    isOptional: true,
    about: "compile all models that an app's sources import into its store, and write petal.lock.json",
    options: { locked: { about: 'leave the lock file as it is, and fail where it would change' }, ...APP_OPTIONS },
    load: async () => (await import('./prewarm.ts')).prewarm,
  },
  {
    name: 'check',
    operand: 'folder',
    isOptional: true,
    about: "say whether all models that an app's sources import give what petal.lock.json says",
    options: APP_OPTIONS,
    load: async () => (await import('./prewarm.ts')).check,
  },
  ...CACHE_COMMANDS,
  {
    name: 'setup',
    operand: 'folder',
    isOptional: true,
    about: 'install PyTorch for one project, in its .petal folder, to convert Python sources',
    options: { json, help },
    load: async () => (await import('./setup.ts')).setup,
  },
  {
    name: 'doctor',
    operand: 'folder',
    isOptional: true,
    about: 'say whether Python sources can be converted here, and what is missing',
    options: { json, help },
    load: async () => (await import('./doctor.ts')).doctor,
  },
]

async function run(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return print(generalHelp(COMMANDS))
  if (name === '--version' || name === '-v' || name === '-V') return print((await import('../../package.json')).default.version)
  const command = COMMANDS.find((candidate) => candidate.name === name || candidate.name === `${name} ${rest[0]}`)
  if (command === undefined) return unknownCommand(name, rest)
  // Commands of two words.
  if (command.name !== name) rest.shift()
  if (rest.includes('--help') || rest.includes('-h')) return print(commandHelp(command))
  const read = readArguments(command, rest)
  tuneEngine()
  await (await command.load())(read)
}

/** Prints what a group of commands has, where that is asked for. */
function unknownCommand(name: string, [action, ...rest]: readonly string[]): void {
  const group = COMMANDS.filter((command) => command.name.startsWith(`${name} `))
  if (group.length > 0 && [action, ...rest].some((word) => word === '--help' || word === '-h')) return print(generalHelp(group))
  const names = (group.length > 0 ? group : COMMANDS).map((command) => command.name)
  const given = group.length > 0 && action !== undefined ? `${name} ${action}` : name
  const meant = nearest(given, names)
  throw new PetalError({
    code: 'UNKNOWN_COMMAND',
    message: `petal has no command "${given}".`,
    fix: `${meant === undefined ? '' : `Did you mean "${meant}"? `}Valid: ${names.join(', ')}.`,
  })
}

// A reader that went away (`petal inspect net.pt | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT.ok)
})

try {
  await run(process.argv.slice(2))
} catch (error) {
  report(error, process.argv.includes('--json'))
  process.exitCode = exitCodeOf(error)
}
