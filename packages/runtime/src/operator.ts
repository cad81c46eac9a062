import type { Machine } from './machine.ts'
import type { Results, Value } from './values.ts'

/** What an operator does. It gets all arguments of its schema, defaults filled in. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- every operator names the types of its own arguments; the schema vouches for them
export type Implementation = (machine: Machine, ...args: any[]) => Value | Results | undefined | void

/** By short schema: `aten::softmax.int(self, dim, dtype=None)`; see {@link parseSchema}. */
export type OperatorTable = Readonly<Record<string, Implementation>>

/** Operators that are shipped together. */
export interface Family {
  readonly name: string
  readonly operators: OperatorTable
  /** Names of the kernels that its operators call. */
  readonly kernels?: readonly KernelSource[]
  /** By class: makes of a packed object's state what its operators work with. Called once for each object, when the model is loaded. */
  readonly prepare?: Readonly<Record<string, Prepare>>
}

/** Makes of a packed object's state what operators work with. */
export interface Prepare {
  (machine: Machine, state: Value): unknown
  /** Kernels that this state takes beyond those of its family. */
  readonly kernels?: (machine: Machine, state: Value) => readonly KernelSource[]
}

/** WebAssembly that imports the model's memory as `env.memory`. */
export interface KernelSource {
  readonly name: string
  /** What operators call it by, where that is another name: kernels of one space are called as if they were one module. */
  readonly space?: string
  /** The bytes in hexadecimal; with or without relaxed SIMD, where there are two builds. */
  load(relaxed: boolean): Promise<string>
}

/** An operator, ready to be called. */
export interface Operator {
  /** `aten::softmax.int` */
  readonly name: string
  /** Number of arguments, or undefined where there may be any number. */
  readonly arity: number | undefined
  /** Of the trailing arguments, from the first one that has a default. */
  readonly defaults: readonly Value[]
  /** How many of the last arguments are tensors to write the results to; calls always pass these. */
  readonly outs: number
  readonly run: Implementation
}

/**
 * Reads the short form of a schema: name, overload and arguments, without types. Defaults are as PyTorch's schemas print them
 * (native_functions.yaml): `alpha=1` is an int, `p=1.` a float. `!` marks an argument that results are written to, `...` any number of arguments.
 * Names of arguments are for those who read: `aten::softmax.int(self,,=None)` is the same, and is what ships.
 */
export function parseSchema(schema: string, run: Implementation): Operator {
  const open = schema.indexOf('(')
  const text = schema.slice(open + 1, -1)
  const args = text === '' ? [] : text.split(/, ?(?![^[]*\])/)
  const given = args.findIndex((arg) => arg.includes('='))
  const outs = args.filter((arg) => arg.endsWith('!')).length
  return {
    name: schema.slice(0, open),
    arity: args.includes('...') ? undefined : args.length,
    defaults: given < 0 ? [] : args.slice(given, args.length - outs).map((arg) => literal(arg.slice(arg.indexOf('=') + 1))),
    outs, run,
  }
}

function literal(text: string): Value {
  if (text.startsWith('[')) return text.slice(1, -1).split(', ').filter(Boolean).map(literal)
  if (text.startsWith('"')) return text.slice(1, -1)
  if (/^-?\d+$/.test(text)) return BigInt(text)
  const word = WORDS[text]
  return word === undefined ? Number(text) : word
}

const WORDS: Readonly<Record<string, Value>> = { None: null, True: true, False: false }

/** Fills in what a call left out. `specified` counts the arguments passed, with those that are written to. */
export function completeArguments({ arity, defaults, outs }: Operator, args: Value[]): void {
  if (arity === undefined || args.length >= arity) return
  const missing = arity - args.length
  args.splice(args.length - outs, 0, ...defaults.slice(defaults.length - missing))
}
