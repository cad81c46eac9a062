import { describe, expect, it } from 'vitest'
import { graphOf, structure } from '../../../test/ir.ts'
import { classType, type ClassType, type ScriptFunction } from '../ir/class-type.ts'
import type { Graph } from '../ir/graph.ts'
import type { IValue, ObjectValue } from '../ir/ivalue.ts'
import { BoolType, TensorType, type Type } from '../ir/types.ts'
import { verify } from '../ir/verifier.ts'
import { inline, inlineAll, MAX_INLINED_DEPTH } from './inlining.ts'

/** Classes `A`, `B`, … whose methods are given as graph text by `A.forward`; functions by a plain name. */
function world(texts: Record<string, string>): { method: (name: string) => ScriptFunction; types: Map<string, Type>; class: (name: string) => ClassType } {
  const types = new Map<string, Type>()
  for (const name of ['A', 'B', 'C']) types.set(name, classType(name, { isModule: true }))
  types.set('I', { kind: 'InterfaceType', name: 'I', isModule: true })
  const functions = new Map(Object.entries(texts).map(([name, text]) => {
    let graph: Graph | undefined
    const made: ScriptFunction = {
      name, schema: { name, overload: '', arguments: [], returns: [], isVararg: false, isVarret: false },
      graph: () => graph ??= graphOf(text, { types }),
    }
    const [owner, method] = name.split('.')
    if (method !== undefined) (types.get(owner!) as ClassType).methods.set(method, made)
    return [name, made] as const
  }))
  return { method: (name) => functions.get(name)!, types, class: (name) => types.get(name) as ClassType }
}

function object(type: ClassType, slots: Record<string, IValue> = {}): ObjectValue {
  for (const [name, value] of Object.entries(slots)) {
    const valueType = value.tag === 'Object' ? value.type : value.tag === 'Bool' ? BoolType : TensorType
    type.attributes.push({ name, type: valueType, isParameter: false, isBuffer: false })
  }
  return { tag: 'Object', type, slots: new Map(Object.entries(slots)) }
}

function expectGraph(graph: Graph, text: string, types: Map<string, Type>): void {
  verify(graph)
  expect(structure(graph)).toBe(structure(graphOf(text, { types })))
}

const RELU = 'graph(%self : B, %t : Tensor):\n  %r : Tensor = aten::relu(%t)\n  return (%r)'

function repeated(next: string, times: number): string {
  return `graph(%self : A, %x : Tensor):
${Array.from({ length: times }, (_, i) => `  %y${i} : Tensor = prim::CallMethod[name="${next}"](%self, %x)`).join('\n')}
  return (%x)`
}

