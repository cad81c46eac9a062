import { describe, expect, it } from 'vitest'
import { Machine } from '../machine.ts'
import { completeArguments, type Family, parseSchema } from '../operator.ts'
import { Device, Results, Tuple, type Value } from '../values.ts'
import collections from './collections.ts'
import { formatValue } from './format.ts'
import scalar from './scalar.ts'
import strings from './strings.ts'

const m = new Machine()

function run(family: Family, name: string, ...args: Value[]): Value | undefined {
  const entry = Object.entries(family.operators).find(([schema]) => schema.startsWith(`${name}(`))
  if (!entry) throw new Error(`no operator ${name}`)
  const operator = parseSchema(...entry)
  completeArguments(operator, args)
  const result = operator.run(m, ...args)
  return result instanceof Results ? result.values : result as Value | undefined
}

describe('numbers', () => {
  it('follow the signs of Python', () => {
    expect(run(scalar, 'aten::floordiv.int', -7n, 2n)).toBe(-4n)
    expect(run(scalar, 'aten::remainder.int', -7n, 2n)).toBe(1n)
    expect(run(scalar, 'aten::remainder.int', 7n, -2n)).toBe(-1n)
    expect(run(scalar, 'aten::divmod.int', -7n, 2n)).toEqual([-4n, 1n])
    expect(run(scalar, 'aten::div.int', 7n, 2n)).toBe(3.5)
    expect(() => run(scalar, 'aten::floordiv.int', 1n, 0n)).toThrow('division by 0')
  })

  it('have 64 bits', () => {
    expect(run(scalar, 'aten::mul.int', 2n ** 62n, 2n)).toBe(-(2n ** 63n))
    expect(run(scalar, 'aten::Int.float', NaN)).toBe(-(2n ** 63n))
    expect(run(scalar, 'aten::__lshift__.int', 1n, 10_000_000_000n)).toBe(1n << (10_000_000_000n & 63n))
  })

  it('round halves to even', () => {
    expect([0.5, 1.5, -0.5, -1.5, 2.5].map((value) => Number(run(scalar, 'aten::round.float', value)))).toEqual([0, 2, -0, -2, 2])
  })

  it('have the special functions of math', () => {
    expect(run(scalar, 'aten::erf.float', 0.5)).toBeCloseTo(0.520_499_877_813_046_5, 15)
    expect(run(scalar, 'aten::erfc.float', 5)).toBeCloseTo(1.537_459_794_428_035e-12, 25)
    expect(run(scalar, 'aten::gamma.float', 4.5)).toBeCloseTo(11.631_728_396_567_448, 12)
    expect(run(scalar, 'aten::lgamma.float', -1.5)).toBeCloseTo(0.860_047_015_376_481, 12)
  })

  it('count ranges', () => {
    const length = (...args: bigint[]): Value | undefined => run(scalar, 'aten::__range_length', ...args)
    expect([length(0n, 10n, 3n), length(10n, 0n, -4n), length(3n, 3n, 1n), length(5n, 0n, 1n)]).toEqual([4n, 3n, 0n, 0n])
  })
})

describe('values as text', () => {
  it('are what TorchScript prints', () => {
    const text = (value: Value): string => formatValue(m, value)
    expect([1, 0.1, 1e20, 1e-7, -0, Infinity, NaN].map(text))
      .toEqual(['1.', '0.10000000000000001', '1e+20', '9.9999999999999995e-08', '0.', 'inf', 'nan'])
    expect(text(new Tuple([1n]))).toBe('(1,)')
    expect(text([null, true, 'a', new Device('cpu')])).toBe('[None, True, a, cpu]')
    expect(text(new Map<Value, Value>([['a', [1n]]]))).toBe('{a: [1]}')
  })

  it('fill in formats', () => {
    expect(run(strings, 'aten::format', '{}: {}', 'x', 0.5)).toBe('x: 0.5')
    expect(() => run(strings, 'aten::format', '{} {}', 1n)).toThrow('Too few arguments')
    expect(run(strings, 'aten::percentFormat', '%s=%d%% %f', new Tuple(['a', 3n, 0.25]))).toBe('a=3% 0.250000')
  })
})

describe('strings', () => {
  it('are bytes of UTF-8, and whole again when their halves meet', () => {
    expect(run(strings, 'aten::len.str', 'né')).toBe(3n)
    const [first, second] = [1n, 2n].map((at) => run(strings, 'aten::__getitem__.str', 'né', at))
    expect(run(strings, 'aten::add.str', first!, second!)).toBe('é')
  })

  it('are split, found and stripped as Python does', () => {
    expect(run(strings, 'aten::split.str', ' a  b ')).toEqual(['a', 'b'])
    expect(run(strings, 'aten::split.str', 'a,b,c', ',', 1n)).toEqual(['a', 'b,c'])
    expect(run(strings, 'aten::rsplit', 'a,b,c', ',', 1n)).toEqual(['a,b', 'c'])
    expect(run(strings, 'aten::find', 'banana', 'an', 2n)).toBe(3n)
    expect(run(strings, 'aten::strip', '\t a \n')).toBe('a')
    expect(run(strings, 'aten::title', 'two words')).toBe('Two Words')
    expect(run(strings, 'aten::replace', 'aaa', 'a', 'b', 2n)).toBe('bba')
  })
})

describe('collections', () => {
  it('are changed in place', () => {
    const list: Value[] = [3n, 1n, 2n]
    run(collections, 'aten::sort.int', list, true)
    run(collections, 'aten::insert.t', list, -1n, 9n)
    expect(list).toEqual([3n, 2n, 9n, 1n])
    expect(run(collections, 'aten::pop.t', list)).toBe(1n)
    run(collections, 'aten::extend.t', list, list)
    expect(list).toHaveLength(6)
  })

  it('refuse what is not there', () => {
    expect(() => run(collections, 'aten::__getitem__.t', [1n], 1n)).toThrow('list index out of range')
    expect(() => run(collections, 'aten::__getitem__.Dict_str', new Map(), 'a')).toThrow('KeyError: a')
    expect(() => run(collections, 'aten::pop.t', [])).toThrow('pop from empty list')
  })

  it('are sliced with any step', () => {
    const list = [0n, 1n, 2n, 3n, 4n]
    expect(run(collections, 'aten::slice.t', list, null, null, -2n)).toEqual([4n, 2n, 0n])
    expect(run(collections, 'aten::slice.t', list, -10n, 3n)).toEqual([0n, 1n, 2n])
  })
})
