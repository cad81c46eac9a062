import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { boolValue, intValue } from '../ir/ivalue.ts'
import { findSchema } from '../ir/ops/index.ts'
import { BoolType, IntType, type TupleType, type Type } from '../ir/types.ts'
import { simplification, type Simplification } from './pass.ts'

/**
 * Builds dicts entry by entry that are made of a list of pairs, `dict([(key, value)])` or `OrderedDict(pairs)`: the runtime has an operator
 * for it, but in the lite interpreter lists do not know that their elements are tuples, and the operator stops with an internal assert
 * (`dictConstructFromList` in torch/csrc/jit/runtime/register_prim_ops.cpp). Pairs that are there when the dict is made become a
 * `prim::DictConstruct`, others a loop. Of equal keys the last counts either way.
 */
export const dictFromList: Simplification = simplification('dict_from_list', buildDicts)

function buildDicts(graph: Graph): number {
  let changes = 0
  for (const node of allNodes(graph.block)) {
    if (node.kind !== 'aten::dict') continue
    const pair = pairType(node)
    const setItem = pair && findSchema('aten::_set_item', overloadOf(pair.elements[0]!))
    if (pair === undefined || setItem === undefined) continue
    const dict = graph.withInsertPoint(node, () => literalPairs(node) ? fromPairs(node) : fromLoop(node, pair, setItem))
    node.output.replaceAllUsesWith(dict)
    node.destroy()
    changes++
  }
  return changes
}

/** The type of the pairs, where a list of pairs is what the dict is made of. */
function pairType(node: Node): TupleType | undefined {
  const list = node.inputs.length === 1 ? node.input(0).type : undefined
  const element = list?.kind === 'ListType' ? list.element : undefined
  return element?.kind === 'TupleType' && element.elements.length === 2 && node.output.type.kind === 'DictType' ? element : undefined
}

/** Overloads of the operators on dicts are called after the type of the keys. */
function overloadOf(key: Type): string {
  const names: Partial<Record<Type['kind'], string>> = {
    StringType: 'str', IntType: 'int', BoolType: 'bool', FloatType: 'float', ComplexType: 'complex', TensorType: 'Tensor',
  }
  return names[key.kind] ?? ''
}

/** True for a list that is written out as pairs and used for nothing else, so that it cannot have changed. */
function literalPairs(node: Node): boolean {
  const list = node.input(0)
  return list.node.kind === 'prim::ListConstruct' && list.uses.size === 1 && list.node.owningBlock === node.owningBlock
    && list.node.inputs.every((pair) => pair.node.kind === 'prim::TupleConstruct')
}

function fromPairs(node: Node): Value {
  const construct = node.graph.insert(node.graph.create('prim::DictConstruct', node.input(0).node.inputs.flatMap((pair) => pair.node.inputs)))
  construct.range = node.range
  return construct.addOutput(node.output.type)
}

function fromLoop(node: Node, pair: TupleType, setItem: NonNullable<Node['schema']>): Value {
  const { graph } = node
  const list = node.input(0)
  const insert = (kind: string, inputs: readonly Value[], schema?: Node['schema']): Node => {
    const made = graph.insert(graph.create(kind, inputs, schema))
    made.range = node.range
    return made
  }
  const dict = insert('prim::DictConstruct', []).addOutput(node.output.type)
  const length = insert('aten::len', [list], findSchema('aten::len', 't')).addOutput(IntType)
  const always = graph.insertConstant(boolValue(true), BoolType)
  const loop = insert('prim::Loop', [length, always])
  const body = loop.addBlock()
  const trip = body.addInput(IntType)
  graph.withInsertPoint(body.returnNode, () => {
    const entry = insert('aten::__getitem__', [list, trip], findSchema('aten::__getitem__', 't')).addOutput(pair)
    const [key, value] = [0, 1].map((i) => insert('prim::TupleIndex', [entry, graph.insertConstant(intValue(i))]).addOutput(pair.elements[i]!))
    insert('aten::_set_item', [dict, key!, value!], setItem)
  })
  body.registerOutput(always)
  return dict
}
