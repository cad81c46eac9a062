import { toIValue, type Value } from '../ir/graph.ts'
import type { IValue } from '../ir/ivalue.ts'
import {
  AnyType, dictOf, isSubtype, listOf, sameType, StringType, TensorType, tupleOf, typeString, type Type,
} from '../ir/types.ts'
import { unifyTypeList } from '../ir/unify.ts'
import type { Expr } from './ast.ts'
import type { Lowering } from './lowering.ts'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** Numbers that are written as names: `inf`, and the imaginary ones. */
const NAMED_NUMBERS: Readonly<Record<string, IValue>> = {
  inf: { tag: 'Double', value: Infinity },
  nan: { tag: 'Double', value: NaN },
  infj: { tag: 'ComplexDouble', real: 0, imag: Infinity },
  nanj: { tag: 'ComplexDouble', real: 0, imag: NaN },
}

/** The value of a literal number, sign and `a+bj` included; undefined for any other expression. */
export function literalNumber(expr: Expr): IValue | undefined {
  switch (expr.kind) {
    case 'Int': return { tag: 'Int', value: expr.value }
    case 'Float': return { tag: 'Double', value: expr.value }
    case 'Imaginary': return { tag: 'ComplexDouble', real: 0, imag: expr.value }
    case 'Name': return Object.hasOwn(NAMED_NUMBERS, expr.name) ? NAMED_NUMBERS[expr.name] : undefined
    case 'Unary': return expr.operator === '-' ? negated(literalNumber(expr.operand)) : undefined
    case 'Binary': {
      const left = literalNumber(expr.left)
      const right = expr.operator === '-' ? negated(literalNumber(expr.right)) : literalNumber(expr.right)
      if (left?.tag !== 'Double' || right?.tag !== 'ComplexDouble') return undefined
      return { tag: 'ComplexDouble', real: left.value, imag: right.imag }
    }
    default: return undefined
  }
}

function negated(value: IValue | undefined): IValue | undefined {
  switch (value?.tag) {
    case 'Int': return { tag: 'Int', value: -value.value }
    case 'Double': return { tag: 'Double', value: -value.value }
    case 'ComplexDouble': return { tag: 'ComplexDouble', real: -value.real, imag: -value.imag }
    default: return undefined
  }
}

/** A constant for a literal number; undefined for any other expression. */
export function lowerNumber(lowering: Lowering, expr: Expr): Value | undefined {
  const value = literalNumber(expr)
  if (value === undefined) return undefined
  if (value.tag === 'Int' && (value.value < INT64_MIN || value.value > INT64_MAX)) {
    lowering.fail(expr.line, `the integer ${value.value} does not fit into 64 bits`)
  }
  return lowering.constant(value)
}

/** `[a, b]`. Without elements and without a hint the type is left open until the list is used. */
export function lowerList(lowering: Lowering, values: readonly Value[], hint: Type | undefined, line: number): Value {
  if (values.length === 0 && hint === undefined) return lowering.insert('prim::EmptyListLiteral', [], listOf(TensorType), line)
  const list = hint && containerHint(lowering, hint, 'ListType', line)
  const declared = list?.kind === 'ListType' ? list.element : undefined
  const unified = values.length === 0 ? undefined : unifyTypeList(values.map((value) => value.type), { defaultToUnion: true, ...(declared && { hint: declared }) })
  const element = declared ?? unified ?? TensorType
  if (unified !== undefined && !isSubtype(unified, element)) {
    lowering.fail(line, `a list of ${typeString(unified)} is annotated as ${typeString(listOf(element))}`)
  }
  return withUnion(lowering, lowering.insert('prim::ListConstruct', values, listOf(element), line), hint, line)
}

/** `{k: v}`. */
export function lowerDict(lowering: Lowering, keys: readonly Value[], values: readonly Value[], hint: Type | undefined, line: number): Value {
  const dict = hint && containerHint(lowering, hint, 'DictType', line)
  const key = dict?.kind === 'DictType' ? dict.key : keys[0]?.type ?? StringType
  const unified = unifyTypeList(values.map((value) => value.type), { defaultToUnion: true })
  const value = dict?.kind === 'DictType' ? dict.value : unified ?? TensorType
  for (const each of keys) {
    if (!sameType(each.type, key)) lowering.fail(line, `a dict with keys of type ${typeString(key)} has a key of type ${typeString(each.type)}`)
  }
  if (unified !== undefined && !isSubtype(unified, value)) {
    lowering.fail(line, `a dict of ${typeString(unified)} is annotated as ${typeString(dictOf(key, value))}`)
  }
  const pairs = keys.flatMap((each, i) => [each, values[i]!])
  return withUnion(lowering, lowering.insert('prim::DictConstruct', pairs, dictOf(key, value), line), hint, line)
}

/** `(a, b)`; one of constants is itself a constant, as constant propagation makes it when PyTorch loads it. */
export function lowerTuple(lowering: Lowering, values: readonly Value[], line: number): Value {
  return constantTuple(lowering, values) ?? lowering.insert('prim::TupleConstruct', values, tupleOf(values.map((value) => value.type)), line)
}

function constantTuple(lowering: Lowering, values: readonly Value[]): Value | undefined {
  const elements = values.map(toIValue)
  if (values.length === 0 || !elements.every((value) => value !== undefined && PLAIN.has(value.tag))) return undefined
  const type = tupleOf(values.map((value) => value.type))
  return lowering.constant({ tag: 'Tuple', type, elements: elements as IValue[] }, type)
}

const PLAIN: ReadonlySet<IValue['tag']> = new Set(['None', 'Bool', 'Int', 'Double', 'ComplexDouble', 'String', 'Device', 'Enum'])

/** What a type hint says of a container: the only one of its kind in an Optional or Union; undefined for Any. */
function containerHint(lowering: Lowering, hint: Type, kind: 'ListType' | 'DictType', line: number): Type | undefined {
  if (hint.kind === kind) return hint
  if (hint.kind === 'OptionalType') return containerHint(lowering, hint.element, kind, line)
  if (hint.kind === 'UnionType') {
    const candidates = hint.elements.filter((type) => type.kind === kind)
    if (candidates.length === 1) return candidates[0]
  }
  if (sameType(hint, AnyType)) return undefined
  return lowering.fail(line, `expected a ${typeString(hint)} and found a ${kind === 'ListType' ? 'list' : 'dict'}`)
}

/** A container that was hinted as a Union is cast to it, as PyTorch does; an Optional takes it as it is. */
function withUnion(lowering: Lowering, value: Value, hint: Type | undefined, line: number): Value {
  return hint?.kind === 'UnionType' || hint?.kind === 'OptionalType' ? lowering.insert('prim::unchecked_cast', [value], hint, line) : value
}
