import { PetalError } from '../errors.ts'
import type { PickleDict, PickleGlobal, PickleObject, PickleValue } from './pickle-value.ts'
import { childrenOf, isContainer, type PickleContainer } from './pickle-value.ts'

/** What is read of a pickle before anything in it is believed. */
export const PICKLE_LIMITS = {
  /** Bytes of one pickle. Weights are not in it; the largest modules take some megabytes. */
  bytes: 67_108_864,
  /** Values of any kind; one opcode may make one. A list of numbers or words has that many, and few bytes for each. */
  values: 4_000_000,
  /** Lists, tuples, dictionaries, objects: three hundred bytes of memory each. A tensor takes eight, the largest models have some thousands. */
  containers: 400_000,
  /** Containers inside one another where a value is used as a tree: model trees have some dozens. */
  nesting: 1000,
  /** Values of a tree in which shared ones count as often as they occur: a list of the same list twice, some dozens deep, has no end. */
  treeValues: 16_000_000,
  /** Bytes of an integer: Python's own have no bound, turning them into a number costs more than linear time. */
  integerBytes: 1024,
} as const

/** The error of every pickle that cannot be read. */
export function brokenPickle(name: string, why: string): PetalError {
  return new PetalError({
    code: 'BROKEN_PICKLE',
    message: `'${name}' in the model file is not a readable pickle: ${why}.`,
    cause: 'The file was damaged, or something other than PyTorch wrote it.',
    fix: 'Save the model again with torch.jit.save.',
  })
}

/** The error of a pickle that asks for more than any model needs. */
export function pickleLimit(name: string, what: string, limit: number): PetalError {
  return new PetalError({
    code: 'PICKLE_LIMIT',
    message: `'${name}' in the model file is refused: ${what}; the limit is ${limit}.`,
    cause: 'No model that PyTorch saves comes near this limit, so the file is damaged or was made to do harm.',
    fix: 'Save the model again with torch.jit.save.',
  })
}

interface Machine {
  readonly name: string
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
  made: number
  containers: number
  readonly stack: PickleValue[]
  readonly marks: number[]
  readonly memo: Map<number, PickleValue>
}

/**
 * Reads one pickle, protocol 2 to 5, as data: nothing is imported, constructed or called. Reading stops at STOP; `end` is
 * the offset behind it, as older checkpoints hold several pickles in a row. `name` is for errors.
 */
export function readPickleAt(bytes: Uint8Array, begin: number, name: string): { value: PickleValue; end: number } {
  const m: Machine = {
    name, bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    at: begin, made: 0, containers: 0, stack: [], marks: [], memo: new Map(),
  }
  for (;;) {
    const opcode = u8(m)
    if (opcode === STOP) break
    const run = OPCODES[opcode]
    if (run === undefined) {
      throw brokenPickle(name, `it has the unknown opcode 0x${opcode.toString(16).padStart(2, '0')} at byte ${m.at - 1}`)
    }
    run(m)
  }
  if (m.marks.length > 0 || m.stack.length !== 1) throw brokenPickle(name, 'it ends with an unfinished value')
  return { value: m.stack[0]!, end: m.at }
}

/** {@link readPickleAt} for a pickle that is the whole of `bytes`. */
export function readPickle(bytes: Uint8Array, name: string): PickleValue {
  if (bytes.length > PICKLE_LIMITS.bytes) throw pickleLimit(name, `it has ${bytes.length} bytes`, PICKLE_LIMITS.bytes)
  return readPickleAt(bytes, 0, name).value
}

/**
 * Refuses a value that contains itself, nests deeper than the limit or is shared to more than a limit; behind this, a consumer may recurse.
 * Takes time linear in the pickle, also where values are shared.
 */
