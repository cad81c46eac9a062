import { describe, expect, it } from 'vitest'
import { graphOf, recordLog, type RecordedLog } from '../../../test/ir.ts'
import type { Tensor } from '../archive/tensor.ts'
import { classType, type ScriptFunction } from '../ir/class-type.ts'
import { allNodes, type Graph } from '../ir/graph.ts'
import { boolValue, ivalueType, NONE, tensorValue, type IValue, type ObjectValue } from '../ir/ivalue.ts'
import { literalTensor } from '../ir/literal.ts'
import { optionalOf, TensorType, type Type } from '../ir/types.ts'
import { verify } from '../ir/verifier.ts'
import { CPU } from './cpu.ts'
import { BACKENDS, BLOCKABLE, optimizeForMobile, type Optimizable } from './index.ts'

function ones(...sizes: number[]): IValue {
  const tensor: Tensor = literalTensor('Float', sizes, Array(sizes.reduce((a, b) => a * b, 1)).fill(1))
  return tensorValue({ ...tensor, requiresGrad: true })
}

/** A module of class `name` with one method. */
function module(name: string, slots: Record<string, IValue>, text: string, types: Map<string, Type>): ObjectValue {
  const type = classType(name, { isModule: true })
  types.set(name, type)
  for (const [attribute, value] of Object.entries(slots)) {
    const declared = value.tag === 'None' ? optionalOf(TensorType) : ivalueType(value)
    type.attributes.push({ name: attribute, type: declared, isParameter: false, isBuffer: false })
  }
  const method: ScriptFunction = {
    name: `${name}.forward`, schema: { name: 'forward', overload: '', arguments: [], returns: [], isVararg: false, isVarret: false },
    graph: () => graphOf(text, { types }),
  }
  type.methods.set('forward', method)
  return { tag: 'Object', type, slots: new Map(Object.entries(slots)) }
}

/** As torchvision's blocks are scripted: a check of dimensions, a branch on training that counts, a dropout, a sum, a linear. */
function network(): Optimizable {
  const types = new Map<string, Type>()
  const conv = module('Conv', { weight: ones(2, 2, 1, 1), bias: NONE, training: boolValue(true) }, `graph(%self : Conv, %x : Tensor):
  %w : Tensor = prim::GetAttr[name="weight"](%self)
  %b : Tensor? = prim::GetAttr[name="bias"](%self)
  %one : int = prim::Constant[value=1]()
  %zero : int = prim::Constant[value=0]()
  %s : int[] = prim::ListConstruct(%one, %one)
  %p : int[] = prim::ListConstruct(%zero, %zero)
  %d : int[] = prim::ListConstruct(%one, %one)
  %y : Tensor = aten::conv2d(%x, %w, %b, %s, %p, %d, %one)
  return (%y)`, types)
  const norm = module('Norm', { mean: ones(2), variance: ones(2), count: ones(1), training: boolValue(true) }, `graph(%self : Norm, %x : Tensor):
  %four : int = prim::Constant[value=4]()
  %one : int = prim::Constant[value=1]()
  %dim : int = aten::dim(%x)
  %bad : bool = aten::ne(%dim, %four)
  %none : None = prim::Constant()
   = prim::If(%bad)
    block0():
      %message : str = prim::Constant[value="expected 4D input"]()
       = prim::RaiseException(%message, %none)
      -> ()
    block1():
      -> ()
  %training : bool = prim::GetAttr[name="training"](%self)
   = prim::If(%training)
    block0():
      %count : Tensor = prim::GetAttr[name="count"](%self)
      %more : Tensor = aten::add_(%count, %one, %one)
      -> ()
    block1():
      -> ()
  %mean : Tensor = prim::GetAttr[name="mean"](%self)
  %var : Tensor = prim::GetAttr[name="variance"](%self)
  %eps : float = prim::Constant[value=1e-05]()
  %true : bool = prim::Constant[value=1]()
  %y : Tensor = aten::batch_norm(%x, %none, %none, %mean, %var, %training, %eps, %eps, %true)
  return (%y)`, types)
  const linear = module('Linear', { weight: ones(3, 2) }, `graph(%self : Linear, %x : Tensor):
  %w : Tensor = prim::GetAttr[name="weight"](%self)
  %none : None = prim::Constant()
  %y : Tensor = aten::linear(%x, %w, %none)
  return (%y)`, types)
  const root = module('Net', { conv, norm, linear, signal: ones(2, 2, 3), unused: ones(1) }, `graph(%self : Net, %x : Tensor, %s : Tensor):
  %conv : Conv = prim::GetAttr[name="conv"](%self)
  %norm : Norm = prim::GetAttr[name="norm"](%self)
  %linear : Linear = prim::GetAttr[name="linear"](%self)
  %a : Tensor = prim::CallMethod[name="forward"](%conv, %x)
  %b : Tensor = prim::CallMethod[name="forward"](%norm, %a)
  %c : Tensor = aten::relu_(%b)
  %p : float = prim::Constant[value=0.5]()
  %false : bool = prim::Constant[value=0]()
  %d : Tensor = aten::dropout(%c, %p, %false)
  %e : Tensor = prim::CallMethod[name="forward"](%conv, %d)
  %one : int = prim::Constant[value=1]()
  %f : Tensor = aten::add(%e, %d, %one)
  %g : Tensor = aten::relu(%f)
  %minus : int = prim::Constant[value=-1]()
  %h : Tensor = aten::flatten(%g, %one, %minus)
  %i : Tensor = prim::CallMethod[name="forward"](%linear, %h)
  %j : Tensor = aten::relu(%i)
  %w : Tensor = prim::GetAttr[name="signal"](%self)
  %none : None = prim::Constant()
  %l : int[] = prim::ListConstruct(%one)
  %k : Tensor = aten::conv1d(%s, %w, %none, %l, %l, %l, %one)
  %r : (Tensor, Tensor) = prim::TupleConstruct(%j, %k)
  return (%r)`, types)
  return { root, method: (name) => root.type.methods.get(name), functionNamed: () => undefined }
}

