import { toIValue, type Value } from '../ir/graph.ts'
import { intValue, type IValue } from '../ir/ivalue.ts'
import { IntType, isSubtype, optionalOf, sameType, TensorType, tupleOf, typeString, type TupleType, type Type } from '../ir/types.ts'
import { unifyTypeList } from '../ir/unify.ts'
import type { Expr, SliceExpr, SubscriptExpr } from './ast.ts'
import { lowerAttribute } from './lower-attributes.ts'
import { lowerCall } from './lower-calls.ts'
import { emitOperatorOn } from './lower-operators.ts'
import { lowerValue, tupleElement, valueOf } from './lower-values.ts'
import type { Lowering } from './lowering.ts'
import { simple, type Sugared } from './sugared.ts'

/** `x[…]`; as `emitSubscript` in torch/csrc/jit/frontend/ir_emitter.cpp. */
export function lowerSubscript(lowering: Lowering, expr: SubscriptExpr, hint: Type | undefined): Value {
  const base = valueOf(lowering, lowering.sugared(expr.value), expr.value.line)
  const { line, indices } = expr
  if (isSubtype(base.type, TensorType)) return indexTensor(lowering, base, indices, line)
  const index = indices[0]
  if (index === undefined || indices.length !== 1) return lowering.fail(line, `a ${typeString(base.type)} takes one index`)
  if (base.type.kind === 'TupleType') {
    return index.kind === 'Slice' ? sliceTuple(lowering, base, base.type, index) : indexTuple(lowering, base, base.type, index)
  }
  if (index.kind === 'Slice') {
    const [start, end, step] = sliceBounds(lowering, index)
    return emitOperatorOn(lowering, 'aten::slice', [base, start, end, step], line)
  }
  const key = lowerValue(lowering, index)
  if (base.type.kind === 'ClassType') return indexObject(lowering, base, key, hint, line)
  return emitOperatorOn(lowering, 'aten::__getitem__', [base, key], line)
}

/** A module container, when the type of what is in it is given; else the class's own `__getitem__`. */
function indexObject(lowering: Lowering, object: Value, key: Value, hint: Type | undefined, line: number): Value {
  if (object.type.kind === 'ClassType' && object.type.isModule && hint !== undefined) {
    const overload = sameType(key.type, IntType) ? 'list' : 'dict'
    return lowering.insertTyped('prim::ModuleContainerIndex', overload, [object, key], hint, line)
  }
  const method: Sugared = lowerAttribute(lowering, simple(object), '__getitem__', line)
  return valueOf(lowering, lowerCall(lowering, method, [{ value: key }], [], line), line)
}

function indexTuple(lowering: Lowering, tuple: Value, type: TupleType, index: Expr): Value {
  const key = lowerValue(lowering, index)
  if (!sameType(key.type, IntType)) lowering.fail(index.line, 'a tuple is indexed by an int')
  const constant = toIValue(key)
  const position = constant && wrapped(constant, type.elements.length)
  const element = position === undefined ? unifyTypeList(type.elements) : type.elements[position]
  if (element === undefined) return lowering.fail(index.line, `a tuple of ${type.elements.length} has no such element`)
  if (position !== undefined && tuple.node.kind === 'prim::TupleConstruct') return tuple.node.input(position)
  return lowering.insert('prim::TupleIndex', [tuple, key], element, index.line)
}

/** An int constant as a position in a sequence, counted from the end when negative. */
function wrapped(value: IValue, length: number): number {
  const index = value.tag === 'Int' ? Number(value.value) : NaN
  return index < 0 ? length + index : index
}

/** `t[1:3]` is a new tuple of the elements (`Graph::createTupleSlice` in torch/csrc/jit/ir/ir.cpp). */
function sliceTuple(lowering: Lowering, tuple: Value, type: TupleType, slice: SliceExpr): Value {
  const length = type.elements.length
  const bound = (expr: Expr | undefined, otherwise: number): number => {
    if (expr === undefined) return otherwise
    const constant = toIValue(lowerValue(lowering, expr))
    if (constant?.tag !== 'Int') return lowering.fail(expr.line, 'the bounds of a slice of a tuple are int constants')
    return Math.min(Math.max(wrapped(constant, length), 0), length)
  }
  const begin = bound(slice.start, 0)
  const end = bound(slice.end, length)
  if (slice.step !== undefined) lowering.fail(slice.line, 'a slice of a tuple has no step')
  const elements: Value[] = []
  for (let i = begin; i < end; i++) {
    elements.push(tupleElement(lowering, tuple, i, slice.line))
  }
  return lowering.insert('prim::TupleConstruct', elements, tupleOf(elements.map((element) => element.type)), slice.line)
}

function sliceBounds(lowering: Lowering, slice: SliceExpr): [Value, Value, Value] {
  const bound = (expr: Expr | undefined): Value => expr === undefined ? lowering.none() : lowerValue(lowering, expr)
  return [bound(slice.start), bound(slice.end), slice.step === undefined ? lowering.constant(intValue(1)) : lowerValue(lowering, slice.step)]
}

/**
 * `x[1, None, a:b, mask]`: ints select, slices slice and None adds a dimension, from left to right; tensors index at the end.
 * `emitIntAndSliceIndexing` in ir_emitter.cpp.
 */
function indexTensor(lowering: Lowering, tensor: Value, indices: readonly (Expr | SliceExpr)[], line: number): Value {
  const dimension = (dim: number): Value => lowering.constant(intValue(dim))
  const indexTensors: Value[] = []
  let result = tensor
  let dim = 0
  for (const index of indices) {
    if (index.kind === 'Slice') {
      result = emitOperatorOn(lowering, 'aten::slice', [result, dimension(dim++), ...sliceBounds(lowering, index)], line)
      continue
    }
    const key = lowerValue(lowering, index)
    if (key.type.kind === 'NoneType') result = emitOperatorOn(lowering, 'aten::unsqueeze', [result, dimension(dim++)], line)
    else if (sameType(key.type, IntType)) result = emitOperatorOn(lowering, 'aten::select', [result, dimension(dim), key], line)
    else if (isSubtype(key.type, optionalOf(TensorType))) indexTensors[dim++] = key
    else lowering.fail(line, `a tensor is not indexed by a ${typeString(key.type)}`)
  }
  if (indexTensors.length === 0) return result
  const list = Array.from(indexTensors, (index) => index ?? lowering.none())
  const packed = lowering.insert('prim::ListConstruct', list, { kind: 'ListType', element: optionalOf(TensorType) }, line)
  return emitOperatorOn(lowering, 'aten::index', [result, packed], line)
}
