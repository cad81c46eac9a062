import type { Tensor } from '../archive/tensor.ts'
import { toIValue, type Value } from '../ir/graph.ts'
import type { IValue } from '../ir/ivalue.ts'
import type { FunctionSchema } from '../ir/schema.ts'
import type { BytecodeForm } from './bytecode-form.ts'

/** How many leading arguments a call must pass, and how many out arguments follow them. */
export interface NecessaryArgs {
  readonly leading: number
  readonly out: number
}

/**
 * Trailing arguments that are constants equal to the schema's default need not be passed: the runtime appends its own
 * default. Out arguments at the end do not stop the count where the version of bytecode allows for it. Source:
 * torch/csrc/jit/runtime/calculate_necessary_args.h.
 */
export function necessaryArgs(schema: FunctionSchema, inputs: readonly Value[], trims: BytecodeForm['trims'] = 'before-out'): NecessaryArgs {
  const formals = schema.arguments
  let leading = formals.length
  if (trims === 'none') return { leading, out: 0 }
  if (trims === 'before-out') while (leading > 0 && formals[leading - 1]!.isOut) leading--
  const out = formals.length - leading
  for (; leading > 0; leading--) {
    const wanted = formals[leading - 1]!.defaultValue
    const given = toIValue(inputs[leading - 1]!)
    if (wanted === undefined || given === undefined || !equalValues(wanted, given)) break
  }
  return { leading, out }
}

/** Equality of constants by content; tensors and objects only with themselves. Defaults nest a level or two at most. */
export function equalValues(a: IValue, b: IValue): boolean {
  if (a === b) return true
  switch (a.tag) {
    case 'None':
      return b.tag === 'None'
    case 'Bool': case 'Int': case 'String': case 'Device': case 'Double': case 'Tensor':
      return b.tag === a.tag && Object.is(a.value, b.value as boolean | bigint | string | number | Tensor)
    case 'ComplexDouble':
      return b.tag === a.tag && Object.is(a.real, b.real) && Object.is(a.imag, b.imag)
    case 'List': case 'Tuple':
      return b.tag === a.tag && a.elements.length === b.elements.length && a.elements.every((e, i) => equalValues(e, b.elements[i]!))
    default:
      return false
  }
}
