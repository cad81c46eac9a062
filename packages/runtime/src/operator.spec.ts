import { describe, expect, it } from 'vitest'
import { withoutNames } from '../scripts/operators.mjs'
import { families } from './families.ts'
import { completeArguments, parseSchema } from './operator.ts'
import type { Value } from './values.ts'

const nothing = (): void => undefined

function complete(schema: string, ...given: Value[]): Value[] {
  completeArguments(parseSchema(schema, nothing), given)
  return given
}

describe('parseSchema', () => {
  it('reads name, overload and number of arguments', () => {
    expect(parseSchema('aten::add.Tensor(self, other, alpha=1)', nothing)).toMatchObject({ name: 'aten::add.Tensor', arity: 3, defaults: [1n], outs: 0 })
    expect(parseSchema('aten::numel(self)', nothing)).toMatchObject({ arity: 1, defaults: [] })
    expect(parseSchema('prim::AutogradZero()', nothing)).toMatchObject({ arity: 0 })
    expect(parseSchema('aten::format(...)', nothing).arity).toBeUndefined()
  })

  it('tells ints from floats, and reads words, strings and lists', () => {
    expect(complete('x(a=1, b=1., c=1e-05, d=None, e=True, f="reflect", g=[0, 0], h=[], i=-1)')).toEqual(
      [1n, 1, 1e-5, null, true, 'reflect', [0n, 0n], [], -1n])
  })
})

describe('a schema without names, as it ships', () => {
  it('is shorter', () => {
    expect(withoutNames('aten::softmax.int(self, dim, dtype=None)')).toBe('aten::softmax.int(self,,=None)')
    expect(withoutNames('aten::max.dim_max(self, dim, keepdim=False, max!, max_values!)')).toBe('aten::max.dim_max(self,,=False,!,!)')
    expect(withoutNames('x(a=[0, 0], p=1., mode="reflect", ...)')).toBe('x(a=[0, 0],=1.,="reflect",...)')
  })

  it.each(families)('says the same of the operators of $name', ({ operators }) => {
    for (const schema of Object.keys(operators)) expect(parseSchema(withoutNames(schema), nothing)).toEqual(parseSchema(schema, nothing))
  })
})

describe('completeArguments', () => {
  it('appends the defaults of what was left out', () => {
    expect(complete('x(a, b=2, c=3)', 1n)).toEqual([1n, 2n, 3n])
    expect(complete('x(a, b=2, c=3)', 1n, 5n)).toEqual([1n, 5n, 3n])
    expect(complete('x(a, b=2, c=3)', 1n, 5n, 6n)).toEqual([1n, 5n, 6n])
  })

  it('puts defaults before the arguments that are written to', () => {
    expect(complete('x(a, b=2, c=3, out!)', 1n, 'out')).toEqual([1n, 2n, 3n, 'out'])
    expect(complete('x(a, b=2, c=3, out!)', 1n, 5n, 'out')).toEqual([1n, 5n, 3n, 'out'])
  })
})
