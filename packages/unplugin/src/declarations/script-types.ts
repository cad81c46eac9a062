import { parseScriptType, type ScriptType } from '@petaljs/runtime/spec'

/** Which way a value goes: into a model it may be written in several ways, out of it it has one. */
export type Direction = 'input' | 'output'

type Spell = (args: readonly string[], type: ScriptType) => string

/** By name of the TorchScript type, what the runtime takes for it; see packages/runtime/src/inputs.ts. */
const INPUTS: Readonly<Record<string, Spell>> = {
  Tensor: () => 'TensorInput',
  int: () => 'number | bigint',
  float: () => 'number | bigint',
  number: () => 'number | bigint | boolean',
  bool: () => 'boolean',
  str: () => 'string',
  NoneType: () => 'null',
  Device: () => `'cpu'`,
  Optional: ([item = 'Input']) => `${item} | null`,
  List: ([item = 'Input']) => `readonly (${item})[]${/\bnumber\b/.test(item) && !item.includes('[') ? ' | TensorData' : ''}`,
  Tuple: (items) => `readonly [${items.join(', ')}]`,
  Dict: ([key = 'Input', item = 'Input']) => `ReadonlyMap<${key}, ${item}>${key === 'string' ? ` | { readonly [key: string]: ${item} }` : ''}`,
}

/** The same for what it gives; see packages/runtime/src/outputs.ts. */
const OUTPUTS: Readonly<Record<string, Spell>> = {
  Tensor: () => 'TensorValue',
  int: () => 'number | bigint',
  float: () => 'number',
  number: () => 'number | bigint | boolean',
  bool: () => 'boolean',
  str: () => 'string',
  NoneType: () => 'null',
  Device: () => 'string',
  Optional: ([item = 'Output']) => `${item} | null`,
  List: ([item = 'Output']) => `readonly (${item})[]`,
  Tuple: (items) => `readonly [${items.join(', ')}]`,
  Dict: ([key = 'Output', item = 'Output']) => (key === 'string' ? `{ readonly [key: string]: ${item} }` : `ReadonlyMap<${key}, ${item}>`),
}

const TABLES = { input: { known: INPUTS, any: 'Input' }, output: { known: OUTPUTS, any: 'Output' } } as const

/**
 * The TypeScript type of a TorchScript annotation. Unions and classes are `Input` and `Output`, which is what the runtime checks of them:
 * a named tuple's fields are not in its annotation.
 */
export function typeScriptOf(annotation: string, direction: Direction): string {
  return spell(parseScriptType(annotation), direction)
}

function spell(type: ScriptType, direction: Direction): string {
  const { known, any } = TABLES[direction]
  const args = type.args[0]?.name === '()' ? [] : type.args.map((arg) => spell(arg, direction))
  return Object.hasOwn(known, type.name) ? known[type.name]!(args, type) : any
}
