import type { Tensor } from '../archive/tensor.ts'
import type { Node } from './graph.ts'
import { toIValue } from './graph.ts'
import type { IValue } from './ivalue.ts'
import { quote } from './print-value.ts'
import { typeString } from './types.ts'

const objectNumbers = new WeakMap<object, number>()
let objects = 0

/** A number for an object: the same for the same object, another for any other. Only for comparing, as it depends on what was asked before. */
function numberOf(object: object): number {
  let number = objectNumbers.get(object)
  if (number === undefined) objectNumbers.set(object, number = objects++)
  return number
}

/**
 * A text that two constant nodes share exactly when their types and values are the same: numbers by bits, tensors by the content of
 * their storage and the view of it, objects by identity.
 */
export function constantKey(node: Node): string {
  const value = toIValue(node.output)
  const name = node.attributes.get('name')
  return `${typeString(node.output.type)} ${value === undefined && name?.kind === 's' ? quote(name.value) : value ? valueKey(value) : '?'}`
}

function valueKey(value: IValue): string {
  switch (value.tag) {
    case 'None': return 'None'
    case 'Bool': return value.value ? 'True' : 'False'
    case 'Int': return String(value.value)
    case 'Double': return doubleKey(value.value)
    case 'ComplexDouble': return `${doubleKey(value.real)} ${doubleKey(value.imag)}j`
    case 'String': return quote(value.value)
    case 'Device': return `device ${quote(value.value)}`
    case 'Tensor': return tensorKey(value.value)
    case 'List': return `${typeString(value.elementType)}[${value.elements.map(valueKey).join(', ')}]`
    case 'Tuple': return `${typeString(value.type)}(${value.elements.map(valueKey).join(', ')})`
    case 'Dict':
      return `${typeString(value.keyType)}:${typeString(value.valueType)}{${
        value.entries.map(([key, each]) => `${valueKey(key)}: ${valueKey(each)}`).join(', ')}}`
    case 'Enum': return `${value.type.name}.${value.name}`
    case 'Object': case 'CustomObject': return `object ${numberOf(value)}`
  }
}

/** Floats by value, but with both zeros; all NaNs are one. */
function doubleKey(value: number): string {
  return `f${Object.is(value, -0) ? '-0' : String(value)}`
}

/** Storages of equal identity have equal bytes; what is shared memory beyond that is for the alias analysis to judge. */
function tensorKey(tensor: Tensor): string {
  const { storage, scalarType, sizes, strides, storageOffset, requiresGrad, quantizer } = tensor
  const view = `${scalarType} ${sizes.join('x')} ${strides.join('x')} ${storageOffset} ${requiresGrad} ${storage.byteLength}`
  if (quantizer === undefined) return `tensor ${quote(storage.identity)} ${view}`
  const affine = quantizer.scheme === 'per_tensor_affine' ? `${doubleKey(quantizer.scale)} ${quantizer.zeroPoint}`
    : `${tensorKey(quantizer.scales)} ${tensorKey(quantizer.zeroPoints)} ${quantizer.axis}`
  return `tensor ${quote(storage.identity)} ${view} ${quantizer.scheme} ${affine}`
}