export function checkTree(root: PickleValue, name: string): void {
  if (!isContainer(root)) return
  const OPEN = -1
  /** Height above its deepest leaf, once known. */
  const heights = new Map<PickleContainer, number>([[root, OPEN]])
  /** Values in it, shared ones as often as they occur. */
  const sizes = new Map<PickleContainer, number>()
  const path: { value: PickleContainer; children: readonly PickleValue[]; next: number; height: number; size: number }[] = []
  const tooDeep = (): PetalError => pickleLimit(name, 'values lie inside one another too deeply', PICKLE_LIMITS.nesting)
  const enter = (value: PickleContainer): void => {
    if (path.length >= PICKLE_LIMITS.nesting) throw tooDeep()
    path.push({ value, children: childrenOf(value), next: 0, height: 1, size: 1 })
  }
  enter(root)
  while (path.length > 0) {
    const top = path[path.length - 1]!
    if (top.next === top.children.length) {
      path.pop()
      heights.set(top.value, top.height)
      sizes.set(top.value, top.size)
      if (top.size > PICKLE_LIMITS.treeValues) throw pickleLimit(name, 'values in it are shared too often', PICKLE_LIMITS.treeValues)
      const parent = path[path.length - 1]
      if (parent === undefined) continue
      parent.height = Math.max(parent.height, top.height + 1)
      parent.size += top.size
      continue
    }
    const child = top.children[top.next++]!
    if (!isContainer(child)) {
      top.size++
      continue
    }
    const height = heights.get(child)
    if (height === OPEN) throw cyclic(name)
    if (height === undefined) {
      heights.set(child, OPEN)
      enter(child)
    } else {
      top.height = Math.max(top.height, height + 1)
      top.size += sizes.get(child)!
      if (path.length + height > PICKLE_LIMITS.nesting) throw tooDeep()
    }
  }
}

function cyclic(name: string): PetalError {
  return new PetalError({
    code: 'CYCLIC_PICKLE',
    message: `'${name}' in the model file has a value that contains itself.`,
    cause: 'A module holds a reference to itself or to a module above it, or the file was made to do harm.',
    fix: 'Break the cycle in the model (children must not hold their parents as attributes) and save it again.',
  })
}

// --- reading

function need(m: Machine, count: number): number {
  const at = m.at
  if (at + count > m.bytes.length) throw brokenPickle(m.name, 'it ends too early')
  m.at = at + count
  return at
}

function u8(m: Machine): number {
  return m.bytes[need(m, 1)]!
}
function u32(m: Machine): number {
  return m.view.getUint32(need(m, 4), true)
}
function u64(m: Machine): number {
  const value = m.view.getBigUint64(need(m, 8), true)
  if (value > BigInt(m.bytes.length)) throw brokenPickle(m.name, 'it ends too early')
  return Number(value)
}

function slice(m: Machine, length: number): Uint8Array {
  const at = need(m, length)
  return m.bytes.subarray(at, at + length)
}

function utf8(m: Machine, length: number): string {
  const bytes = slice(m, length)
  if (length < 64) {
    let text = ''
    let i = 0
    while (i < length && bytes[i]! < 0x80) text += String.fromCharCode(bytes[i++]!)
    if (i === length) return text
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw brokenPickle(m.name, 'a string in it is not UTF-8')
  }
}

/** Python 2's `str`: bytes that are nearly always ASCII. */
function latin1(m: Machine, length: number): string {
  let text = ''
  for (const byte of slice(m, length)) text += String.fromCharCode(byte)
  return text
}

function line(m: Machine): string {
  const end = m.bytes.indexOf(10, m.at)
  if (end < 0) throw brokenPickle(m.name, 'it ends too early')
  const text = utf8(m, end - m.at)
  m.at = end + 1
  return text
}

function integer(m: Machine, length: number): bigint {
  if (length > PICKLE_LIMITS.integerBytes) throw pickleLimit(m.name, `an integer in it has ${length} bytes`, PICKLE_LIMITS.integerBytes)
  const bytes = slice(m, length)
  if (length === 8) return m.view.getBigInt64(m.at - 8, true)
  let value = 0n
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!)
  return BigInt.asIntN(length * 8, value)
}

// --- the stack

