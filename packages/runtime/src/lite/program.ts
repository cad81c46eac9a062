import { RuntimeError } from '../errors.ts'
import type { Machine } from '../machine.ts'
import { ScriptObject, Tuple, type Value } from '../values.ts'
import { LiteArchive } from './archive.ts'
import { broken } from './broken.ts'
import type { DebugHandles } from './debug-handles.ts'
import { unpickle } from './unpickle.ts'

/** An operator that a method calls. `numArgs` are the arguments that calls pass; undefined in files before version 6, where they pass all. */
export interface OperatorCall {
  readonly name: string
  readonly numArgs: number | undefined
}

/** An argument or result of a method. `type` is as TorchScript prints it: `Optional[int]`. */
export interface Port {
  readonly name: string
  readonly type: string
  /** None counts as one only where the type has it. */
  readonly default?: Value
}

/** A method's code. An instruction is an opcode's name and two numbers. */
export interface Method {
  /** Qualified: `__torch__.Net.forward`. */
  readonly name: string
  readonly opcodes: readonly string[]
  readonly x: readonly number[]
  readonly n: readonly number[]
  readonly operators: readonly OperatorCall[]
  readonly constants: readonly Value[]
  readonly types: readonly string[]
  readonly registers: number
  /** Without `self`; undefined in the oldest files. */
  readonly inputs: readonly Port[] | undefined
  readonly outputs: readonly Port[]
}

/** What a file for the lite interpreter holds. */
export interface Program {
  readonly root: ScriptObject
  readonly methods: readonly Method[]
  readonly bytecodeVersion: number
  /** Version of the operators that the model was saved with. */
  readonly operatorVersion: number
  /** Objects that `__setstate__` is to fill, each with its state. */
  readonly unset: readonly (readonly [ScriptObject, Value])[]
  readonly extraFiles: ReadonlyMap<string, Uint8Array>
  readonly debug: DebugHandles | undefined
}

/**
 * Reads a model for the lite interpreter, bytecode version 3 to 8 in a zip archive, that lies in the machine's memory; weights stay where
 * they are. Source: torch/csrc/jit/mobile/import.cpp.
 */
export async function readProgram(machine: Machine, address: number, size: number): Promise<Program> {
  const archive = await LiteArchive.open(machine, address, size)
  if (!archive.has('bytecode.pkl') && archive.has('data.pkl')) throw new RuntimeError('BAD_MODEL', NOT_COMPILED)
  const own = archive.names.some((name) => name.startsWith('bytecode/'))
  const table = items(unpickle(archive, 'bytecode.pkl', { folder: own ? 'bytecode/' : 'constants/' }), 'the whole')
  const hasVersion = typeof table[0] === 'bigint'
  const methods = table.slice(hasVersion ? 1 : 0).map(readMethod)
  const names = new Set(methods.map(({ name }) => name))
  const unset: [ScriptObject, Value][] = []
  const root = unpickle(archive, 'data.pkl', { folder: 'data/', hasSetState: (name) => names.has(`${name}.__setstate__`), unset })
  if (!(root instanceof ScriptObject)) throw broken('data.pkl', 'it is not a module')
  return {
    root, methods, unset,
    bytecodeVersion: hasVersion ? Number(table[0]) : 3,
    operatorVersion: Number(archive.text(archive.has('.data/version') ? '.data/version' : 'version')),
    extraFiles: new Map(archive.names.filter((name) => name.startsWith(EXTRA)).map((name) => [name.slice(EXTRA.length), archive.bytes(name).slice()])),
    debug: archive.has(DEBUG) ? (await import('./debug-handles.ts')).readDebugHandles(archive) : undefined,
  }
}

const NOT_COMPILED = 'This model is not compiled: it is TorchScript for the full interpreter, as torch.jit.save writes it. Import it with ?mobile, or run "petal optimize" on it.'
const EXTRA = 'extra/'
/** Few files have it. */
const DEBUG = 'mobile_debug_handles.pkl'

/** `(name, code)` or `(name, code, schema)`. */
function readMethod(value: Value): Method {
  const [name, code, schema] = items(value, 'a method')
  const { instructions, operators, constants, types, register_size: registers } = table(code)
  const { arguments: inputs, returns: outputs } = schema ? table(schema) : {}
  const rows = items(instructions, 'the instructions').map((row) => items(row, 'an instruction'))
  return {
    name: String(name),
    opcodes: rows.map(([opcode]) => String(opcode)),
    x: rows.map(([, x]) => Number(x)),
    n: rows.map(([, , n]) => Number(n)),
    operators: items(operators, 'the operators').map((row) => {
      const [operator, overload, numArgs] = items(row, 'an operator')
      const full = overload === '' ? String(operator) : `${String(operator)}.${String(overload)}`
      return { name: full, numArgs: typeof numArgs === 'bigint' && numArgs >= 0n ? Number(numArgs) : undefined }
    }),
    constants: items(constants, 'the constants'),
    types: items(types, 'the types').map(String),
    registers: Number(registers),
    inputs: inputs === undefined ? undefined : items(inputs, 'the arguments').map(readPort).slice(1),
    outputs: outputs === undefined ? [] : items(outputs, 'the returns').map(readPort),
  }
}

function readPort(value: Value): Port {
  const { name, type, default_value: preset } = table(value)
  const hasDefault = preset !== undefined && (preset !== null || String(type).startsWith('Optional['))
  return { name: String(name), type: String(type), ...hasDefault && { default: preset } }
}

/** Pairs of name and value. */
function table(value: Value | undefined): Partial<Record<string, Value>> {
  return Object.fromEntries(items(value, 'a table').map((pair) => {
    const [name, item] = items(pair, 'a table')
    return [String(name), item]
  }))
}

function items(value: Value | undefined, what: string): readonly Value[] {
  if (value instanceof Tuple) return value.items
  if (Array.isArray(value)) return value
  throw broken('bytecode.pkl', `${what} is not a tuple`)
}
