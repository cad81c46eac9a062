import { toIValue, type Graph, type SourceRange, type Value } from '../ir/graph.ts'
import { intValue, stringValue } from '../ir/ivalue.ts'
import { findSchema } from '../ir/ops/index.ts'
import { parseSchema } from '../ir/schema-parser.ts'
import type { FunctionSchema } from '../ir/schema.ts'
import { NoneType } from '../ir/types.ts'

/** What the body of a builtin function is written with. */
export interface BuiltinContext {
  readonly graph: Graph
  readonly range: SourceRange | undefined
  /** A call of an operator with positional and keyword arguments. */
  readonly call: (kind: string, args: readonly Value[], kwargs?: readonly { readonly name: string; readonly value: Value }[]) => Value
}

/** An operator name whose meaning is a few other operators; such a call is always replaced by its body. */
export interface BuiltinFunction {
  readonly schema: FunctionSchema
  emit(context: BuiltinContext, args: readonly Value[]): Value
}

type Body = BuiltinFunction['emit']

/** `a op b` with a number first is the mirrored operator, or an operator on a transformed tensor. */
const swapped = (kind: string): Body => ({ call }, [a, b]) => call(kind, [b!, a!])
const NUMBER_FIRST: Readonly<Record<string, Body>> = {
  mul: swapped('aten::mul'), add: swapped('aten::add'), ne: swapped('aten::ne'), eq: swapped('aten::eq'),
  sub: ({ call }, [a, b]) => call('aten::add', [call('aten::neg', [b!]), a!]),
  div: ({ call }, [a, b]) => call('aten::mul', [call('aten::reciprocal', [b!]), a!]),
}
const NUMBER_FIRST_REAL: Readonly<Record<string, Body>> = {
  lt: swapped('aten::gt'), le: swapped('aten::ge'), gt: swapped('aten::lt'), ge: swapped('aten::le'),
}
const forward = (kind: string): Body => ({ call }, args) => call(kind, args)
const first: Body = (_, args) => args[0]!

/** Puts `raise AssertionError(message)` under `if not condition`, as the JIT compiles an assert. */
function assertThat({ graph, range, call }: BuiltinContext, condition: Value, message: Value): Value {
  const branch = graph.insert(graph.create('prim::If', [condition]))
  branch.range = range
  branch.addBlock()
  const otherwise = branch.addBlock()
  graph.withInsertPoint(otherwise.returnNode, () => {
    const known = toIValue(message)
    const text = known?.tag === 'String'
      ? graph.insertConstant(stringValue(`AssertionError: ${known.value}`))
      : call('aten::format', [graph.insertConstant(stringValue('AssertionError: {}')), message])
    const raise = graph.create('prim::RaiseException', [text, graph.insertConstant({ tag: 'None' })], findSchema('prim::RaiseException', ''))
    graph.insert(raise).range = range
  })
  return graph.insertConstant({ tag: 'None' }, NoneType)
}

const isSubstring: Body = ({ graph, call }, [self, key]) => {
  const found = call('aten::find', [self!, key!, graph.insertConstant(intValue(0)), call('aten::len', [self!])])
  return call('aten::ne', [found, graph.insertConstant(intValue(-1))])
}

/** Functions by signature, in the order of registration (torch/csrc/jit/frontend/builtin_functions.cpp). */
function* definitions(): Generator<[signature: string, body: Body]> {
  for (const number of ['float', 'int', 'complex']) {
    for (const [name, body] of Object.entries(NUMBER_FIRST)) yield [`aten::${name}(${number} a, Tensor b) -> Tensor`, body]
  }
  for (const number of ['float', 'int']) {
    for (const [name, body] of Object.entries(NUMBER_FIRST_REAL)) yield [`aten::${name}(${number} a, Tensor b) -> Tensor`, body]
  }
  for (const number of ['float', 'int']) {
    for (const [i, name] of ['single', 'pair', 'triple', 'quadruple'].entries()) {
      yield [`aten::_${name}(${number}[${i + 1}] x) -> ${number}[]`, first]
    }
  }
  for (const other of ['Scalar', 'Tensor']) yield [`aten::floordiv(Tensor self, ${other} other) -> Tensor`, forward('aten::floor_divide')]
  yield ['aten::_assert_int_or_pair(int[] vals, str name, str message) -> NoneType', ({ graph }) => graph.insertConstant({ tag: 'None' })]
  yield ['aten::list_with_default(int[] out_size, int[] defaults) -> int[]', (context, [size, defaults]) => {
    const { graph, call } = context
    assertThat(context, call('aten::gt', [call('aten::len', [defaults!]), call('aten::len', [size!])]), graph.insertConstant(stringValue('')))
    return size!
  }]
  yield ['aten::_assert(bool condition, str message) -> NoneType', (context, [condition, message]) => assertThat(context, condition!, message!)]
  yield ['aten::device(str type) -> Device', forward('aten::device')]
  yield ['aten::type(Tensor self, int dtype, bool non_blocking=False, bool copy=False) -> Tensor', forward('aten::to')]
  yield ['aten::_assert(Tensor condition, str message) -> NoneType', (context, [condition, message]) =>
    assertThat(context, context.call('aten::Bool', [condition!]), message!)]
  yield ['aten::__contains__(str self, str key) -> bool', isSubstring]
  yield ['prim::ndim(Tensor a) -> int', forward('aten::dim')]
  yield ['prim::T(Tensor a) -> Tensor', forward('aten::numpy_T')]
  yield ['prim::H(Tensor a) -> Tensor', forward('aten::matrix_H')]
  yield ['prim::mT(Tensor a) -> Tensor', forward('aten::mT')]
  yield ['prim::mH(Tensor a) -> Tensor', forward('aten::mH')]
  yield ['prim::shape(Tensor a) -> int[]', forward('aten::size')]
}

let byName: Map<string, BuiltinFunction[]> | undefined
const NONE_OF_THIS_NAME: readonly BuiltinFunction[] = []

/** The builtin functions of a name, in the order that overload resolution tries them, after all operators. */
export function builtinFunctions(name: string): readonly BuiltinFunction[] {
  if (byName === undefined) {
    byName = new Map()
    for (const [signature, emit] of definitions()) {
      const schema = parseSchema(signature)
      const known = byName.get(schema.name)
      if (known) known.push({ schema, emit })
      else byName.set(schema.name, [{ schema, emit }])
    }
  }
  return byName.get(name) ?? NONE_OF_THIS_NAME
}
