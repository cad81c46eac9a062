import type { IValue } from '../ir/ivalue.ts'

/** A plain value as Python writes it: `None`, `1.`, `[1, 2]`. What has no literal is given by its kind: `<Tensor>`. */
export function literal(value: IValue): string {
  switch (value.tag) {
    case 'None': return 'None'
    case 'Bool': return value.value ? 'True' : 'False'
    case 'Int': return String(value.value)
    case 'Double': return float(value.value)
    case 'ComplexDouble': return `(${float(value.real)}+${float(value.imag)}j)`
    case 'String': case 'Device': return JSON.stringify(value.value)
    case 'List': return `[${value.elements.map(literal).join(', ')}]`
    case 'Tuple': return `(${value.elements.map(literal).join(', ')}${value.elements.length === 1 ? ',' : ''})`
    case 'Dict': return `{${value.entries.map(([key, item]) => `${literal(key)}: ${literal(item)}`).join(', ')}}`
    case 'Enum': return `${value.type.name}.${value.name}`
    default: return `<${value.tag}>`
  }
}

function float(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const text = Object.is(value, -0) ? '-0' : String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}
