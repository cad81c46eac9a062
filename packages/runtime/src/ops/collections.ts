import type { Machine } from '../machine.ts'
import type { Family, Implementation, OperatorTable } from '../operator.ts'
import { Tensor } from '../tensor.ts'
import { type Scalar, Tuple, type Value } from '../values.ts'
import { numbers } from './reading.ts'
import { formatValue } from './format.ts'
import { wrap } from './scalar.ts'
import { sliceIndices } from './slices.ts'

type List = Value[]
type Dict = Map<Value, Value>

/** What a dict has under a key. Throws KeyError. */
export function dictItem(m: Machine, dict: Dict, key: Value): Value {
  const value = dict.get(key)
  if (value === undefined) throw m.fail(`KeyError: ${formatValue(m, key)}`)
  return value
}

/** Python's index, which counts from behind where it is negative, as a place in the list. */
function place(m: Machine, list: List, index: bigint): number {
  const at = Number(index) < 0 ? Number(index) + list.length : Number(index)
  if (at < 0 || at >= list.length) throw m.fail('list index out of range')
  return at
}

function pop(m: Machine, list: List, index: bigint, empty: string): Value {
  if (list.length === 0) throw m.fail(empty)
  return list.splice(place(m, list, index), 1)[0]!
}

function take(m: Machine, dict: Dict, key: Value): Value {
  const value = dictItem(m, dict, key)
  dict.delete(key)
  return value
}

/** Python's `==`; tensors have it when they are of one element. */
function same(m: Machine, a: Value, b: Value): boolean {
  if (!(a instanceof Tensor && b instanceof Tensor)) return a === b
  if (a.numel !== 1 || b.numel !== 1) throw m.fail('Boolean value of Tensor with more than one value is ambiguous')
  return numbers(m, a)[0] === numbers(m, b)[0]
}

const sameLists = (m: Machine, a: List, b: List): boolean => a.length === b.length && a.every((value, i) => same(m, value, b[i]!))

function order(m: Machine): (a: Value, b: Value) => number {
  const key = (value: Value): Scalar | string => value instanceof Tensor ? Number(numbers(m, value)[0]) : value as Scalar | string
  return (a, b) => key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0
}

function sort(m: Machine, list: List, reverse: boolean): void {
  const compare = order(m)
  list.sort(reverse ? (a, b) => compare(b, a) : compare)
}

const repeat = (list: List, count: bigint): List => Array.from({ length: Math.max(Number(count), 0) }, () => list).flat(1)

/** The lesser of two lists by their first elements that differ. */
function lesser(a: List, b: List): boolean {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]!
  }
  return a.length < b.length
}

/** The first of the values that none is `before`. */
function extreme(m: Machine, name: string, list: List, before: (a: Value, b: Value) => boolean): Value {
  if (list.length === 0) throw m.fail(`${name}() arg is an empty sequence`)
  return list.reduce((best, value) => before(value, best) ? value : best)
}

/** The same operator under several overloads: `*` in the schema stands for each of them. */
function overloaded(overloads: string, operators: OperatorTable): OperatorTable {
  return Object.fromEntries(Object.entries(operators).flatMap(([schema, run]) =>
    overloads.split(' ').map((overload): [string, Implementation] => [`aten::${schema.replace('*', overload)}`, run])))
}

