import { Tensor } from './tensor.ts'

/**
 * A TorchScript value. An int is a bigint and a float a number, so that both can be told apart; lists are arrays (with identity, as
 * TorchScript's have), dicts are Maps.
 */
export type Value =
  | null | boolean | bigint | number | string
  | Tensor | Tuple | Device | ScriptObject | PackedObject
  | readonly Value[] | Value[] | Map<Value, Value>

/** A Python number. */
export type Scalar = bigint | number | boolean

/** A tuple; a named one knows its fields. */
export class Tuple {
  readonly items: readonly Value[]
  readonly fields: readonly string[] | undefined

  constructor(items: readonly Value[], fields?: readonly string[]) {
    this.items = items
    this.fields = fields
  }
}

/** `torch.device`; there is only the CPU. */
export class Device {
  readonly type: string

  constructor(type: string) {
    this.type = type
  }
}

/** A module or an instance of a TorchScript class. Attributes are in the order of the pickled dict, which GET_ATTR and SET_ATTR count by. */
export class ScriptObject {
  readonly className: string
  readonly names: string[]
  readonly slots: Value[]

  constructor(className: string, names: string[], slots: Value[]) {
    this.className = className
    this.names = names
    this.slots = slots
  }
}

/** An instance of a custom C++ class: packed weights, known by their pickled state. */
export class PackedObject {
  readonly className: string
  /** The state as pickled; let go once `prepared` is there. */
  state: Value
  /** What the operators made of the state. */
  prepared: unknown

  constructor(className: string, state: Value) {
    this.className = className
    this.state = state
  }
}

/** Several results of one operator. */
export class Results {
  readonly values: readonly Value[]

  constructor(values: readonly Value[]) {
    this.values = values
  }
}

/** The results of an operator that has more or fewer than one. */
export function results(...values: Value[]): Results {
  return new Results(values)
}

/** The TorchScript type of a value, for messages. */
export function typeName(value: Value | undefined): string {
  switch (typeof value) {
    case 'bigint': return 'int'
    case 'number': return 'float'
    case 'boolean': return 'bool'
    case 'string': return 'str'
    case 'undefined': return 'nothing'
  }
  if (value === null) return 'None'
  if (value instanceof Tensor) return 'Tensor'
  if (value instanceof Tuple) return `Tuple[${value.items.map(typeName).join(', ')}]`
  if (value instanceof Map) return 'Dict'
  if (Array.isArray(value)) return `List[${value.length > 0 ? typeName(value[0]) : ''}]`
  return value instanceof Device ? 'Device' : (value as ScriptObject).className
}
