import type { ModelPort } from './facts.ts'
import { outputName } from './outputs.ts'
import { parseScriptType } from './script-type.ts'
import type { Value } from './values.ts'

// Signatures that are not of tensors alone; see session.ts.

export { withFields } from './script-type.ts'

/** As the results are named: the fields of a named tuple, the items of a tuple. */
export function describeOutputs(types: readonly string[]): ModelPort[] {
  return types.flatMap((type): ModelPort[] => {
    const { name, args, fields } = parseScriptType(type)
    if (fields) return fields.map(([field, inner]) => ({ name: field, type: print(inner) }))
    return name === 'Tuple' ? args.map((inner, i) => ({ name: outputName(i, args.length), type: print(inner) })) : [{ name: 'output', type }]
  })
}

function print({ name, args, fields }: ReturnType<typeof parseScriptType>): string {
  if (fields) return `NamedTuple[${fields.map(([field, type]) => `${field}: ${print(type)}`).join(', ')}]`
  return args.length === 0 ? name : `${name}[${args.map(print).join(', ')}]`
}

/** A default as Python prints it; undefined for what has no short form. */
export function printed(value: Value | undefined): string | undefined {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}.` : String(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  return Array.isArray(value) ? `[${value.map(printed).join(', ')}]` : undefined
}