const collections: Family = {
  name: 'collections',
  operators: {
    ...overloaded('t', {
      'select.*(list, idx)': (m, list: List, index: bigint) => list[place(m, list, index)]!,
      '__getitem__.*(list, idx)': (m, list: List, index: bigint) => list[place(m, list, index)]!,
      '_set_item.*(l, idx, el)': (m, list: List, index: bigint, value: Value) => {
        list[place(m, list, index)] = value
        return list
      },
      'append.*(self, el)': (_m, list: List, value: Value) => {
        list.push(value)
        return list
      },
      'extend.*(self, other)': (_m, list: List, other: List) => { list.push(...other.slice()) },
      'insert.*(self, idx, el)': (_m, list: List, index: bigint, value: Value) => { list.splice(Number(index), 0, value) },
      'pop.*(self, idx=-1)': (m, list: List, index: bigint) => pop(m, list, index, 'pop from empty list'),
      'Delete.*(self, idx)': (m, list: List, index: bigint) => { pop(m, list, index, 'pop index out of range') },
      'clear.*(self)': (_m, list: List) => { list.length = 0 },
      'reverse.*(self)': (_m, list: List) => { list.reverse() },
      'copy.*(self)': (_m, list: List) => [...list],
      'list.*(l)': (_m, list: List) => [...list],
      'add.*(a, b)': (_m, a: List, b: List) => [...a, ...b],
      'add_.*(self, b)': (_m, list: List, other: List) => {
        list.push(...other.slice())
        return list
      },
      'mul.left_*(l, n)': (_m, list: List, count: bigint) => repeat(list, count),
      'mul_.*(l, n)': (_m, list: List, count: bigint) => {
        list.splice(0, list.length, ...repeat(list, count))
        return list
      },
      'slice.*(l, start=None, end=None, step=1)': (m, list: List, start: bigint | null, end: bigint | null, step: bigint) =>
        sliceIndices(m, list.length, start, end, step).map((i) => list[i]!),
    }),
    'aten::mul.right_(n, l)': (_m, count: bigint, list: List) => repeat(list, count),
    ...overloaded('t any', { 'len.*(a)': (_m, list: List) => BigInt(list.length) }),
    ...overloaded('int float bool str Tensor', {
      'remove.*(self, el)': (m, list: List, value: Value) => {
        const at = list.findIndex((each) => same(m, each, value))
        if (at < 0) throw m.fail('list.remove(x): x not in list')
        list.splice(at, 1)
      },
      'index.list_*(self, el)': (m, list: List, value: Value) => {
        const at = list.findIndex((each) => same(m, each, value))
        if (at < 0) throw m.fail(`'${formatValue(m, value)}' is not in list`)
        return BigInt(at)
      },
      'count.*(self, el)': (m, list: List, value: Value) => BigInt(list.filter((each) => same(m, each, value)).length),
      '__contains__.*_list(l, item)': (m, list: List, value: Value) => list.some((each) => same(m, each, value)),
      'eq.*_list(a, b)': (m, a: List, b: List) => sameLists(m, a, b),
      'ne.*_list(a, b)': (m, a: List, b: List) => !sameLists(m, a, b),
      'sort.*(self, reverse=False)': (m, list: List, reverse: boolean) => sort(m, list, reverse),
      'sorted.*(input)': (m, list: List) => {
        const copy = [...list]
        sort(m, copy, false)
        return copy
      },
    }),
    ...overloaded('int bool', {
      'sum.*(self)': (_m, list: Scalar[]) => list.reduce<bigint>((sum, value) => wrap(sum + BigInt(value)), 0n),
    }),
    'aten::sum.float(self)': (_m, list: number[]) => list.reduce((sum, value) => sum + value, 0),
    ...overloaded('int float bool str', { 'any.*(self)': (_m, list: List) => list.some(Boolean) }),
    ...overloaded('int float bool', { 'all.*(self)': (_m, list: List) => list.every(Boolean) }),
    ...Object.fromEntries(['int', 'float', 'bool'].flatMap((type): [string, Implementation][] => [
      [`prim::min.self_${type}(self)`, (m, list: List) => extreme(m, 'min', list, (a, b) => a! < b!)],
      [`prim::max.self_${type}(self)`, (m, list: List) => extreme(m, 'max', list, (a, b) => a! > b!)],
      [`prim::min.${type}_list(l, r)`, (_m, l: List, r: List) => lesser(l, r) ? l : r],
      [`prim::max.${type}_list(l, r)`, (_m, l: List, r: List) => lesser(r, l) ? l : r],
    ])),
    'prim::rangelist(n)': (m, count: bigint) => {
      if (count < 0n) throw m.fail('vector::reserve')
      return Array.from({ length: Number(count) }, (_, i) => BigInt(i))
    },
    ...overloaded('str int bool float', {
      'len.Dict_*(self)': (_m, dict: Dict) => BigInt(dict.size),
      'keys.*(self)': (_m, dict: Dict) => [...dict.keys()],
      'values.*(self)': (_m, dict: Dict) => [...dict.values()],
      'items.*(self)': (_m, dict: Dict) => Array.from(dict, (item) => new Tuple(item)),
      '__getitem__.Dict_*(self, key)': dictItem,
      '__contains__.*(dict, key)': (_m, dict: Dict, key: Value) => dict.has(key),
      '_set_item.*(l, idx, v)': (_m, dict: Dict, key: Value, value: Value) => { dict.set(key, value) },
      'get.*(self, key)': (_m, dict: Dict, key: Value) => dict.get(key) ?? null,
      'get.default_*(self, key, default_value)': (_m, dict: Dict, key: Value, other: Value) => dict.has(key) ? dict.get(key)! : other,
      'setdefault.*(self, key, default_value)': (_m, dict: Dict, key: Value, other: Value) => {
        if (!dict.has(key)) dict.set(key, other)
        return dict.get(key)!
      },
      'pop.Dict_*(self, key)': take,
      'pop.Dict_default_*(self, key, default_value)': (m, dict: Dict, key: Value, other: Value) =>
        dict.has(key) ? take(m, dict, key) : other,
      'popitem.*(self)': (m, dict: Dict) => {
        const [item] = dict
        if (!item) throw m.fail('popitem(): dictionary is empty')
        dict.delete(item[0])
        return new Tuple(item)
      },
      'Delete.Dict_*(self, key)': (m, dict: Dict, key: Value) => { take(m, dict, key) },
      'clear.*(self)': (_m, dict: Dict) => { dict.clear() },
      'update.*(self, to_add)': (_m, dict: Dict, other: Dict) => { for (const [key, value] of other) dict.set(key, value) },
      'copy.Dict_*(self)': (_m, dict: Dict) => new Map(dict),
      'dict.Dict_*(self)': (_m, dict: Dict) => new Map(dict),
      'dict.*(inputs)': (_m, items: Tuple[]) => new Map(items.map((item) => item.items as unknown as [Value, Value])),
    }),
    // What the constructors of empty dicts are called.
    'aten::dict()': () => new Map(),
  },
}

export default collections
