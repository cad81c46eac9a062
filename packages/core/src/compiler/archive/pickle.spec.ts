import { describe, expect, test } from 'vitest'
import { errorCode } from '../../../test/support/archive.ts'
import { checkTree, PICKLE_LIMITS, readPickle, readPickleAt } from './pickle-reader.ts'
import type { PickleValue } from './pickle-value.ts'
import { PickleWriter } from './pickle-writer.ts'

/** Bytes from text and numbers: opcodes are letters. */
function bytes(...parts: (string | number | readonly number[])[]): Uint8Array {
  const pieces = parts.map((part) => typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part].flat()))
  return new Uint8Array(Buffer.concat(pieces))
}
const read = (...parts: Parameters<typeof bytes>): PickleValue => readPickle(bytes(...parts), 'test.pkl')
const PROTO = [0x80, 2]
const times = (count: number, part: readonly number[]): number[] => Array.from({ length: count }, () => part).flat()

/** A pickle of one opcode, many times. */
function many(opcode: number, count: number): Uint8Array {
  const pickle = new Uint8Array(count + 1).fill(opcode)
  pickle[count] = 0x2e
  return pickle
}

describe('reads every opcode of Python\'s protocols 2 to 5', () => {
  test.each<[string, string, PickleValue]>([
    ['protocol 2 ints', '80025d7100284b004bff4d00014a000001004affffffff8a0500000000018a09000000000000008000652e',
      { kind: 'list', items: [0n, 255n, 256n, 65536n, -1n, 1n << 32n, 1n << 63n] }],
    ['a negative long of one byte', '80028a01802e', -128n],
    ['an empty long', '80028a002e', 0n],
    ['protocol 4 strings and frames', '80049512000000000000008c0161948c06c3bc6ec3af7a94862e', { kind: 'tuple', items: ['a', 'ünïz'] }],
    ['floats', '800247bff00000000000002e', -1],
    ['Python 2 strings', '8002550161540200000062e9862e', { kind: 'tuple', items: ['a', 'bé'] }],
    ['bytes', '80034302ff002e', new Uint8Array([255, 0])],
    ['single items', '80027d71004b014b02735d71014b0361862e',
      { kind: 'tuple', items: [{ kind: 'dict', entries: [[1n, 2n]] }, { kind: 'list', items: [3n] }] }],
    ['sets', '80048f284b0190284b0291862e',
      { kind: 'tuple', items: [{ kind: 'set', items: [1n] }, { kind: 'set', items: [2n] }] }],
    ['marked forms', '8002284b014b026c284b034b0464284b05304b0674872e',
      { kind: 'tuple', items: [{ kind: 'list', items: [1n, 2n] }, { kind: 'dict', entries: [[3n, 4n]] }, { kind: 'tuple', items: [6n] }] }],
  ])('%s', (_, hex, value) => {
    expect(readPickle(new Uint8Array(Buffer.from(hex, 'hex')), 'test.pkl')).toEqual(value)
  })

  test('objects, without making any', () => {
    const value = read(PROTO, 'cos\nsystem\n', '(', 'X', [4, 0, 0, 0], 'true', 't', 'R', 'N', 'b', '.')
    expect(value).toEqual({
      kind: 'object', how: 'reduce', callee: { kind: 'global', module: 'os', name: 'system' }, args: { kind: 'tuple', items: ['true'] },
      kwargs: null, state: null, items: undefined, entries: undefined,
    })
  })

  test('what is shared as one value', () => {
    const value = read(PROTO, ']', 'q', 0, 'h', 0, [0x86], '.')
    if (value === null || typeof value !== 'object' || !('kind' in value) || value.kind !== 'tuple') throw new Error('no tuple')
    expect(value.items[0]).toBe(value.items[1])
  })

  test('several pickles in a row', () => {
    const row = bytes(PROTO, 'K', 1, '.', PROTO, 'K', 2, '.')
    const first = readPickleAt(row, 0, 'test.pkl')
    expect([first.value, readPickleAt(row, first.end, 'test.pkl').value]).toEqual([1n, 2n])
  })
})