describe('inline', () => {
  it('replaces calls of methods by their bodies, within blocks and within each other, and leaves the callees alone', () => {
    const { method, types } = world({
      'A.forward': `graph(%self : A, %x : Tensor, %flag : bool):
  %b : B = prim::GetAttr[name="b"](%self)
  %y : Tensor = prim::If(%flag)
    block0():
      %z : Tensor = prim::CallMethod[name="twice"](%b, %x)
      -> (%z)
    block1():
      -> (%x)
  return (%y)`,
      'B.twice': `graph(%self : B, %t : Tensor):
  %u : Tensor = prim::CallMethod[name="forward"](%self, %t)
  %v : Tensor = prim::CallMethod[name="forward"](%self, %u)
  return (%v)`,
      'B.forward': RELU,
    })
    expectGraph(inline(method('A.forward')), `graph(%self : A, %x : Tensor, %flag : bool):
  %b : B = prim::GetAttr[name="b"](%self)
  %y : Tensor = prim::If(%flag)
    block0():
      %u : Tensor = aten::relu(%x)
      %v : Tensor = aten::relu(%u)
      -> (%v)
    block1():
      -> (%x)
  return (%y)`, types)
    expectGraph(method('B.forward').graph(), RELU, types)
  })

  it('replaces calls of functions, also of ones that give back what they get', () => {
    const { method, types } = world({
      'A.forward': `graph(%self : A, %x : Tensor):
  %f : Function = prim::Constant[name="same"]()
  %y : Tensor = prim::CallFunction(%f, %x)
  %z : Tensor = prim::CallFunction(%f, %y)
  return (%z)`,
      same: 'graph(%t : Tensor):\n  return (%t)',
    })
    const graph = inline(method('A.forward'), { functionNamed: () => method('same') })
    expect(graph.outputs[0]).toBe(graph.inputs[1])
    expect(types.size).toBeGreaterThan(0)
  })

  const INTERFACE = {
    'A.forward': `graph(%self : A, %x : Tensor):
  %i : I = prim::GetAttr[name="i"](%self)
  %y : Tensor = prim::CallMethod[name="forward"](%i, %x)
  return (%y)`,
    'B.forward': RELU,
  }

  it('resolves a call through an interface in the module', () => {
    const { method, types, class: find } = world(INTERFACE)
    const root = object(find('A'), { i: object(find('B')) })
    find('A').attributes[0] = { ...find('A').attributes[0]!, type: types.get('I')! }
    expectGraph(inline(method('A.forward'), { root }), `graph(%self : A, %x : Tensor):
  %i : I = prim::GetAttr[name="i"](%self)
  %y : Tensor = aten::relu(%x)
  return (%y)`, types)
  })

  it.each([
    ['the attribute is assigned', `graph(%self : A, %x : Tensor, %j : I):
  %i : I = prim::GetAttr[name="i"](%self)
  %y : Tensor = prim::CallMethod[name="forward"](%i, %x)
   = prim::SetAttr[name="i"](%self, %j)
  return (%y)`],
    ['the module is an argument', 'graph(%self : A, %x : Tensor, %j : I):\n  %y : Tensor = prim::CallMethod[name="forward"](%j, %x)\n  return (%y)'],
  ])('refuses a call through an interface when %s', (_, text) => {
    const { method, class: find } = world({ ...INTERFACE, 'A.forward': text })
    const root: ObjectValue = { tag: 'Object', type: find('A'), slots: new Map([['i', object(find('B'))]]) }
    expect(() => inline(method('A.forward'), { root })).toThrow(/interface call I\.forward/)
  })

  it('refuses a module whose method takes other values than the interface says', () => {
    const { method, class: find } = world({ ...INTERFACE, 'B.forward': 'graph(%self : B, %x : Tensor, %y : Tensor):\n  return (%x)' })
    const root: ObjectValue = { tag: 'Object', type: find('A'), slots: new Map([['i', object(find('B'))]]) }
    expect(() => inline(method('A.forward'), { root })).toThrow('B.forward takes 3 values and is called through an interface with 2.')
  })

  it('calls the module of a container that an index names, or ends the run', () => {
    const { method, types, class: find } = world({
      'A.forward': `graph(%self : A, %x : Tensor, %n : int):
  %c : C = prim::GetAttr[name="c"](%self)
  %i : I = prim::ModuleContainerIndex(%c, %n)
  %y : Tensor = prim::CallMethod[name="forward"](%i, %x)
  return (%y)`,
      'B.forward': RELU,
    })
    const root = object(find('A'), { c: object(find('C'), { 0: object(find('B')) }) })
    expectGraph(inline(method('A.forward'), { root }), `graph(%self : A, %x : Tensor, %n : int):
  %c : C = prim::GetAttr[name="c"](%self)
  %zero : int = prim::Constant[value=0]()
  %is : bool = aten::eq(%n, %zero)
  %y : Tensor = prim::If(%is)
    block0():
      %d : C = prim::GetAttr[name="c"](%self)
      %b : B = prim::GetAttr[name="0"](%d)
      %r : Tensor = aten::relu(%x)
      -> (%r)
    block1():
      %message : str = prim::Constant[value="the module container has no such module"]()
      %none : None = prim::Constant()
       = prim::RaiseException(%message, %none)
      %u : Tensor = prim::Uninitialized()
      -> (%u)
  return (%y)`, types)
  })

  it('calls the module that a branch before has chosen', () => {
    const { method, types, class: find } = world({
      'A.forward': `graph(%self : A, %x : Tensor, %c : bool):
  %i : I = prim::If(%c)
    block0():
      %p : I = prim::GetAttr[name="p"](%self)
      -> (%p)
    block1():
      %q : I = prim::GetAttr[name="q"](%self)
      -> (%q)
  %y : Tensor = prim::CallMethod[name="forward"](%i, %x)
  return (%y)`,
      'B.forward': RELU,
      'C.forward': 'graph(%self : C, %t : Tensor):\n  return (%t)',
    })
    const root = object(find('A'), { p: object(find('B')), q: object(find('C')) })
    find('A').attributes.forEach((attribute, i) => { find('A').attributes[i] = { ...attribute, type: types.get('I')! } })
    const graph = inline(method('A.forward'), { root })
    verify(graph)
    const call = graph.outputs[0]!.node
    expect([call.kind, call.input(0) === graph.inputs[2]]).toEqual(['prim::If', true])
    expect(call.blocks.map(({ outputs }) => outputs[0]!.node.kind)).toEqual(['aten::relu', 'prim::Param'])
  })

  it('enters and leaves with blocks by calling the methods', () => {
    const { method, types } = world({
      'A.forward': `graph(%self : A, %b : B, %x : Tensor):
  %t : Tensor = prim::Enter(%b)
  %y : Tensor = aten::sin(%t)
  %u : Tensor = prim::Exit(%b)
  return (%y)`,
      'B.__enter__': 'graph(%self : B):\n  %one : int = prim::Constant[value=1]()\n   = prim::Print(%one)\n  %t : Tensor = prim::NumToTensor(%one)\n  return (%t)',
      'B.__exit__': 'graph(%self : B, %a : Any, %b : Any, %c : Any):\n   = prim::Print(%a, %b, %c)\n  %n : None = prim::Constant()\n  return (%n)',
    })
    expectGraph(inline(method('A.forward')), `graph(%self : A, %b : B, %x : Tensor):
  %one : int = prim::Constant[value=1]()
   = prim::Print(%one)
  %t : Tensor = prim::NumToTensor(%one)
  %y : Tensor = aten::sin(%t)
  %none : None = prim::Constant()
   = prim::Print(%none, %none, %none)
  %n : None = prim::Constant()
  return (%y)`, types)
  })

  it('runs tasks where they are forked, and takes lists of futures for lists of what they give', () => {
    const { method, types } = world({
      'A.forward': `graph(%self : A, %x : Tensor, %n : int):
  %true : bool = prim::Constant[value=1]()
  %l : Future(Tensor)[] = prim::ListConstruct()
   = prim::Loop(%n, %true)
    block0(%i : int):
      %f : Future(Tensor) = prim::fork[Subgraph=graph(%t : Tensor):
        %r : Tensor = aten::relu(%t)
        return (%r)](%x)
      %m : Future(Tensor)[] = aten::append(%l, %f)
      -> (%true)
  %zero : int = prim::Constant[value=0]()
  %g : Future(Tensor) = aten::__getitem__(%l, %zero)
  %y : Tensor = aten::wait(%g)
  return (%y)`,
    })
    expectGraph(inline(method('A.forward')), `graph(%self : A, %x : Tensor, %n : int):
  %true : bool = prim::Constant[value=1]()
  %l : Tensor[] = prim::ListConstruct()
   = prim::Loop(%n, %true)
    block0(%i : int):
      %r : Tensor = aten::relu(%x)
      %m : Tensor[] = aten::append(%l, %r)
      -> (%true)
  %zero : int = prim::Constant[value=0]()
  %y : Tensor = aten::__getitem__(%l, %zero)
  return (%y)`, types)
  })

  it('refuses a future as an argument', () => {
    const { method } = world({ 'A.forward': 'graph(%self : A, %f : Future(Tensor)):\n  %y : Tensor = aten::wait(%f)\n  return (%y)' })
    expect(() => inline(method('A.forward'))).toThrow(/takes a future/)
  })

  it('refuses recursion by name', () => {
    const { method } = world({
      'A.forward': 'graph(%self : A, %x : Tensor):\n  %y : Tensor = prim::CallMethod[name="other"](%self, %x)\n  return (%y)',
      'A.other': 'graph(%self : A, %x : Tensor):\n  %y : Tensor = prim::CallMethod[name="forward"](%self, %x)\n  return (%y)',
    })
    expect(() => inline(method('A.forward'))).toThrow(/A\.forward calls itself/)
  })

  it('refuses code that grows or nests without bound', () => {
    const doubling: Record<string, string> = { 'A.m30': 'graph(%self : A, %x : Tensor):\n  return (%x)' }
    for (let i = 0; i < 30; i++) doubling[`A.m${i}`] = repeated(`m${i + 1}`, 2)
    expect(() => inline(world(doubling).method('A.m0'), { maxNodes: 1000 })).toThrow(/operations once inlined/)
    const deep: Record<string, string> = {}
    for (let i = 0; i <= MAX_INLINED_DEPTH + 1; i++) deep[`A.m${i}`] = repeated(`m${i + 1}`, 1)
    deep[`A.m${MAX_INLINED_DEPTH + 2}`] = 'graph(%self : A, %x : Tensor):\n  return (%x)'
    expect(() => inline(world(deep).method('A.m0'))).toThrow(/deep/)
  })

  const bool = (value: boolean): IValue => ({ tag: 'Bool', value })
  const FLAGGED = {
    'A.forward': `graph(%self : A, %x : Tensor):
  %training : bool = prim::GetAttr[name="training"](%self)
  %kept : bool = prim::GetAttr[name="kept"](%self)
  %t : bool = prim::Constant[value=1]()
  %both : bool = aten::__and__(%kept, %t)
  %y : Tensor = prim::If(%training)
    block0():
      %n : Tensor = prim::CallMethod[name="missing"](%self, %x)
      -> (%n)
    block1():
      %z : Tensor = prim::If(%both)
        block0():
          %r : Tensor = aten::relu(%x)
          -> (%r)
        block1():
          -> (%x)
      -> (%z)
  return (%y)`,
  }

  it('puts in only the branches that flags of the module choose, and does not even look at the others', () => {
    const { method, types, class: find } = world(FLAGGED)
    const root = object(find('A'), { training: bool(true), kept: bool(true) })
    expectGraph(inline(method('A.forward'), { root, settle: true }), `graph(%self : A, %x : Tensor):
  %training : bool = prim::GetAttr[name="training"](%self)
  %kept : bool = prim::GetAttr[name="kept"](%self)
  %t : bool = prim::Constant[value=1]()
  %both : bool = prim::Constant[value=1]()
  %r : Tensor = aten::relu(%x)
  return (%r)`, types)
    expect(() => inline(method('A.forward'), { root })).toThrow(/no method missing/)
  })

  it.each([
    ['the module', '%self', false],
    ['a module with the same name for it', '%b', false],
    ['code that is left out', '%self', true],
  ])('chooses no branch by a flag that is assigned in %s', (_, owner, isLeftOut) => {
    const assign = ` = prim::SetAttr[name="kept"](${owner}, %t)`
    const { method, class: find } = world({
      'A.forward': `graph(%self : A, %x : Tensor, %b : B, %t : bool):
  %kept : bool = prim::GetAttr[name="kept"](%self)
  %y : Tensor = prim::If(%kept)
    block0():
      %r : Tensor = aten::relu(%x)
      -> (%r)
    block1():
      ${isLeftOut ? assign : ''}
      -> (%x)
  ${isLeftOut ? '' : assign}
  return (%y)`,
    })
    const root = object(find('A'), { kept: bool(true) })
    object(find('B'), { kept: bool(true) })
    const graph = inline(method('A.forward'), { root, settle: true })
    // What is left out cannot run, and so assigns nothing.
    if (isLeftOut) expect(structure(graph)).not.toMatch(/prim::If|SetAttr/)
    else expect(structure(graph)).toBe(structure(inline(method('A.forward'), { root })))
  })

  const BRANCH = `graph(%self : A, %x : Tensor):
  %flag : bool = prim::GetAttr[name="flag"](%self)
  %y : Tensor = prim::If(%flag)
    block0():
      %r : Tensor = aten::relu(%x)
      -> (%r)
    block1():
      -> (%x)
  return (%y)`

  it.each<[string, string, readonly string[], boolean]>([
    ['assigns nothing', 'graph(%self : A, %b : bool):\n  %n : None = prim::Constant()\n  return (%n)', [], true],
    ['assigns the flag', 'graph(%self : A, %b : bool):\n   = prim::SetAttr[name="flag"](%self, %b)\n  %n : None = prim::Constant()\n  return (%n)', [], false],
    ['assigns nothing, and an app may', 'graph(%self : A, %b : bool):\n  %n : None = prim::Constant()\n  return (%n)', ['flag'], false],
    ['assigns nothing, and an app may set something else', 'graph(%self : A, %b : bool):\n  %n : None = prim::Constant()\n  return (%n)', ['other'], true],
  ])('chooses a branch for all methods where another %s', (_, other, changing, isChosen) => {
    const { method, class: find } = world({ 'A.forward': BRANCH, 'A.other': other })
    find('A').attributes.push({ name: 'flag', type: BoolType, isParameter: false, isBuffer: false })
    const root = object(find('A'), { flag: { tag: 'Bool', value: true } })
    for (const names of [['forward', 'other'], ['other', 'forward']]) {
      const graphs = inlineAll(names.map((name) => method(`A.${name}`)), { root, settle: true, changing: new Set(changing) })
      const forward = structure(graphs[names.indexOf('forward')]!)
      if (isChosen) expect(forward).not.toContain('prim::If')
      else expect(forward).toContain('prim::If')
    }
  })
})
