import { describe, expect, it } from 'vitest'
import { graphOf, recordLog, structure } from '../../../test/ir.ts'
import { classType } from '../ir/class-type.ts'
import { intValue, type IValue, type ObjectValue } from '../ir/ivalue.ts'
import { IntType, listOf, optionalOf, type EnumType, type Type } from '../ir/types.ts'
import { verify } from '../ir/verifier.ts'
import { lowerEnums } from './lower-enums.ts'

const MODE: EnumType = { kind: 'EnumType', name: 'Mode', value: IntType, members: ['ADD', 'MUL'] }

function member(name: string): IValue {
  return { tag: 'Enum', type: MODE, name, value: intValue(name.length * 10 + name.charCodeAt(0)) }
}

function module(): ObjectValue {
  const type = classType('Net', { isModule: true })
  const attributes: [string, Type, IValue][] = [
    ['mode', MODE, member('MUL')], ['other', optionalOf(MODE), { tag: 'None' }],
    ['modes', listOf(MODE), { tag: 'List', elementType: MODE, elements: [member('ADD')] }], ['n', IntType, intValue(3)],
  ]
  for (const [name, declared] of attributes) type.attributes.push({ name, type: declared, isParameter: false, isBuffer: false })
  return { tag: 'Object', type, slots: new Map(attributes.map(([name, , value]) => [name, value])) }
}

function lower(text: string, preserve: string[] = []): { text: string; root: ObjectValue | undefined } {
  const root = module()
  const graph = graphOf(text, { types: new Map<string, Type>([['Mode', MODE], ['Net', root.type]]) })
  const copies = lowerEnums({ graphs: [graph], root, preserved: new Map([[root, new Set(preserve)]]) }, recordLog())
  verify(graph)
  return { text: structure(graph), root: copies?.get(root) }
}

const STATE = `graph(%self : Net):
  %m : Enum<Mode> = prim::GetAttr[name="mode"](%self)
  %n : str = prim::EnumName(%m)
  %v : int = prim::EnumValue(%m)
   = prim::SetAttr[name="other"](%self, %m)
  %l : Enum<Mode>[] = prim::GetAttr[name="modes"](%self)
  %k : Enum<Mode>[] = aten::append(%l, %m)
  %i : int = prim::Constant[value=0]()
  %f : Enum<Mode> = aten::__getitem__(%l, %i)
  %same : bool = aten::eq(%m, %f)
  return (%n, %v, %same)`

describe('LowerEnums', () => {
  it('has positions in place of members, in values and in attributes', () => {
    const { text, root } = lower(STATE)
    expect(text).toContain('int = prim::GetAttr[name="mode"]')
    expect(text).toContain('int[] = prim::GetAttr[name="modes"]')
    expect(text).not.toContain('Enum')
    expect(root!.slots.get('mode')).toEqual(intValue(1))
    expect(root!.slots.get('modes')).toMatchObject({ elementType: IntType, elements: [intValue(0)] })
    expect(root!.type.attributes.map(({ name, type }) => [name, type.kind])).toEqual([
      ['mode', 'IntType'], ['other', 'OptionalType'], ['modes', 'ListType'], ['n', 'IntType'],
    ])
  })

  it('looks up names and values of members that are known only while running', () => {
    expect(lower(STATE).text).toContain('str = prim::Constant[value="MUL"]()')
    expect(lower(STATE).text).toContain('int = prim::Constant[value=107]()')
  })

  it.each([
    ['is given to the app', `graph(%self : Net):
  %m : Enum<Mode> = prim::GetAttr[name="mode"](%self)
  return (%m)`, []],
    ['is taken from the app', `graph(%self : Net, %m : Enum<Mode>):
  %n : str = prim::EnumName(%m)
  return (%n)`, []],
    ['is printed', `graph(%self : Net):
  %m : Enum<Mode> = prim::GetAttr[name="mode"](%self)
   = prim::Print(%m)
  return ()`, []],
    ['is preserved', STATE, ['mode']],
    ['becomes something else', `graph(%self : Net):
  %m : Enum<Mode> = prim::GetAttr[name="mode"](%self)
  %a : Any = prim::unchecked_cast(%m)
  return ()`, []],
  ])('leaves an enum alone that %s', (_, text, preserve) => {
    const { text: after, root } = lower(text, preserve)
    expect(root).toBeUndefined()
    expect(after).toContain('Enum<Mode>')
  })
})
