import { Tensor } from '../tensor.ts'
import { Device, PackedObject, ScriptObject, Tuple, type Value } from '../values.ts'

const SIMPLE: Readonly<Record<string, (value: Value) => boolean>> = {
  Tensor: (value) => value instanceof Tensor,
  int: (value) => typeof value === 'bigint',
  float: (value) => typeof value === 'number',
  bool: (value) => typeof value === 'boolean',
  str: (value) => typeof value === 'string',
  NoneType: (value) => value === null,
  None: (value) => value === null,
  Device: (value) => value instanceof Device,
  number: (value) => ['bigint', 'number', 'boolean'].includes(typeof value),
  Scalar: (value) => ['bigint', 'number', 'boolean'].includes(typeof value),
  // Python's own `isinstance(x, (list, tuple))`: of whatever elements.
  list: (value) => Array.isArray(value),
  tuple: (value) => value instanceof Tuple,
  Any: () => true,
}

/** Python's `isinstance` for a type as TorchScript prints it: `Optional[List[int]]`. An empty list or dict is one of any elements. */
export function isInstance(value: Value, type: string): boolean {
  const simple = Object.hasOwn(SIMPLE, type) ? SIMPLE[type] : undefined
  if (simple) return simple(value)
  const open = type.indexOf('[')
  if (open < 0) return (value instanceof ScriptObject || value instanceof PackedObject) && value.className === type
  const args = splitTypes(type.slice(open + 1, -1))
  switch (type.slice(0, open)) {
    case 'Optional': return value === null || isInstance(value, args[0]!)
    case 'Union': return args.some((arg) => isInstance(value, arg))
    case 'List': return Array.isArray(value) && value.every((item) => isInstance(item, args[0]!))
    case 'Dict': return value instanceof Map && [...value].every(([key, item]) => isInstance(key, args[0]!) && isInstance(item, args[1]!))
    case 'Tuple': {
      const items = value instanceof Tuple ? value.items : undefined
      return items !== undefined && items.length === args.length && items.every((item, i) => isInstance(item, args[i]!))
    }
    // A named tuple: told by its fields.
    default: return value instanceof Tuple && value.fields !== undefined
  }
}

/** Splits at the commas that are inside of no bracket. */
export function splitTypes(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let begin = 0
  for (let i = 0; i <= text.length; i++) {
    const character = text[i]
    if (character === '[') depth++
    else if (character === ']') depth--
    else if ((character === ',' && depth === 0) || character === undefined) {
      const part = text.slice(begin, i).trim()
      if (part !== '') parts.push(part)
      begin = i + 1
    }
  }
  return parts
}