function push(m: Machine, value: PickleValue): void {
  if (++m.made > PICKLE_LIMITS.values) throw pickleLimit(m.name, 'it has too many values', PICKLE_LIMITS.values)
  if (typeof value === 'object' && value !== null && ++m.containers > PICKLE_LIMITS.containers) {
    throw pickleLimit(m.name, 'it has too many lists and objects', PICKLE_LIMITS.containers)
  }
  m.stack.push(value)
}

/** Values below the innermost mark belong to the one who set it. */
function floor(m: Machine): number {
  return m.marks.length > 0 ? m.marks[m.marks.length - 1]! : 0
}

function pop(m: Machine): PickleValue {
  if (m.stack.length <= floor(m)) throw brokenPickle(m.name, 'it takes a value where there is none')
  return m.stack.pop()!
}

function top(m: Machine): PickleValue {
  if (m.stack.length <= floor(m)) throw brokenPickle(m.name, 'it uses a value where there is none')
  return m.stack[m.stack.length - 1]!
}

function popMark(m: Machine): PickleValue[] {
  const mark = m.marks.pop()
  if (mark === undefined) throw brokenPickle(m.name, 'it closes a group that was not opened')
  return m.stack.splice(mark)
}

function tuple(m: Machine, count: number): void {
  if (m.stack.length - floor(m) < count) throw brokenPickle(m.name, 'it takes a value where there is none')
  const items = m.stack.splice(m.stack.length - count)
  push(m, { kind: 'tuple', items })
}

function append(m: Machine, target: PickleValue, items: readonly PickleValue[]): void {
  if (isContainer(target)) {
    if (target.kind === 'object') target.items ??= []
    const into = target.kind === 'list' || target.kind === 'set' || target.kind === 'object' ? target.items! as PickleValue[] : undefined
    if (into !== undefined) {
      for (const item of items) into.push(item)
      return
    }
  }
  throw brokenPickle(m.name, 'it appends to something that is no list')
}

function setItems(m: Machine, target: PickleValue, items: readonly PickleValue[]): void {
  if (items.length % 2 !== 0) throw brokenPickle(m.name, 'a dictionary in it has a key without a value')
  let entries: PickleDict['entries'] | undefined
  if (isContainer(target)) {
    if (target.kind === 'object') entries = target.entries ??= []
    else if (target.kind === 'dict') entries = target.entries
  }
  if (entries === undefined) throw brokenPickle(m.name, 'it sets items on something that is no dictionary')
  for (let i = 0; i < items.length; i += 2) entries.push([items[i]!, items[i + 1]!])
}

function dict(m: Machine, items: readonly PickleValue[]): void {
  const value: PickleDict = { kind: 'dict', entries: [] }
  setItems(m, value, items)
  push(m, value)
}

function object(m: Machine, how: PickleObject['how'], callee: PickleValue, args: PickleValue, kwargs: PickleValue): void {
  push(m, { kind: 'object', how, callee, args, kwargs, state: undefined, items: undefined, entries: undefined })
}

function build(m: Machine): void {
  const state = pop(m)
  const target = top(m)
  if (!isContainer(target) || target.kind !== 'object') throw brokenPickle(m.name, 'it sets the state of something that is no object')
  target.state = state
}

function get(m: Machine, index: number): void {
  const value = m.memo.get(index)
  if (value === undefined) throw brokenPickle(m.name, `it uses memo ${index}, which was never set`)
  m.stack.push(value)
  if (++m.made > PICKLE_LIMITS.values) throw pickleLimit(m.name, 'it has too many values', PICKLE_LIMITS.values)
}

function stackGlobal(m: Machine): void {
  const name = pop(m)
  const module = pop(m)
  if (typeof name !== 'string' || typeof module !== 'string') throw brokenPickle(m.name, 'the name of a global is no string')
  push(m, { kind: 'global', module, name } satisfies PickleGlobal)
}

function newObjEx(m: Machine): void {
  const kwargs = pop(m)
  const args = pop(m)
  object(m, 'new', pop(m), args, kwargs)
}

function call(m: Machine, how: PickleObject['how']): void {
  const args = pop(m)
  object(m, how, pop(m), args, null)
}

const STOP = 0x2e

