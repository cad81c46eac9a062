import { toIValue, type Value } from '../ir/graph.ts'
import type { Lowering } from './lowering.ts'
import { emitBuiltinCall, type NamedValue } from './schema-matching.ts'

/**
 * Emits a call of an operator in the form that PyTorch gives it while loading, operators of older archives by what they meant then
 * (passes/replacement_of_old_operators.cpp).
 */
export function emitOperator(
  lowering: Lowering, kind: string, args: readonly NamedValue[], keywords: readonly NamedValue[], line: number, self?: Value,
): Value {
  const device = kind === 'aten::device' && keywords.length === 0 ? constantDevice(lowering, args) : undefined
  if (device !== undefined) return device
  const { operatorVersion } = lowering.resolver
  const output = lowering.located(line, () =>
    emitBuiltinCall(lowering.graph, kind, args, keywords, lowering.range(line), self && { value: self }, operatorVersion))
  if (kind === 'aten::warn') output.node.prev!.attributes.set('warn_id', { kind: 'i', value: lowering.resolver.nextWarning() })
  return output
}

/** {@link emitOperator} with positional arguments only. */
export function emitOperatorOn(lowering: Lowering, kind: string, values: readonly Value[], line: number): Value {
  return emitOperator(lowering, kind, values.map((value) => ({ value })), [], line)
}

/** `torch.device("cpu")` is how code writes a constant device. */
function constantDevice(lowering: Lowering, args: readonly NamedValue[]): Value | undefined {
  const name = args.length === 1 ? toIValue(args[0]!.value) : undefined
  return name?.tag === 'String' ? lowering.constant({ tag: 'Device', value: name.value }) : undefined
}
