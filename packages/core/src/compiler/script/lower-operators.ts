import { toIValue, type Value } from '../ir/graph.ts'
import { BoolType, sameType } from '../ir/types.ts'
import { canonicalSymbol } from './globals.ts'
import type { Lowering } from './lowering.ts'
import { emitBuiltinCall, type NamedValue } from './schema-matching.ts'

/**
 * Emits a call of an operator in the form that PyTorch gives it while loading: aliases by their main name, `rsub` as `sub`,
 * operators of older archives by what they meant then (passes/normalize_ops.cpp, passes/replacement_of_old_operators.cpp).
 */
export function emitOperator(
  lowering: Lowering, symbol: string, args: readonly NamedValue[], keywords: readonly NamedValue[], line: number, self?: Value,
): Value {
  const device = symbol === 'aten::device' && keywords.length === 0 ? constantDevice(lowering, args) : undefined
  if (device !== undefined) return device
  const kind = isBoolIdentity(symbol, args) ? (symbol === 'aten::__is__' ? 'aten::eq' : 'aten::ne') : canonicalSymbol(symbol)
  // An alias never changed its meaning, whatever became of the operator it stands for.
  const version = kind === symbol ? lowering.resolver.operatorVersion : undefined
  const output = lowering.located(line, () =>
    emitBuiltinCall(lowering.graph, kind, args, keywords, lowering.range(line), self && { value: self }, version))
  if (kind === 'aten::warn') output.node.prev!.attributes.set('warn_id', { kind: 'i', value: lowering.resolver.nextWarning() })
  return normalized(lowering, output, line)
}

/** {@link emitOperator} with positional arguments only. */
export function emitOperatorOn(lowering: Lowering, symbol: string, values: readonly Value[], line: number): Value {
  return emitOperator(lowering, symbol, values.map((value) => ({ value })), [], line)
}

function normalized(lowering: Lowering, output: Value, line: number): Value {
  const { node } = output
  if (node.kind !== 'aten::rsub' || node.schema?.overload !== 'Tensor') return output
  const [self, other, alpha] = node.inputs
  const range = lowering.range(line)
  const swapped = emitBuiltinCall(lowering.graph, 'aten::sub', [{ value: other! }, { value: self! }], [{ name: 'alpha', value: alpha! }], range)
  node.destroy()
  return swapped
}

/** `x is y` of two bools compares them: bools have no identity. */
function isBoolIdentity(symbol: string, args: readonly NamedValue[]): boolean {
  return (symbol === 'aten::__is__' || symbol === 'aten::__isnot__')
    && args.length === 2 && args.every(({ value }) => sameType(value.type, BoolType))
}

/** `torch.device("cpu")` is how code writes a constant device. */
function constantDevice(lowering: Lowering, args: readonly NamedValue[]): Value | undefined {
  const name = args.length === 1 ? toIValue(args[0]!.value) : undefined
  return name?.tag === 'String' ? lowering.constant({ tag: 'Device', value: name.value }) : undefined
}
