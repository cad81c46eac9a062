import { describe, expect, it } from 'vitest'
import type { IValue, ObjectValue } from '../ir/ivalue.ts'
import { intValue, tupleValue } from '../ir/ivalue.ts'
import { checkObjects, objectsWithState } from './check-objects.ts'
import { Importer } from './importer.ts'
import { restoreStates } from './set-state.ts'

/** An object of a class with these fields and this `__setstate__`, pickled with `state`. */
function pickled(fields: string[], body: string[], stateType: string, pickledState: IValue): { object: ObjectValue; importer: Importer } {
  const text = [
    'class A(Module):', ...fields.map((field) => `  ${field}`), `  def __getstate__(self: __torch__.A) -> ${stateType}:`, '    return uninitialized(int)',
    '  def __setstate__(self: __torch__.A,', `    state: ${stateType}) -> NoneType:`, ...body.map((line) => `    ${line}`), '    return None',
    '  def twice(self: __torch__.A,', '    n: int) -> NoneType:', '    self.n = n', '    return None', '  def again(self: __torch__.A,', '    n: int) -> NoneType:',
    '    _0 = (self).again(n, )', '    return None', '',
  ].join('\n')
  const importer = new Importer({ sourceOf: (name) => name === '__torch__' ? { name: 'code/__torch__.py', text } : undefined, operatorVersion: 10 })
  const type = importer.resolveClass('__torch__.A')
  if (type.kind !== 'ClassType') throw new Error()
  return { object: { tag: 'Object', type, slots: new Map(), pickledState }, importer }
}

function restored(fields: string[], body: string[], stateType: string, state: IValue): ObjectValue {
  const { object, importer } = pickled(fields, body, stateType, state)
  restoreStates(objectsWithState(object), (name) => importer.customClass(name))
  checkObjects(object)
  return object
}

describe('restoreStates', () => {
  it('moves values, in the order of the class, and takes branches and calls', () => {
    const body = ['if torch.eq((state)[0], 1):', '  self.m = [(state)[1], 7]', 'else:', '  self.m = [0]', '_0 = (self).twice((state)[1], )']
    const object = restored(['n : int', 'm : List[int]', 'o : Optional[Tensor]'], body, 'Tuple[int, int]', tupleValue([intValue(1), intValue(5)]))
    expect(object.pickledState).toBeUndefined()
    expect([...object.slots]).toMatchObject([['n', intValue(5)], ['m', { tag: 'List', elements: [intValue(5), intValue(7)] }], ['o', { tag: 'None' }]])
  })

  it('gives lists without a type the one that is declared', () => {
    const state: IValue = { tag: 'List', elementType: { kind: 'AnyType' }, elements: [intValue(1)] }
    expect(restored(['m : List[int]'], ['self.m = state'], 'List[int]', state).slots.get('m')).toMatchObject({ elementType: { kind: 'IntType' } })
  })

  it.each([
    [['self.n = torch.add(state, 1)'], 'uses aten::add'],
    [['_0 = (self).again(state, )'], 'calls itself'],
    [['self.n = self.n'], 'reads n before it is set'],
    [['ops.prim.RaiseException("no")', 'self.n = 1'], 'raises an exception (no)'],
    [['for i in range(1000000):', '  self.n = i'], 'uses prim::Loop'],
  ])('refuses %j', (body, why) => {
    expect(() => restored(['n : int'], body, 'int', intValue(1))).toThrow(expect.objectContaining({
      code: 'UNSUPPORTED_SETSTATE', message: expect.stringContaining(`a __torch__.A, is restored by a __setstate__ that ${why}`),
    }))
  })

  it('tells when something stays unset', () => {
    expect(() => restored(['n : int', 'm : int'], ['self.n = state'], 'int', intValue(1))).toThrow(/'m' is a None in the file and a int/)
  })
})
