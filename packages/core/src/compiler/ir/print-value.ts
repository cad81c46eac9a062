import type { Tensor } from '../archive/tensor.ts'
import { isContiguous } from '../archive/tensor.ts'
import { ivalueType, type IValue, type ObjectValue } from './ivalue.ts'
import { isLiteral, literalElements } from './literal.ts'
import { AnyType, sameType, typeString, type Type } from './types.ts'

/** Names the objects of one printout: the first is 0. */
export type ObjectNumbers = Map<ObjectValue, number>

/** A float as PyTorch's graphs write it, but with the fewest digits that read back: `1.`, `1e-05`, `inf`, `-inf`, `nan`. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0.'
  const text = String(value)
  return /[.e]/.test(text) ? text : `${text}.`
}

const ESCAPES: Record<string, string> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '"': '\\"', '\\': '\\\\' }

/** A string in double quotes; control characters become `\xNN`. */
export function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return `"${text.replace(/["\\\u0000-\u001f\u007f]/g, (c) => ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`
}

/**
 * A value as the `value` attribute of a constant of type `expected`. Where the value's own type is not the expected one
 * (an int in an `Any`), it is written with its type in front: `<int>1`. Throws on object graphs deeper than the stack;
 * objects inside constants are written as numbers, so cycles cannot occur.
 */
export function printValue(value: IValue, expected: Type, objects: ObjectNumbers): string {
  const wanted = expected.kind === 'OptionalType' ? expected.element : expected
  switch (value.tag) {
    case 'None': return 'None'
    case 'Tensor': return printTensor(value.value)
    case 'Object': {
      if (!objects.has(value)) objects.set(value, objects.size)
      return `<Object ${value.type.name} ${objects.get(value)}>`
    }
    case 'CustomObject': return `<CustomObject ${value.type.name} ${printValue(value.state, AnyType, objects)}>`
    case 'Enum': return `<Enum ${value.type.name} ${quote(value.name)} ${printValue(value.value, AnyType, objects)}>`
  }
  const type = ivalueType(value)
  const text = printPlain(value, objects)
  return sameType(type, wanted) ? text : `<${typeString(type)}>${text}`
}

function printPlain(value: Exclude<IValue, { tag: 'None' | 'Tensor' | 'Object' | 'CustomObject' | 'Enum' }>, objects: ObjectNumbers): string {
  switch (value.tag) {
    case 'Bool': return value.value ? '1' : '0'
    case 'Int': return String(value.value)
    case 'Double': return floatText(value.value)
    case 'ComplexDouble': return `${floatText(value.real)}${value.imag < 0 || Object.is(value.imag, -0) ? '' : '+'}${floatText(value.imag)}j`
    case 'String': case 'Device': return quote(value.value)
    case 'List': return `[${value.elements.map((element) => printValue(element, value.elementType, objects)).join(', ')}]`
    case 'Tuple': return `(${value.elements.map((element, i) => printValue(element, value.type.elements[i] ?? AnyType, objects)).join(', ')})`
    case 'Dict': {
      const entries = value.entries.map(([key, each]) =>
        `${printValue(key, value.keyType, objects)}: ${printValue(each, value.valueType, objects)}`)
      return `{${entries.join(', ')}}`
    }
  }
}

function printTensor(tensor: Tensor): string {
  const head = `${tensor.scalarType}[${tensor.sizes.join(', ')}]`
  const parts = isLiteral(tensor)
    ? [head, `{${literalElements(tensor).map((e) => typeof e === 'number' ? floatText(e) : String(Number(e))).join(', ')}}`]
    : [head, quote(tensor.storage.identity)]
  if (!isContiguous(tensor)) parts.push(`strides=[${tensor.strides.join(', ')}]`)
  if (tensor.storageOffset !== 0) parts.push(`offset=${tensor.storageOffset}`)
  if (tensor.requiresGrad) parts.push('requires_grad')
  const { quantizer } = tensor
  if (quantizer?.scheme === 'per_tensor_affine') parts.push(`scale=${floatText(quantizer.scale)} zero_point=${quantizer.zeroPoint}`)
  else if (quantizer) {
    parts.push(`${quantizer.scheme} scales=${printTensor(quantizer.scales)} zero_points=${printTensor(quantizer.zeroPoints)} axis=${quantizer.axis}`)
  }
  return `<Tensor ${parts.join(' ')}>`
}
