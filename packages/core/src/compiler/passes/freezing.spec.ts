import { describe, expect, it } from 'vitest'
import { graphOf, recordLog, structure, type RecordedLog } from '../../../test/ir.ts'
import type { Tensor } from '../archive/tensor.ts'
import { classType, type ClassType } from '../ir/class-type.ts'
import { allNodes, toIValue, type Graph } from '../ir/graph.ts'
import { boolValue, intListValue, intValue, NONE, tensorValue, ivalueType, type IValue, type ObjectValue } from '../ir/ivalue.ts'
import { literalTensor } from '../ir/literal.ts'
import { optionalOf, TensorType, listOf, IntType, type Type } from '../ir/types.ts'
import { verify } from '../ir/verifier.ts'
import { freezeModule, pruneModule } from './freezing.ts'
import { hoistConvPackedParams, isConvPackedParams } from './hoist-conv-packed-params.ts'

function tensor(...values: number[]): Tensor {
  return literalTensor('Float', [values.length], values)
}

/** An object of a new class `name` with the given attributes; types are those of the values unless given. */
function object(name: string, slots: Record<string, IValue>, types: Record<string, Type> = {}, isModule = true): ObjectValue {
  const type = classType(name, { isModule })
  for (const [attribute, value] of Object.entries(slots)) {
    type.attributes.push({ name: attribute, type: types[attribute] ?? ivalueType(value), isParameter: false, isBuffer: false })
  }
  return { tag: 'Object', type, slots: new Map(Object.entries(slots)) }
}

interface Result {
  graph: Graph
  root: ObjectValue
  log: RecordedLog
  /** Paths of what is left of the module. */
  left: string[]
}

/** Freezes; `expected` is the graph afterwards when it matters. */
function freeze(root: ObjectValue, text: string, expected?: string): Result {
  const types = new Map<string, Type>()
  const visit = (each: ObjectValue): void => {
    types.set(each.type.name, each.type)
    for (const value of each.slots.values()) if (value.tag === 'Object') visit(value)
  }
  visit(root)
  const graph = graphOf(text, { types })
  const log = recordLog()
  freezeModule([graph], root, log)
  verify(graph)
  if (expected !== undefined) expect(structure(graph)).toBe(structure(graphOf(expected, { types })))
  const pruned = pruneModule([graph], root)
  return { graph, root: pruned, log, left: paths(pruned) }
}

function paths(each: ObjectValue, prefix = ''): string[] {
  return [...each.slots].flatMap(([name, value]) => value.tag === 'Object' ? paths(value, `${prefix}${name}.`) : [prefix + name])
}

/** Freezes the methods of one module; `preserved` are names of its attributes. */
function freezeAll(root: ObjectValue, texts: readonly string[], preserved: readonly string[] = []): Result {
  const graphs = texts.map((text) => graphOf(text, { types: new Map([[root.type.name, root.type]]) }))
  const log = recordLog()
  const set = new Map([[root, new Set(preserved)]])
  freezeModule(graphs, root, log, { preserved: set })
  for (const graph of graphs) verify(graph)
  const pruned = pruneModule(graphs, root, set)
  return { graph: graphs[0]!, root: pruned, log, left: paths(pruned) }
}

/** Uses one of two modules; `use` is more code. */
function choosing(use: string): string {
  return `graph(%self : Net, %flag : bool):
  %a : Child = prim::GetAttr[name="a"](%self)
  %b : Child = prim::GetAttr[name="b"](%self)
  %c : Child = prim::If(%flag)
    block0():
      -> (%a)
    block1():
      -> (%b)
  %n : int = prim::GetAttr[name="n"](%c)
${use}
  %k : int = prim::GetAttr[name="n"](%a)
  return (%n, %k)`
}

