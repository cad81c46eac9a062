import { toIValue, type Value } from '../ir/graph.ts'
import { boolValue } from '../ir/ivalue.ts'
import { AnyType, BoolType, isSubtype, NoneType, sameType, typeString, type Type } from '../ir/types.ts'
import { unifyTypeList, unifyTypes } from '../ir/unify.ts'
import type { CallExpr, Expr } from './ast.ts'
import { lowerCall } from './lower-calls.ts'
import { lowerValue, valueOf } from './lower-values.ts'
import type { Lowering } from './lowering.ts'
import { GLOBALS } from './globals.ts'

/** A condition, what is known of it while compiling, and what types names have where it holds and where it does not. */
export interface Condition {
  readonly value: Value
  readonly known: boolean | undefined
  readonly whenTrue: readonly Refinement[]
  readonly whenFalse: readonly Refinement[]
}

/** `name` is a `type` here. */
export interface Refinement {
  readonly name: string
  readonly type: Type
}

/** Operators that are constants in a compiled model. */
const KNOWN_OPERATORS: Readonly<Record<string, boolean>> = { 'aten::is_scripting': true, 'aten::has_torch_function': false }

/** Lowers the condition of an `if` (`emitCondExpr` in ir_emitter.cpp). */
export function lowerCondition(lowering: Lowering, expr: Expr): Condition {
  if (isInstanceCheck(expr)) return lowerIsInstance(lowering, expr)
  const value = toBool(lowering, lowerValue(lowering, expr), expr.line)
  const constant = toIValue(value)
  const known = constant?.tag === 'Bool' ? constant.value : KNOWN_OPERATORS[value.node.kind]
  return { value, known, whenTrue: [], whenFalse: [] }
}

/** `value` as a bool. */
export function toBool(lowering: Lowering, value: Value, line: number): Value {
  const bool = valueOf(lowering, lowerCall(lowering, GLOBALS.get('bool')!, [{ value }], [], line), line)
  if (!sameType(bool.type, BoolType)) lowering.fail(line, `a ${typeString(value.type)} is no condition`)
  return bool
}

function isInstanceCheck(expr: Expr): expr is CallExpr {
  return expr.kind === 'Call' && expr.callee.kind === 'Name' && expr.callee.name === 'isinstance'
}

/** `isinstance(x, T)` and `isinstance(x, (T, U))`: decided now where the types allow it (`emitIsInstance` in ir_emitter.cpp). */
export function lowerIsInstance(lowering: Lowering, call: CallExpr): Condition {
  const [object, classes] = call.args
  if (object === undefined || classes === undefined || call.args.length > 2 || call.keywords.length > 0) {
    return lowering.fail(call.line, 'isinstance takes a value and a type')
  }
  const value = lowerValue(lowering, object)
  const wanted = (classes.kind === 'Tuple' ? classes.elements : [classes]).map((each) => lowering.typeOf(each))
  const found: Type[] = []
  const other: Type[] = []
  let always = true
  const wantedMembers = wanted.flatMap(unionMembers)
  for (const type of unionMembers(value.type)) {
    if (sameType(type, AnyType)) {
      found.push(...wantedMembers)
      other.push(AnyType)
      always &&= found.length === 1 && sameType(found[0]!, AnyType)
      break
    }
    const refined = refine(type, wantedMembers)
    if (refined !== undefined) found.push(refined)
    else {
      other.push(type)
      always = false
    }
  }
  const refinement = (types: readonly Type[]): Refinement[] => {
    const type = unifyTypeList(types, { defaultToUnion: true })
    return object.kind === 'Name' && type !== undefined ? [{ name: object.name, type }] : []
  }
  const known = always ? true : found.length === 0 ? false : undefined
  const result = known === undefined ? instanceNode(lowering, value, wantedMembers, call.line) : lowering.constant(boolValue(known))
  return { value: result, known, whenTrue: refinement(found), whenFalse: refinement(other) }
}

/** What a value of `type` is known as when it is one of `wanted`; undefined when it cannot be. */
function refine(type: Type, wanted: readonly Type[]): Type | undefined {
  let refined: Type | undefined
  for (const each of wanted) {
    if (isSubtype(type, each)) refined = type
    else if (isSubtype(each, type)) refined = refined === undefined ? each : unifyTypes(refined, each)
  }
  return refined
}

function instanceNode(lowering: Lowering, value: Value, types: readonly Type[], line: number): Value {
  const result = lowering.insert('prim::isinstance', [value], BoolType, line)
  result.node.attributes.set('types', { kind: 'tys', value: types })
  return result
}

/** Optional and Union types taken apart. */
function unionMembers(type: Type): readonly Type[] {
  if (type.kind === 'OptionalType') return [type.element, NoneType]
  return type.kind === 'UnionType' ? type.elements.flatMap(unionMembers) : [type]
}
