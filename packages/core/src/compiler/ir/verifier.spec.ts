import { describe, expect, it } from 'vitest'
import { graphOf } from '../../../test/ir.ts'
import { Graph, type Node } from './graph.ts'
import { parseGraph } from './parser.ts'
import { findSchema } from './ops/index.ts'
import { BoolType, IntType, NoneType, TensorType } from './types.ts'
import { verify } from './verifier.ts'

const GOOD = `graph(%x : Tensor, %c : bool):
  %a : Tensor = aten::relu(%x)
  %y : Tensor = prim::If(%c)
    block0():
      %b : Tensor = aten::sigmoid(%a)
      -> (%b)
    block1():
      -> (%a)
  return (%y)`

function nodesOf(graph: Graph): Node[] {
  return [...graph.block.nodes()]
}

/** Text whose form is wrong, and what verify says of it. */
const BAD: readonly [string, string][] = [
  ['graph(%x : Tensor):\n  %y : Tensor = prim::If(%x)\n    block0():\n      -> (%x)\n    block1():\n      -> (%x)\n  return (%y)', 'the condition is Tensor'],
  ['graph(%x : Tensor, %c : bool):\n  %y : Tensor = prim::If(%c)\n    block0():\n      -> (%x)\n    block1():\n      -> ()\n  return (%y)', 'a block gives 0 values for 1 outputs'],
  ['graph(%x : Tensor, %c : bool):\n  %y : int = prim::If(%c)\n    block0():\n      -> (%x)\n    block1():\n      -> (%x)\n  return (%y)', 'block output 0 is Tensor, not int'],
  ['graph(%x : Tensor, %c : bool):\n  %y : Tensor = prim::If(%c)\n    block0():\n      -> (%x)\n  return (%y)', 'it has 1 blocks, not 2'],
  ['graph(%x : Tensor, %n : int, %c : bool):\n  %y : Tensor = prim::Loop(%n, %c, %x)\n    block0(%i : int):\n      -> (%c)\n  return (%y)', 'its body takes 1 values, not 2'],
  ['graph(%x : Tensor, %n : int, %c : bool):\n  %y : Tensor = prim::Loop(%n, %c, %x)\n    block0(%i : int, %z : Tensor):\n      -> (%n, %z)\n  return (%y)', 'the continue condition is int'],
  ['graph(%x : Tensor, %n : int, %c : bool):\n  %y : Tensor = prim::Loop(%n, %c, %n)\n    block0(%i : int, %z : Tensor):\n      -> (%c, %z)\n  return (%y)', 'carried value 0 is int, not Tensor'],
  ['graph(%x : Tensor):\n  %y : int[] = prim::ListConstruct(%x)\n  return (%y)', 'input 0 is Tensor, not int'],
  ['graph(%x : Tensor):\n  %y : (int, int) = prim::TupleConstruct(%x)\n  return (%y)', '1 inputs for 2 elements'],
  ['graph(%x : (int, int)):\n  %y : int = prim::TupleUnpack(%x)\n  return (%y)', '1 outputs for 2 elements'],
  ['graph(%x : int):\n  %y : Dict(int, int) = prim::DictConstruct(%x)\n  return (%y)', 'a key has no value'],
  ['graph(%x : __torch__.M):\n  %y : int = prim::GetAttr(%x)\n  return (%y)', 'it has no attribute name'],
  ['graph():\n  %y : int = prim::Constant()\n  return (%y)', 'a constant None is int'],
  ['graph():\n  %y : str = prim::Constant[value=<int>1]()\n  return (%y)', 'the value is int, not str'],
  ['graph(%x : Tensor):\n  %y : int = aten::relu(%x)\n  return (%y)', 'output 0 is int, not Tensor'],
  ['graph(%x : Tensor):\n  aten::relu(%x)\n  return (%x)', '0 outputs, and aten::relu gives 1'],
  ['graph(%x : int[]):\n  %i : int = prim::Constant[value=0]()\n  %y : str = aten::__getitem__(%x, %i)\n  return (%y)', 'output 0 is str, not t'],
  ['graph(%x : Tensor):\n  prim::RaiseException(%x)\n  return (%x)', 'the message is Tensor'],
]

describe('verify', () => {
  it('accepts a good graph', () => {
    graphOf(GOOD)
  })

  it.each(BAD)('finds what is wrong with %s', (text, message) => {
    expect(() => verify(parseGraph(text))).toThrow(message)
  })

  it('finds a value used out of its scope or before its definition', () => {
    const graph = parseGraph(GOOD)
    const branch = nodesOf(graph)[1]
    const inner = branch!.blocks[0]!.outputs[0]!
    branch!.output.replaceAllUsesWith(inner)
    expect(() => verify(graph)).toThrow('is not defined here')
    const early = parseGraph(GOOD)
    nodesOf(early)[0]!.moveAfter(nodesOf(early)[1]!)
    expect(() => verify(early)).toThrow('aten::sigmoid(Tensor): input 0 (%a, from aten::relu) is not defined here')
  })

  it('finds uses and inputs that do not agree', () => {
    const graph = parseGraph(GOOD)
    graph.inputs[0]!.uses.clear()
    expect(() => verify(graph)).toThrow('6 inputs, but 5 uses')
    const other = parseGraph(GOOD)
    const [relu, branch] = nodesOf(other)
    relu!.output.uses.add({ user: branch!, offset: 0 })
    expect(() => verify(other)).toThrow('lists a use as input 0 of prim::If that is not there')
  })

  it('finds a broken list, block or position', () => {
    const links = parseGraph(GOOD)
    nodesOf(links)[1]!.prev = links.block.paramNode
    expect(() => verify(links)).toThrow('do not agree')
    const order = parseGraph(GOOD)
    nodesOf(order)[0]!.position = order.block.returnNode.position
    expect(() => verify(order)).toThrow('its position')
    const block = parseGraph(GOOD)
    nodesOf(block)[0]!.owningBlock = nodesOf(block)[1]!.blocks[0]
    expect(() => verify(block)).toThrow('does not know its block')
  })

  it('finds a schema of another operator, and an operator that is not resolved', () => {
    const wrong = parseGraph(GOOD)
    nodesOf(wrong)[0]!.schema = findSchema('aten::sigmoid', '')
    expect(() => verify(wrong)).toThrow('its schema is that of aten::sigmoid')
    const none = parseGraph(GOOD)
    nodesOf(none)[0]!.schema = undefined
    expect(() => verify(none)).toThrow('not resolved')
  })

  it('checks hand-built nodes', () => {
    const graph = new Graph()
    const x = graph.block.addInput(TensorType)
    graph.insertOp('aten::relu', [x, x], TensorType, findSchema('aten::relu', ''))
    expect(() => verify(graph)).toThrow('2 inputs for 1 arguments')
    const constants = new Graph()
    expect(constants.insertConstant({ tag: 'None' }).type).toEqual(NoneType)
    constants.insertConstant({ tag: 'Bool', value: true }, BoolType)
    constants.insertConstant({ tag: 'Int', value: 1n }, IntType)
    verify(constants)
  })
})
