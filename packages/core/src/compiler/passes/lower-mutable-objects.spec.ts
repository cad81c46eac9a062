import { describe, expect, it } from 'vitest'
import { graphOf, recordLog, structure } from '../../../test/ir.ts'
import { classType } from '../ir/class-type.ts'
import type { ObjectValue } from '../ir/ivalue.ts'
import { IntType, listOf, optionalOf, type Type } from '../ir/types.ts'
import { verify } from '../ir/verifier.ts'
import { lowerMutableObjects } from './lower-mutable-objects.ts'

const NET = classType('Net', { isModule: true })
const BOX = classType('Box')
const KEPT = classType('Kept')
const LINK = classType('Link')
BOX.attributes.push({ name: 'value', type: IntType, isParameter: false, isBuffer: false })
KEPT.attributes.push({ name: 'value', type: IntType, isParameter: false, isBuffer: false })
LINK.attributes.push({ name: 'next', type: optionalOf(LINK), isParameter: false, isBuffer: false })
NET.attributes.push({ name: 'kept', type: optionalOf(KEPT), isParameter: false, isBuffer: false })
const types = new Map<string, Type>([['Net', NET], ['Box', BOX], ['Kept', KEPT], ['Link', LINK], ['list', listOf(BOX)]])

function lower(text: string): { text: string; changed: boolean } {
  const root: ObjectValue = { tag: 'Object', type: NET, slots: new Map([['kept', { tag: 'None' }]]) }
  const graph = graphOf(text, { types })
  const copies = lowerMutableObjects({ graphs: [graph], root, preserved: new Map() }, recordLog())
  verify(graph)
  return { text: structure(graph), changed: copies !== undefined }
}

describe('LowerMutableObjects', () => {
  it('makes places of objects, and lists of attributes', () => {
    expect(lower(`graph(%self : Net, %i : int):
  %o : Box = prim::CreateObject()
   = prim::SetAttr[name="value"](%o, %i)
  %l : Box[] = prim::ListConstruct(%o)
  %p : Box = aten::__getitem__(%l, %i)
  %v : int = prim::GetAttr[name="value"](%p)
  %same : bool = aten::__is__(%o, %p)
  return (%v, %same)`).text).toBe(structure(graphOf(`graph(%self : Net, %i : int):
  %values : int[] = prim::ListConstruct()
  %o : int = aten::len(%values)
  %zero : int = prim::Constant[value=0]()
  %a : int[] = aten::append(%values, %zero)
  %b : int[] = aten::_set_item(%values, %o, %i)
  %l : int[] = prim::ListConstruct(%o)
  %p : int = aten::__getitem__(%l, %i)
  %v : int = aten::__getitem__(%values, %p)
  %same : bool = aten::eq(%o, %p)
  return (%v, %same)`, { types })))
  })

  it('can hold objects of the same class', () => {
    const { text } = lower(`graph(%self : Net):
  %o : Link = prim::CreateObject()
  %none : None = prim::Constant()
   = prim::SetAttr[name="next"](%o, %none)
  %p : Link = prim::CreateObject()
   = prim::SetAttr[name="next"](%p, %o)
  %q : Link? = prim::GetAttr[name="next"](%p)
  %is : bool = aten::__is__(%q, %none)
  return (%is)`)
    expect(text).toContain('int?[] = prim::ListConstruct()')
    expect(text).not.toContain('Link')
  })

  it.each([
    ['are given to the app', `graph(%self : Net):
  %o : Box = prim::CreateObject()
  %l : Box[] = prim::ListConstruct(%o)
  return (%l)`],
    ['are kept from run to run', `graph(%self : Net):
  %o : Kept = prim::CreateObject()
   = prim::SetAttr[name="kept"](%self, %o)
  return ()`],
    ['are printed', `graph(%self : Net):
  %o : Box = prim::CreateObject()
   = prim::Print(%o)
  return ()`],
  ])('leaves objects alone that %s', (_, text) => {
    expect(lower(text).changed).toBe(false)
  })
})