describe('freezeModule', () => {
  it('keeps tied weights one tensor', () => {
    const weight = tensorValue({ ...tensor(1, 2), requiresGrad: true })
    const { graph } = freeze(object('Net', { a: weight, b: weight }), `graph(%self : Net):
  %a : Tensor = prim::GetAttr[name="a"](%self)
  %b : Tensor = prim::GetAttr[name="b"](%self)
  %same : bool = aten::__is__(%a, %b)
  return (%same)`)
    const [first, second] = graph.outputs[0]!.node.inputs.map(toIValue)
    expect(first).toBe(second)
    expect(first).toMatchObject({ tag: 'Tensor', value: { requiresGrad: false } })
  })

  it('makes attributes constants, each once, detached and in evaluation mode', () => {
    const weight = { ...tensor(1, 2), requiresGrad: true }
    const child = object('Child', { weight: tensorValue(weight), training: boolValue(true), bias: NONE }, { bias: optionalOf(TensorType) })
    const { left, log } = freeze(object('Net', { child, n: intValue(3), unused: intValue(1) }), `graph(%self : Net):
  %c : Child = prim::GetAttr[name="child"](%self)
  %w : Tensor = prim::GetAttr[name="weight"](%c)
  %d : Child = prim::GetAttr[name="child"](%self)
  %v : Tensor = prim::GetAttr[name="weight"](%d)
  %t : bool = prim::GetAttr[name="training"](%c)
  %b : Tensor? = prim::GetAttr[name="bias"](%c)
  %n : int = prim::GetAttr[name="n"](%self)
  return (%w, %v, %t, %b, %n)`, `graph(%self : Net):
  %n : int = prim::Constant[value=3]()
  %b : None = prim::Constant()
  %t : bool = prim::Constant[value=0]()
  %w : Tensor = prim::Constant[value=<Tensor Float[2] {1., 2.}>]()
  return (%w, %w, %t, %b, %n)`)
    expect(left).toEqual([])
    expect(log.changes.get('freeze_module')).toBe(5)
    expect(log.declines).toEqual([])
  })

  it('makes lists, tuples and packed objects constants', () => {
    const packed: IValue = { tag: 'CustomObject', type: classType('__torch__.torch.classes.quantized.X'), state: NONE }
    const { left } = freeze(object('Net', { list: intListValue([1, 2]), packed }), `graph(%self : Net):
  %l : int[] = prim::GetAttr[name="list"](%self)
  %p : __torch__.torch.classes.quantized.X = prim::GetAttr[name="packed"](%self)
  return (%l, %p)`)
    expect(left).toEqual([])
  })

  const shared = tensor(1, 2, 3, 4)
  const view: Tensor = { ...shared, sizes: [2], strides: [1], storageOffset: 2 }
  const net = (): ObjectValue => object('Net', {
    a: tensorValue(shared), part: tensorValue(view), other: tensorValue(tensor(5)), count: intValue(0),
    list: { tag: 'List', elementType: TensorType, elements: [tensorValue(view)] },
    numbers: { tag: 'List', elementType: IntType, elements: [intValue(1)] },
  }, { list: listOf(TensorType) })
  const READ = `
  %a : Tensor = prim::GetAttr[name="a"](%self)
  %part : Tensor = prim::GetAttr[name="part"](%self)
  %other : Tensor = prim::GetAttr[name="other"](%self)
  %count : int = prim::GetAttr[name="count"](%self)
  %list : Tensor[] = prim::GetAttr[name="list"](%self)
  %numbers : int[] = prim::GetAttr[name="numbers"](%self)
  %one : int = prim::Constant[value=1]()
  %zero : int = prim::Constant[value=0]()
  %none : None = prim::Constant()`
  const RETURN = '\n  return (%a, %part, %other, %count, %list, %numbers)'

  it.each<[string, string, string[]]>([
    ['nothing', '', []],
    ['an assignment', '\n   = prim::SetAttr[name="count"](%self, %one)', ['count']],
    ['a write', '\n  %r : Tensor = aten::relu_(%other)', ['other']],
    ['a write to memory that others view', '\n  %r : Tensor = aten::relu_(%a)', ['a', 'part', 'list']],
    ['a write to a view', '\n  %v : Tensor = aten::select(%part, %zero, %zero)\n  %r : Tensor = aten::relu_(%v)', ['a', 'part', 'list']],
    ['a write to an element of a list', '\n  %e : Tensor = aten::__getitem__(%list, %zero)\n  %r : Tensor = aten::relu_(%e)', ['a', 'part', 'list']],
    ['a write to what a list was made of', '\n  %l : Tensor[] = prim::ListConstruct(%other, %x)\n  %e : Tensor = aten::__getitem__(%l, %zero)\n  %r : Tensor = aten::relu_(%e)', ['other']],
    ['a write after unpacking', '\n  %t : (Tensor, int) = prim::TupleConstruct(%other, %one)\n  %e : Tensor, %i : int = prim::TupleUnpack(%t)\n  %r : Tensor = aten::relu_(%e)', ['other']],
    ['a list that grows', '\n  %m : Tensor[] = aten::append(%list, %x)', ['a', 'part', 'list']],
    ['a list of numbers that grows', '\n  %m : int[] = aten::append(%numbers, %one)', ['numbers']],
    ['a write to an element that was appended', '\n  %l : Tensor[] = prim::ListConstruct()\n  %m : Tensor[] = aten::append(%l, %other)\n  %e : Tensor = aten::__getitem__(%m, %zero)\n  %r : Tensor = aten::relu_(%e)', ['other']],
    ['a write to an element of a copied list', '\n  %l : Tensor[] = aten::copy(%list)\n  %e : Tensor = aten::__getitem__(%l, %zero)\n  %r : Tensor = aten::relu_(%e)', ['a', 'part', 'list']],
    ['a write to one of two', '\n  %y : Tensor = prim::If(%flag)\n    block0():\n      -> (%other)\n    block1():\n      -> (%x)\n  %r : Tensor = aten::relu_(%y)', ['other']],
    ['a write in a loop to what the round before left', `
  %y : Tensor = prim::Loop(%n, %flag, %x)
    block0(%i : int, %c : Tensor):
      %r : Tensor = aten::relu_(%c)
      -> (%flag, %other)`, ['other']],
    ['a write through a result that its schema calls new', '\n  %p : float = prim::Constant[value=0.5]()\n  %y : Tensor = aten::dropout(%other, %p, %flag)\n  %r : Tensor = aten::relu_(%y)', ['other']],
    ['a normalization that may be training', '\n  %f : float = prim::Constant[value=0.5]()\n  %y : Tensor = aten::batch_norm(%x, %none, %none, %other, %part, %flag, %f, %f, %flag)', ['a', 'part', 'other', 'list']],
    ['a write to what was assigned to an attribute', '\n   = prim::SetAttr[name="a"](%self, %other)\n  %r : Tensor = aten::relu_(%a)', ['a', 'part', 'other', 'list']],
    ['a copy that is written to', '\n  %y : Tensor = aten::clone(%other, %none)\n  %r : Tensor = aten::relu_(%y)', []],
    ['a write to something else', '\n  %r : Tensor = aten::relu_(%x)', []],
    ['a write to what is joined with it', '\n  %y : Tensor = aten::clone(%x, %none)\n  %r : Tensor = aten::relu_(%y)\n  %l : Tensor[] = prim::ListConstruct(%other, %y)\n  %z : Tensor = aten::cat(%l, %zero)', []],
    ['a write to what is compared with it', '\n  %y : Tensor = aten::clone(%x, %none)\n  %r : Tensor = aten::relu_(%y)\n  %z : bool = aten::__is__(%y, %other)\n  %s : str = prim::Constant[value="{} {}"]()\n  %t : str = aten::format(%s, %y, %other)', []],
    ['a list that is read', '\n  %y : Tensor = aten::cat(%list, %zero)\n  %r : Tensor = aten::relu_(%y)', []],
  ])('keeps what %s changes', (_, rest, left) => {
    expect(freeze(net(), `graph(%self : Net, %x : Tensor, %flag : bool, %n : int):${READ}${rest}${RETURN}`).left).toEqual(left)
  })

  it('does not take what is returned for changed because something else that is returned is', () => {
    const root = object('Net', { anchors: tensorValue(tensor(1, 2)) })
    expect(freeze(root, `graph(%self : Net, %x : Tensor):
  %a : Tensor = prim::GetAttr[name="anchors"](%self)
  %y : Tensor = aten::relu_(%x)
  %t : (Tensor, Tensor) = prim::TupleConstruct(%a, %y)
  return (%t)`).left).toEqual([])
  })

  it('takes a result of an operator that has several', () => {
    const root = object('Net', { w: tensorValue(tensor(1, 2)) })
    expect(freeze(root, `graph(%self : Net, %flag : bool):
  %zero : int = prim::Constant[value=0]()
  %w : Tensor = prim::GetAttr[name="w"](%self)
  %v : Tensor, %i : Tensor = aten::max(%w, %zero, %flag)
  return (%v)`).left).toEqual([])
  })

  it('leaves what is returned and shares memory with an attribute that changes, as an app may write to it', () => {
    const shared = tensor(1, 2)
    const root = object('Net', { first: tensorValue(shared), second: tensorValue({ ...shared }) })
    const text = (result: string): string => `graph(%self : Net, %x : Tensor):
  %a : Tensor = prim::GetAttr[name="first"](%self)
  %b : Tensor = prim::GetAttr[name="second"](%self)
  %y : Tensor = aten::matmul(%a, %b)
  prim::SetAttr[name="first"](%self, %x)
  return (${result})`
    expect(freeze(root, text('%y, %a')).left).toEqual(['first', 'second'])
    expect(freeze(root, text('%y')).left).toEqual(['first'])
  })

  it('knows that two names can be one module', () => {
    const child = object('Child', { w: tensorValue(tensor(1)) })
    const { left, root } = freeze(object('Net', { a: child, b: child }), `graph(%self : Net):
  %a : Child = prim::GetAttr[name="a"](%self)
  %b : Child = prim::GetAttr[name="b"](%self)
  %w : Tensor = prim::GetAttr[name="w"](%a)
  %v : Tensor = prim::GetAttr[name="w"](%b)
  %r : Tensor = aten::relu_(%w)
  return (%v)`)
    expect(left).toEqual(['a.w', 'b.w'])
    expect(root.slots.get('a')).toBe(root.slots.get('b'))
  })

  it('keeps whole what is passed on, with all that it holds', () => {
    const inner = object('Inner', { w: tensorValue(tensor(1)) })
    const child = object('Child', { inner, n: intValue(1), training: boolValue(true) })
    const other: ObjectValue = { tag: 'Object', type: child.type, slots: new Map(child.slots) }
    const make = (): ObjectValue => object('Net', { a: child, b: other, unused: intValue(1) })
    const read = freeze(make(), choosing(''))
    expect(read.left).toEqual(['a.inner.w', 'a.n', 'a.training', 'b.inner.w', 'b.n', 'b.training'])
    expect((read.root.slots.get('a') as ObjectValue).slots.get('training')).toEqual(boolValue(false))
    expect([...allNodes(read.graph.block)].filter((node) => node.kind === 'prim::GetAttr')).toHaveLength(3)
    expect(read.log.declines).toEqual([{ pass: 'freeze_module', what: 'n', why: 'the module it belongs to is not certain' }])
    const written = freeze(make(), choosing('   = prim::SetAttr[name="n"](%c, %n)'))
    expect([...allNodes(written.graph.block)].filter((node) => node.kind === 'prim::GetAttr')).toHaveLength(4)
  })

  it('keeps the same attributes for all objects of a class', () => {
    const child = object('Child', { n: intValue(1), m: intValue(2), k: intValue(3) })
    const other: ObjectValue = { tag: 'Object', type: child.type, slots: new Map(child.slots) }
    expect(freeze(object('Net', { a: child, b: other }), `graph(%self : Net):
  %a : Child = prim::GetAttr[name="a"](%self)
  %b : Child = prim::GetAttr[name="b"](%self)
  %n : int = prim::GetAttr[name="n"](%a)
  %m : int = prim::GetAttr[name="m"](%b)
   = prim::SetAttr[name="n"](%a, %m)
   = prim::SetAttr[name="m"](%b, %n)
  return (%n)`).left).toEqual(['a.n', 'a.m', 'b.n', 'b.m'])
  })

  it('does not follow a path through an attribute that is assigned', () => {
    const child = object('Child', { w: tensorValue(tensor(1)) })
    const other: ObjectValue = { tag: 'Object', type: child.type, slots: new Map([['w', tensorValue(tensor(2))]]) }
    expect(freeze(object('Net', { a: child, b: other }), `graph(%self : Net):
  %b : Child = prim::GetAttr[name="b"](%self)
   = prim::SetAttr[name="a"](%self, %b)
  %a : Child = prim::GetAttr[name="a"](%self)
  %w : Tensor = prim::GetAttr[name="w"](%a)
  return (%w)`).left).toEqual(['a.w', 'b.w'])
  })

  it('keeps attributes that hold objects of plain classes', () => {
    const pair = object('Pair', { n: intValue(1) }, {}, false)
    const list: IValue = { tag: 'List', elementType: pair.type as ClassType, elements: [pair] }
    const root = object('Net', { pairs: list, pair })
    expect(freeze(root, `graph(%self : Net):
  %l : Pair[] = prim::GetAttr[name="pairs"](%self)
  %zero : int = prim::Constant[value=0]()
  %p : Pair = aten::__getitem__(%l, %zero)
  %n : int = prim::GetAttr[name="n"](%p)
  return (%n)`).left).toEqual(['pairs'])
  })

  it('refuses a module that returns itself', () => {
    expect(() => freeze(object('Net', { n: intValue(1) }), 'graph(%self : Net):\n  return (%self)')).toThrow(/Net returns itself/)
  })
})

