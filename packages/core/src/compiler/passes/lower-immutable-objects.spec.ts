import { describe, expect, it } from 'vitest'
import { graphOf, recordLog, structure } from '../../../test/ir.ts'
import { classType } from '../ir/class-type.ts'
import { intValue, type IValue, type ObjectValue } from '../ir/ivalue.ts'
import { IntType, listOf, optionalOf, type Type } from '../ir/types.ts'
import { verify } from '../ir/verifier.ts'
import { lowerImmutableObjects } from './lower-immutable-objects.ts'

const BOX = classType('Box')
for (const name of ['low', 'high']) BOX.attributes.push({ name, type: IntType, isParameter: false, isBuffer: false })
const LINK = classType('Link')
LINK.attributes.push({ name: 'next', type: optionalOf(LINK), isParameter: false, isBuffer: false })

function module(): ObjectValue {
  const type = classType('Net', { isModule: true })
  const box: IValue = { tag: 'Object', type: BOX, slots: new Map([['low', intValue(1)], ['high', intValue(2)]]) }
  for (const [name, declared] of [['box', optionalOf(BOX)], ['boxes', listOf(BOX)]] as const) {
    type.attributes.push({ name, type: declared, isParameter: false, isBuffer: false })
  }
  return { tag: 'Object', type, slots: new Map<string, IValue>([['box', { tag: 'None' }], ['boxes', { tag: 'List', elementType: BOX, elements: [box] }]]) }
}

function lower(text: string): { text: string; root: ObjectValue | undefined } {
  const root = module()
  const graph = graphOf(text, { types: new Map<string, Type>([['Box', BOX], ['Net', root.type], ['Link', LINK]]) })
  const copies = lowerImmutableObjects({ graphs: [graph], root, preserved: new Map() }, recordLog())
  verify(graph)
  return { text: structure(graph), root: copies?.get(root) }
}

const MADE = `  %o : Box = prim::CreateObject()
   = prim::SetAttr[name="low"](%o, %i)
  %a : int = prim::GetAttr[name="low"](%o)
  %b : int = aten::mul(%a, %i)
   = prim::SetAttr[name="high"](%o, %b)`

describe('LowerImmutableObjects', () => {
  it('makes tuples of objects that are kept in attributes and lists', () => {
    const { text, root } = lower(`graph(%self : Net, %i : int):
${MADE}
   = prim::SetAttr[name="box"](%self, %o)
  %l : Box[] = prim::GetAttr[name="boxes"](%self)
  %m : Box[] = aten::append(%l, %o)
  %p : Box = aten::__getitem__(%l, %i)
  %v : int = prim::GetAttr[name="high"](%p)
  return (%v)`)
    expect(text).toBe(structure(graphOf(`graph(%self : Net, %i : int):
  %b : int = aten::mul(%i, %i)
  %o : (int, int) = prim::TupleConstruct(%i, %b)
   = prim::SetAttr[name="box"](%self, %o)
  %l : (int, int)[] = prim::GetAttr[name="boxes"](%self)
  %m : (int, int)[] = aten::append(%l, %o)
  %p : (int, int) = aten::__getitem__(%l, %i)
  %k : int = prim::Constant[value=1]()
  %v : int = prim::TupleIndex(%p, %k)
  return (%v)`, { types: new Map<string, Type>([['Net', root!.type]]) })))
    expect(root!.slots.get('boxes')).toMatchObject({ elements: [{ tag: 'Tuple', elements: [intValue(1), intValue(2)] }] })
    expect(root!.type.attributes[0]!.type).toMatchObject({ kind: 'OptionalType', element: { kind: 'TupleType' } })
  })

  it.each([
    ['change later', `graph(%self : Net, %i : int):
${MADE}
   = prim::SetAttr[name="box"](%self, %o)
   = prim::SetAttr[name="low"](%o, %b)
  return ()`],
    ['change behind a list', `graph(%self : Net, %i : int):
${MADE}
   = prim::SetAttr[name="box"](%self, %o)
  %l : Box[] = prim::GetAttr[name="boxes"](%self)
  %p : Box = aten::__getitem__(%l, %i)
   = prim::SetAttr[name="low"](%p, %b)
  return ()`],
    ['are given to the app', `graph(%self : Net, %i : int):
${MADE}
  return (%o)`],
    ['are compared', `graph(%self : Net, %i : int, %l : int[]):
${MADE}
  %m : Box[] = prim::GetAttr[name="boxes"](%self)
  %p : Box = aten::__getitem__(%m, %i)
  %same : bool = aten::__is__(%o, %p)
  return (%same)`],
    ['are made by halves', `graph(%self : Net, %i : int):
  %o : Box = prim::CreateObject()
   = prim::SetAttr[name="low"](%o, %i)
   = prim::SetAttr[name="box"](%self, %o)
  return ()`],
    ['hold their like', `graph(%self : Net):
  %o : Link = prim::CreateObject()
  %n : None = prim::Constant()
   = prim::SetAttr[name="next"](%o, %n)
  %p : Link = prim::CreateObject()
   = prim::SetAttr[name="next"](%p, %o)
  %l : Link[] = prim::ListConstruct(%p)
  return ()`],
  ])('leaves objects alone that %s', (_, text) => {
    expect(lower(text).root).toBeUndefined()
  })
})
