import type { Value } from '../ir/graph.ts'
import { intValue } from '../ir/ivalue.ts'
import { AnyType, sameType, type Type } from '../ir/types.ts'
import type { Expr } from './ast.ts'
import { lowerTuple } from './lower-literals.ts'
import type { Lowering } from './lowering.ts'
import type { NamedValue } from './schema-matching.ts'
import type { Sugared } from './sugared.ts'

/** Lowers an expression that must be a value. A value for which `Any` is wanted is cast, as nothing unifies to it by itself. */
export function lowerValue(lowering: Lowering, expr: Expr, hint?: Type): Value {
  const value = valueOf(lowering, lowering.sugared(expr, hint), expr.line)
  if (hint === undefined || !sameType(hint, AnyType) || sameType(value.type, AnyType)) return value
  return lowering.insert('prim::unchecked_cast', [value], AnyType, expr.line)
}

/** The value that `sugared` is. */
export function valueOf(lowering: Lowering, sugared: Sugared, line: number): Value {
  switch (sugared.kind) {
    case 'value': return sugared.value
    case 'values': return lowerTuple(lowering, sugared.values, line)
    case 'nothing': return lowering.none()
    case 'function': case 'method': case 'operator': case 'class': case 'namedTuple': case 'enum':
      return lowering.fail(line, `a ${sugared.kind} is used as a value`)
    default: return lowering.fail(line, `expected a value, not ${sugared.kind}`)
  }
}

/** The arguments of a call, in order of evaluation. */
export function lowerArguments(
  lowering: Lowering, args: readonly Expr[], keywords: readonly { readonly name: string; readonly value: Expr }[],
): { args: NamedValue[]; keywords: NamedValue[] } {
  return {
    args: args.map((arg) => ({ value: lowerValue(lowering, arg) })),
    keywords: keywords.map(({ name, value }) => ({ name, value: lowerValue(lowering, value) })),
  }
}

/** Element `index` of a tuple: what it was made of, when that is known. */
export function tupleElement(lowering: Lowering, tuple: Value, index: number, line: number): Value {
  if (tuple.type.kind !== 'TupleType') return lowering.fail(line, `a ${tuple.type.kind} is no tuple`)
  if (tuple.node.kind === 'prim::TupleConstruct') return tuple.node.input(index)
  return lowering.insert('prim::TupleIndex', [tuple, lowering.constant(intValue(index))], tuple.type.elements[index]!, line)
}

/** The `count` values that one value holds: the elements of a tuple or list. */
export function unpack(lowering: Lowering, sugared: Sugared, count: number, line: number): readonly Value[] {
  if (sugared.kind === 'values') return sugared.values
  const value = valueOf(lowering, sugared, line)
  if (value.type.kind === 'TupleType') {
    if (value.node.kind === 'prim::TupleConstruct') return value.node.inputs
    const node = lowering.statement('prim::TupleUnpack', [value], line)
    for (const element of value.type.elements) node.addOutput(element)
    return node.outputs
  }
  if (value.type.kind === 'ListType') {
    const node = lowering.statement('prim::ListUnpack', [value], line)
    for (let i = 0; i < count; i++) node.addOutput(value.type.element)
    return node.outputs
  }
  return lowering.fail(line, `a ${value.type.kind} cannot be unpacked`)
}