describe('hoistConvPackedParams', () => {
  it('makes the packed parameters of quantized convolutions constants, and nothing else', () => {
    const packed: IValue = { tag: 'CustomObject', type: classType('__torch__.torch.classes.quantized.Conv2dPackedParamsBase'), state: NONE }
    const conv = object('__torch__.torch.nn.quantized.modules.conv.___torch_mangle_3.Conv2d', { _packed_params: packed, scale: intValue(1) })
    const root = object('Net', { conv, n: intValue(3) })
    const graph = graphOf(`graph(%self : Net):
  %c : ${conv.type.name} = prim::GetAttr[name="conv"](%self)
  %p : ${packed.type.name} = prim::GetAttr[name="_packed_params"](%c)
  %s : int = prim::GetAttr[name="scale"](%c)
  return (%p, %s)`, { types: new Map([['Net', root.type], [conv.type.name, conv.type]]) })
    freezeModule([graph], root, recordLog(), { select: (access) => !isConvPackedParams(access) })
    expect(paths(pruneModule([graph], root))).toEqual(['conv._packed_params'])
    const log = recordLog()
    hoistConvPackedParams([graph], root, log)
    expect(log.changes.get('hoist_conv_packed_params')).toBe(1)
    expect(paths(pruneModule([graph], root))).toEqual([])
  })
})

