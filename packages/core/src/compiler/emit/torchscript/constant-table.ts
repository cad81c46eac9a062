import type { IValue } from '../../ir/ivalue.ts'

/** The values that code names `CONSTANTS.cN`: what cannot be written out. Equal tensors and strings are one entry. */
export class ConstantTable {
  readonly values: IValue[] = []
  readonly #numbers: Map<unknown, number> = new Map()

  /** How code refers to `value`. */
  nameOf(value: IValue): string {
    const key = keyOf(value)
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.values.push(value) - 1
      this.#numbers.set(key, number)
    }
    return `CONSTANTS.c${number}`
  }
}

/** Text that is equal for values that may share an entry; values with an identity stand for themselves. */
function keyOf(value: IValue): unknown {
  switch (value.tag) {
    case 'String': return `"${value.value}`
    case 'Int': return value.value
    case 'Tensor': {
      const { scalarType, sizes, strides, storageOffset, storage, quantizer } = value.value
      return quantizer ? value.value : JSON.stringify([scalarType, sizes, strides, storageOffset, storage.identity])
    }
    default: return value
  }
}
