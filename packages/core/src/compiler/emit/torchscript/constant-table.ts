import type { IValue } from '../../ir/ivalue.ts'

/** The values that code names `CONSTANTS.cN`: what cannot be written out. Equal strings are one entry. */
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

/**
 * What is the same for values that may share an entry. Tensors, lists and objects stand for themselves: equal ones that are not one may be
 * returned, and written to by an app.
 */
function keyOf(value: IValue): unknown {
  switch (value.tag) {
    case 'String': return `"${value.value}`
    case 'Int': case 'Tensor': return value.value
    default: return value
  }
}