describe('several methods', () => {
  const READ = `graph(%self : Net, %x : Tensor):
  %w : Tensor = prim::GetAttr[name="w"](%self)
  %v : Tensor = prim::GetAttr[name="v"](%self)
  %y : Tensor = aten::mul(%w, %v)
  return (%y)`
  const net = (): ObjectValue => {
    const shared = tensor(1, 2)
    return object('Net', { w: tensorValue(shared), v: tensorValue(tensor(3, 4)), view: tensorValue({ ...shared }), list: { tag: 'List', elementType: TensorType, elements: [] } },
      { list: listOf(TensorType) })
  }

  it.each<[string, string, string[]]>([
    ['nothing', 'graph(%self : Net):\n  %v : Tensor = prim::GetAttr[name="v"](%self)\n  return (%v)', []],
    ['an assignment', 'graph(%self : Net, %x : Tensor):\n   = prim::SetAttr[name="w"](%self, %x)\n  %n : None = prim::Constant()\n  return (%n)', ['w']],
    ['a write', 'graph(%self : Net):\n  %w : Tensor = prim::GetAttr[name="w"](%self)\n  %r : Tensor = aten::relu_(%w)\n  return (%r)', ['w']],
    ['a write to memory that it shares', 'graph(%self : Net):\n  %w : Tensor = prim::GetAttr[name="view"](%self)\n  %r : Tensor = aten::relu_(%w)\n  return (%r)', ['w', 'view']],
    ['a write to its argument', 'graph(%self : Net, %x : Tensor):\n  %r : Tensor = aten::relu_(%x)\n  return (%r)', []],
  ])('another one with %s leaves what that changes', (_, text, left) => {
    expect(freezeAll(net(), [READ, text]).left).toEqual(left)
    expect(freezeAll(net(), [text, READ]).left).toEqual(left)
  })

  it('leave what is assigned to an attribute that a third one writes to', () => {
    const assign = 'graph(%self : Net):\n  %w : Tensor = prim::GetAttr[name="w"](%self)\n   = prim::SetAttr[name="v"](%self, %w)\n  %n : None = prim::Constant()\n  return (%n)'
    const write = 'graph(%self : Net):\n  %v : Tensor = prim::GetAttr[name="v"](%self)\n  %r : Tensor = aten::relu_(%v)\n  return (%r)'
    expect(freezeAll(net(), [READ, assign]).left).toEqual(['v'])
    expect(freezeAll(net(), [READ, assign, write]).left).toEqual(['w', 'v'])
  })

  it('leave what one returns and another may be handed and write to', () => {
    const lend = 'graph(%self : Net):\n  %w : Tensor = prim::GetAttr[name="w"](%self)\n  return (%w)'
    const write = 'graph(%self : Net, %x : Tensor):\n  %r : Tensor = aten::relu_(%x)\n  return (%r)'
    expect(freezeAll(net(), [READ, lend]).left).toEqual([])
    expect(freezeAll(net(), [READ, lend, write]).left).toEqual(['w'])
  })

  it('leave what is preserved, and what shares its memory', () => {
    expect(freezeAll(net(), [READ], ['v']).left).toEqual(['v'])
    expect(freezeAll(net(), [READ], ['view']).left).toEqual(['w', 'view'])
    expect(freezeAll(net(), [READ], ['list']).left).toEqual(['list'])
  })

  it('want gradients of nothing but what is preserved', () => {
    const root = object('Net', { w: tensorValue({ ...tensor(1, 2), requiresGrad: true }), v: tensorValue({ ...tensor(1, 2), requiresGrad: true }) })
    const changing = 'graph(%self : Net, %x : Tensor):\n   = prim::SetAttr[name="w"](%self, %x)\n  %n : None = prim::Constant()\n  return (%n)'
    const left = freezeAll(root, [READ, changing], ['v']).root.slots
    expect([left.get('w'), left.get('v')]).toMatchObject([{ value: { requiresGrad: false } }, { value: { requiresGrad: true } }])
  })
})