function run(block: readonly string[] = []): { operators: string[]; root: ObjectValue; stages: string[]; log: RecordedLog; graph: Graph } {
  const stages: string[] = []
  const log = recordLog()
  const { methods: [method], root } = optimizeForMobile(network(), {
    block: new Set(block), afterEach: (stage, methods) => { for (const { graph } of methods) verify(graph); stages.push(stage) },
  }, log)
  const { graph } = method!
  const operators = [...allNodes(graph.block)].map(({ kind }) => kind).filter((kind) => !kind.startsWith('prim::'))
  return { operators, root, stages, log, graph }
}

const ALL = ['prepacked::conv2d_clamp_run', 'prepacked::conv2d_clamp_run', 'aten::_add_relu', 'aten::flatten', 'prepacked::linear_clamp_run',
  'aten::contiguous', 'aten::unsqueeze', 'prepacked::conv2d_clamp_run', 'aten::squeeze']

describe('optimizeForMobile', () => {
  it('leaves nothing but what runs', () => {
    const { operators, root, stages, log } = run()
    expect(operators).toEqual(ALL)
    expect([...root.slots.keys()]).toEqual([])
    expect(stages).toEqual(['inline', ...CPU.stages.map(({ name }) => name)])
    expect(log.declines).toEqual([])
    expect(Object.fromEntries(log.changes)).toMatchObject({
      conv_bn_fusion: 1, remove_dropout: 1, insert_fold_prepack_ops: 4, fuse_clamp: 2, fuse_add_relu: 1, conv_1d_to_2d: 1,
    })
  })

  it('leaves the module as it was', () => {
    const loaded = network()
    const before = [...loaded.root.slots]
    optimizeForMobile(loaded, { block: new Set() }, recordLog())
    expect([...loaded.root.slots]).toEqual(before)
    expect(loaded.root.slots.get('unused')).toMatchObject({ value: { requiresGrad: true } })
  })

  it.each<[string, string[], string[]]>([
    ['conv_bn_fusion', ['aten::batch_norm', 'aten::relu_'], []],
    ['remove_dropout', ['aten::dropout'], []],
    ['fuse_add_relu', ['aten::add', 'aten::relu'], ['aten::_add_relu']],
    ['conv_1d_to_2d', ['aten::conv1d'], ['aten::unsqueeze', 'aten::squeeze']],
    ['insert_fold_prepack_ops', ['aten::conv2d', 'aten::linear', 'aten::relu_'], ['prepacked::conv2d_clamp_run', 'prepacked::linear_clamp_run']],
    ['hoist_conv_packed_params', [], []],
  ])('leaves out %s when it is blocked', (name, there, gone) => {
    const { operators, log, stages } = run([name])
    expect(operators).toEqual(expect.arrayContaining(there))
    for (const kind of gone) expect(operators).not.toContain(kind)
    expect(log.changes.has(name)).toBe(false)
    expect(stages).not.toContain(name)
  })

  it('can leave out everything', () => {
    expect(run(BLOCKABLE).operators).toEqual(expect.arrayContaining(['aten::conv2d', 'aten::batch_norm', 'aten::dropout', 'aten::linear', 'aten::conv1d']))
  })

  it('blocks only what the list names, and every name is a stage', () => {
    expect(new Set(Object.values(BACKENDS).flatMap(({ stages }) => stages.flatMap(({ optimization }) => optimization ?? [])))).toEqual(new Set(BLOCKABLE))
  })

  it('refuses a module without forward', () => {
    const loaded = network()
    expect(() => optimizeForMobile({ ...loaded, method: () => undefined }, { block: new Set() }, recordLog())).toThrow(/no method forward/)
  })
})
