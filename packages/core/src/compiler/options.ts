import type { BytecodeVersion, CompileOptions, Format } from './artifact.ts'
import { BACKENDS, BLOCKABLE } from './backends/index.ts'
import { runtimeNamed, RUNTIMES } from './emit/runtimes/index.ts'
import { PetalError } from './errors.ts'

const FORMATS: readonly Format[] = ['ptl', 'flatbuffer', 'torchscript']
const BYTECODE_VERSIONS: readonly BytecodeVersion[] = [4, 5, 6, 7, 8, 9]

interface Contradiction {
  readonly is: (options: CompileOptions) => boolean
  readonly message: (options: CompileOptions) => string
  readonly cause: string
  readonly fix: string
}

/** Options that leave nothing to make together. */
const CONTRADICTIONS: readonly Contradiction[] = [
  {
    is: ({ format, bytecode }) => format === 'flatbuffer' && bytecode !== undefined && bytecode !== 9,
    message: ({ bytecode }) => `A flatbuffer cannot hold bytecode of version ${bytecode}.`,
    cause: 'Its one version is 9.',
    fix: 'Leave "bytecode" or "format=flatbuffer" out.',
  },
  {
    is: ({ format, bytecode }) => format === 'torchscript' && bytecode !== undefined,
    message: () => 'A TorchScript archive has no bytecode, so "bytecode" says nothing of it.',
    cause: 'Bytecode is what the lite interpreter runs; torch.jit.load reads code.',
    fix: 'Leave "bytecode" out; "format=ptl" with "code" makes a file that both load.',
  },
  {
    is: ({ format, runtime }) => format === 'torchscript' && runtime !== undefined,
    message: ({ runtime }) => `"runtime=${runtime}" says nothing of a TorchScript archive.`,
    cause: 'It names a release of the lite interpreter; torch.jit.load is of the full one.',
    fix: 'Leave "runtime" out, or write "format=ptl".',
  },
  {
    is: ({ format, bytecode, debug }) => (format !== 'ptl' || bytecode === 9) && debug === true,
    message: ({ format }) => `Debug handles are not written into a ${format === 'ptl' ? 'flatbuffer' : format} file.`,
    cause: 'The lite interpreter reads them beside the bytecode of a zip archive.',
    fix: 'Leave "debug" or "format" out.',
  },
  {
    is: ({ format, bytecode, code }) => code === true && (format === 'flatbuffer' || bytecode === 9),
    message: () => 'A flatbuffer has no room for TorchScript code.',
    cause: 'torch.jit.load reads zip archives.',
    fix: 'Leave "code" out, or write a zip archive: bytecode 4 to 8.',
  },
  {
    is: ({ format, bytecode, runtime }) => (format === 'flatbuffer' || bytecode === 9) && runtime !== undefined && !runtimeNamed(runtime).flatbuffer,
    message: ({ runtime }) => `The lite interpreter of PyTorch ${runtime} loads no flatbuffer.`,
    cause: 'Prebuilt ones do since 2.0.',
    fix: 'Write "format=ptl", which all of them load.',
  },
]

/**
 * Checks what a model is to be compiled for, and says it one way: bytecode 9 is the format `flatbuffer`, and the other way round.
 * Throws a PetalError for options that are unknown or contradict one another.
 */
export function checkedOptions(options: CompileOptions): CompileOptions {
  for (const { what, given, known } of choices(options)) {
    const unknown = given.find((value) => value !== undefined && !known.includes(value))
    if (unknown !== undefined) throw unknownValue(what, unknown, known)
  }
  const found = CONTRADICTIONS.find(({ is }) => is(options))
  if (found) throw new PetalError({ code: 'CONTRADICTION', message: found.message(options), cause: found.cause, fix: found.fix })
  if (options.bytecode === 9) return { ...options, format: 'flatbuffer' }
  return options.format === 'flatbuffer' ? { ...options, bytecode: 9 } : options
}

/** What was chosen where there is a choice of a few. */
function choices({ backend, format, block, bytecode, runtime }: CompileOptions): { what: string; given: readonly unknown[]; known: readonly unknown[] }[] {
  return [
    { what: 'optimization', given: block, known: BLOCKABLE },
    { what: 'backend', given: [String(backend)], known: Object.keys(BACKENDS) },
    { what: 'format', given: [String(format)], known: FORMATS },
    { what: 'version of bytecode', given: [bytecode], known: BYTECODE_VERSIONS },
    { what: 'runtime', given: [runtime], known: RUNTIMES.map(({ version }) => version) },
  ]
}

function unknownValue(what: string, value: unknown, known: readonly unknown[]): PetalError {
  return new PetalError({
    code: `UNKNOWN_${what.toUpperCase().replaceAll(' ', '_')}`,
    message: `There is no ${what} '${String(value)}'${what === 'optimization' ? ' to block' : ''}.`,
    fix: `Name ${what === 'optimization' ? 'some' : 'one'} of ${known.join(', ')}.`,
  })
}