describe('refuses', () => {
  test.each<[string, string, Parameters<typeof bytes>]>([
    ['nothing', 'BROKEN_PICKLE', []],
    ['an unknown opcode', 'BROKEN_PICKLE', [PROTO, 0xff, '.']],
    ['protocol 6', 'BROKEN_PICKLE', [[0x80, 6], 'N.']],
    ['an early end', 'BROKEN_PICKLE', [PROTO, 'X', [9, 0, 0, 0], 'abc']],
    ['a string of 4 GiB', 'BROKEN_PICKLE', [PROTO, 'X', [255, 255, 255, 255], 'abc.']],
    ['a string of 2^63 bytes', 'BROKEN_PICKLE', [PROTO, 0x8d, [0, 0, 0, 0, 0, 0, 0, 128], 'abc.']],
    ['a huge integer', 'PICKLE_LIMIT', [PROTO, 0x8b, [255, 255, 255, 255], '.']],
    ['an empty stack', 'BROKEN_PICKLE', [PROTO, '.']],
    ['too full a stack', 'BROKEN_PICKLE', [PROTO, 'NN.']],
    ['an open mark', 'BROKEN_PICKLE', [PROTO, 'N(.']],
    ['values taken from below a mark', 'BROKEN_PICKLE', [PROTO, 'N(', 0x85, '.']],
    ['a mark that is not there', 'BROKEN_PICKLE', [PROTO, 't.']],
    ['a memo that was never set', 'BROKEN_PICKLE', [PROTO, 'h', 3, '.']],
    ['a key without a value', 'BROKEN_PICKLE', [PROTO, '}(Nu.']],
    ['appending to a tuple', 'BROKEN_PICKLE', [PROTO, ')Na.']],
    ['items on a list', 'BROKEN_PICKLE', [PROTO, ']NNs.']],
    ['state for a list', 'BROKEN_PICKLE', [PROTO, ']Nb.']],
    ['strings that are not UTF-8', 'BROKEN_PICKLE', [PROTO, 'X', [1, 0, 0, 0], 255, '.']],
    ['a global without an end', 'BROKEN_PICKLE', [PROTO, 'cos\nsystem']],
    ['a global of numbers', 'BROKEN_PICKLE', [PROTO, 'NN', 0x93, '.']],
  ])('%s', async (_, code, parts) => {
    expect(await errorCode(() => read(...parts))).toBe(code)
  })

  test('lists that contain themselves, at any distance', async () => {
    const direct = read(PROTO, ']', 'q', 0, 'h', 0, 'a', '.')
    const far = read(PROTO, ']', 'q', 0, times(50, [0x85]), 'q', 1, '0', 'h', 0, 'h', 1, 'a', '.')
    const tied = read(PROTO, '}', 'q', 0, 'K', 1, 'h', 0, 's', '.')
    for (const value of [direct, far, tied]) expect(await errorCode(() => checkTree(value, 'test.pkl'))).toBe('CYCLIC_PICKLE')
  })

  test('more values than memory is for, wide or deep', async () => {
    for (const opcode of [0x5d, 0x7d, 0x29]) {
      expect(await errorCode(() => readPickle(many(opcode, PICKLE_LIMITS.containers + 1), 'test.pkl'))).toBe('PICKLE_LIMIT')
      expect(await errorCode(() => readPickle(many(opcode, PICKLE_LIMITS.containers), 'test.pkl'))).toBe('BROKEN_PICKLE')
    }
    expect(await errorCode(() => readPickle(many(0x4e, PICKLE_LIMITS.values + 1), 'test.pkl'))).toBe('PICKLE_LIMIT')
  })

  test('as many levels as there may be containers, in time', async () => {
    const levels = PICKLE_LIMITS.containers - 1
    const tuples = new Uint8Array(levels + 2).fill(0x85)
    tuples.set([0x4e], 0)
    tuples.set([0x2e], levels + 1)
    const lists = new Uint8Array(3 * levels + 1)
    for (let i = 0; i < levels; i++) lists.set([0x5d, 0x28], 2 * i)
    lists.fill(0x65, 2 * levels, 3 * levels)
    lists.set([0x2e], 3 * levels)
    for (const pickle of [tuples, lists]) {
      expect(await errorCode(() => checkTree(readPickle(pickle, 'test.pkl'), 'test.pkl'))).toBe('PICKLE_LIMIT')
    }
  })

  test('depth that is hidden by sharing, without walking every path', async () => {
    // Each level holds the one below twice: 2^900 paths, which a consumer would walk.
    const shared = (levels: number): PickleValue => read(PROTO, 'N', times(levels, [0x71, 0, 0x68, 0, 0x86]), '.')
    expect(await errorCode(() => checkTree(shared(900), 'test.pkl'))).toBe('PICKLE_LIMIT')
    expect(await errorCode(() => checkTree(shared(20), 'test.pkl'))).toBe(undefined)
    // Seen from the top first in a shallow place, then below 600 more levels.
    const twice = read(PROTO, 'N', times(600, [0x85]), 'q', 0, 'h', 0, times(600, [0x85]), [0x86], '.')
    expect(await errorCode(() => checkTree(twice, 'test.pkl'))).toBe('PICKLE_LIMIT')
  })
})

test('writes what it reads, in PyTorch\'s opcodes', () => {
  const w = new PickleWriter()
  w.mark()
  for (const value of [0, 255, 256, 65535, 65536, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, -(2n ** 63n), 2n ** 63n - 1n]) w.int(value)
  for (const value of [0, -0, 0.1, Infinity]) w.float(value)
  w.string('ü')
  w.string('ü')
  w.bool(true)
  w.bool(false)
  w.none()
  w.emptyList()
  w.mark()
  w.int(1)
  w.appends()
  w.emptyDict()
  w.mark()
  w.string('k')
  w.int(2)
  w.setItems()
  w.global('a.b', 'C')
  w.newObject()
  w.shortTuple(0)
  w.build()
  w.qualified('a.b.C')
  w.tuple()
  const global = { kind: 'global', module: 'a.b', name: 'C' } as const
  const value = readPickle(w.finish(), 'test.pkl')
  expect(value).toEqual({
    kind: 'tuple',
    items: [
      0n, 255n, 256n, 65535n, 65536n, -1n, 2n ** 31n - 1n, -(2n ** 31n), 2n ** 31n, -(2n ** 63n), 2n ** 63n - 1n, 0, -0, 0.1, Infinity,
      'ü', 'ü', true, false, null, { kind: 'list', items: [1n] }, { kind: 'dict', entries: [['k', 2n]] },
      {
        kind: 'object', how: 'new', callee: global, args: { kind: 'tuple', items: [] }, kwargs: null, state: { kind: 'tuple', items: [] },
        items: undefined, entries: undefined,
      },
      global,
    ],
  })
  expect(() => new PickleWriter().int(2n ** 63n)).toThrow(RangeError)
})

test('writes beyond 256 memo entries and the first buffer', () => {
  const w = new PickleWriter()
  w.mark()
  for (let i = 0; i < 600; i++) w.string(`name ${i % 300}`)
  w.tuple()
  const value = readPickle(w.finish(), 'test.pkl')
  expect(value).toEqual({ kind: 'tuple', items: Array.from({ length: 600 }, (_, i) => `name ${i % 300}`) })
})