/** Opcodes of Python's pickletools that protocols 2 to 5 use; the text forms of protocol 0 and extension codes are not among them. */
const OPCODES: readonly (((m: Machine) => void) | undefined)[] = opcodeTable({
  0x80: (m) => { if (u8(m) > 5) throw brokenPickle(m.name, 'its protocol is newer than 5') },
  0x95: (m) => { u64(m) }, // FRAME
  0x28: (m) => { m.marks.push(m.stack.length) },
  0x30: (m) => { if (m.stack.length === floor(m)) popMark(m); else pop(m) }, // POP
  0x31: (m) => { popMark(m) },
  0x32: (m) => push(m, top(m)),
  0x4e: (m) => push(m, null),
  0x88: (m) => push(m, true),
  0x89: (m) => push(m, false),
  0x4b: (m) => push(m, BigInt(u8(m))),
  0x4d: (m) => push(m, BigInt(m.view.getUint16(need(m, 2), true))),
  0x4a: (m) => push(m, BigInt(m.view.getInt32(need(m, 4), true))),
  0x8a: (m) => push(m, integer(m, u8(m))),
  0x8b: (m) => push(m, integer(m, u32(m))),
  0x47: (m) => push(m, m.view.getFloat64(need(m, 8), false)),
  0x58: (m) => push(m, utf8(m, u32(m))),
  0x8c: (m) => push(m, utf8(m, u8(m))),
  0x8d: (m) => push(m, utf8(m, u64(m))),
  0x55: (m) => push(m, latin1(m, u8(m))),
  0x54: (m) => push(m, latin1(m, u32(m))),
  0x43: (m) => push(m, slice(m, u8(m))),
  0x42: (m) => push(m, slice(m, u32(m))),
  0x8e: (m) => push(m, slice(m, u64(m))),
  0x96: (m) => push(m, slice(m, u64(m))), // BYTEARRAY8
  0x5d: (m) => push(m, { kind: 'list', items: [] }),
  0x6c: (m) => push(m, { kind: 'list', items: popMark(m) }),
  0x61: (m) => { const item = pop(m); append(m, top(m), [item]) },
  0x65: (m) => { const items = popMark(m); append(m, top(m), items) },
  0x29: (m) => push(m, { kind: 'tuple', items: [] }),
  0x74: (m) => push(m, { kind: 'tuple', items: popMark(m) }),
  0x85: (m) => tuple(m, 1),
  0x86: (m) => tuple(m, 2),
  0x87: (m) => tuple(m, 3),
  0x7d: (m) => push(m, { kind: 'dict', entries: [] }),
  0x64: (m) => dict(m, popMark(m)),
  0x73: (m) => { const value = pop(m); const key = pop(m); setItems(m, top(m), [key, value]) },
  0x75: (m) => { const items = popMark(m); setItems(m, top(m), items) },
  0x8f: (m) => push(m, { kind: 'set', items: [] }),
  0x90: (m) => { const items = popMark(m); append(m, top(m), items) },
  0x91: (m) => push(m, { kind: 'set', items: popMark(m) }),
  0x63: (m) => { const module = line(m); push(m, { kind: 'global', module, name: line(m) }) },
  0x93: stackGlobal,
  0x71: (m) => { m.memo.set(u8(m), top(m)) },
  0x72: (m) => { m.memo.set(u32(m), top(m)) },
  0x94: (m) => { m.memo.set(m.memo.size, top(m)) },
  0x68: (m) => get(m, u8(m)),
  0x6a: (m) => get(m, u32(m)),
  0x52: (m) => call(m, 'reduce'),
  0x81: (m) => call(m, 'new'),
  0x92: newObjEx,
  0x62: build,
  0x51: (m) => push(m, { kind: 'persistent', id: pop(m) }),
})

function opcodeTable(table: Record<number, (m: Machine) => void>): ((m: Machine) => void)[] {
  const dense: ((m: Machine) => void)[] = []
  for (const [opcode, run] of Object.entries(table)) dense[Number(opcode)] = run
  return dense
}
