import { DTYPES, numelOf, Tensor } from '../tensor.ts'
import { Device, PackedObject, ScriptObject, Tuple, type Value } from '../values.ts'
import type { LiteArchive } from './archive.ts'
import { broken } from './broken.ts'

/** Custom C++ classes. */
const CUSTOM = '__torch__.torch.classes.'
/** c10's DimVector takes no more. */
const MAX_DIMENSIONS = 64

/** A class or function by name. */
class Global {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** Where tensors lie, before the tensor. */
class StorageId {
  readonly parts: readonly Item[]

  constructor(parts: readonly Item[]) {
    this.parts = parts
  }
}

type Item = Value | Global | StorageId

/** How a pickle is read. */
export interface Unpickling {
  /** Where tensors' records lie: `data/`. */
  readonly folder?: string
  /** True for a class that fills its objects itself: they are left empty, and put on `unset` with their states. */
  readonly hasSetState?: (className: string) => boolean
  readonly unset?: [ScriptObject, Value][]
}

/**
 * Reads a pickle as TorchScript writes them (torch/csrc/jit/serialization/pickler.cpp) into values. Nothing is called: what a pickle may make is listed here.
 */
export function unpickle(archive: LiteArchive, name: string, options: Unpickling = {}): Value {
  const bytes = archive.bytes(name)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  let stack: Item[] = []
  const marks: Item[][] = []
  const memo: Item[] = []
  /** Files that PyTorch wrote and nobody damaged never get here, so one text does for most. */
  const fail = (why: string = `it is damaged at byte ${at}`): never => {
    throw broken(name, why)
  }
  const skip = (count: number): number => (at += count) - count
  const pop = (): Item => (stack.length > 0 ? stack.pop()! : fail())
  const top = (): Item => stack.at(-1)!
  const popMark = (): Item[] => {
    const items = stack
    stack = marks.pop() ?? fail()
    return items
  }
  const text = (length: number): string => new TextDecoder().decode(bytes.subarray(skip(length), at))
  const line = (): string => {
    const end = bytes.indexOf(10, at)
    const result = text(end - at)
    at++
    return result
  }
  const tuple = (items: Item[]): number => stack.push(new Tuple(items as Value[]))
  const list = (item: Item): Item[] => (Array.isArray(item) ? item as Item[] : fail())
  const number = (item: Item | undefined): number => (typeof item === 'bigint' && item >= 0n && item < 2n ** 40n ? Number(item) : fail())
  const numbers = (item: Item | undefined): number[] => (item instanceof Tuple ? item.items : list(item!)).map(number)

  const tensor = ([id, offset, sizes, strides]: readonly Item[]): Tensor => {
    const [, type, key, , count] = id instanceof StorageId ? id.parts : fail()
    if (!(type instanceof Global)) return fail()
    const { storage, dtype } = archive.storage((options.folder ?? '') + String(key), type.name.slice(type.name.lastIndexOf('.') + 1), number(count))
    const [begin, lengths, steps] = [number(offset), numbers(sizes), numbers(strides)]
    // The last element that is read must be there, too.
    const last = numelOf(lengths) === 0 ? 0 : lengths.reduce((sum, length, i) => sum + (length - 1) * steps[i]!, begin + 1)
    if (lengths.length !== steps.length || lengths.length > MAX_DIMENSIONS || last * DTYPES[dtype].bytes > storage.byteLength) fail()
    return new Tensor(storage, dtype, lengths, steps, begin)
  }

  /** What a call makes. */
  const reduce = (callee: Item, args: readonly Item[]): Item => {
    const called = callee instanceof Global ? callee.name : ''
    if (called === 'torch._utils._rebuild_tensor_v2') return tensor(args)
    if (called.startsWith('torch.jit._pickle.')) return args[0] as Value
    // Every tensor comes with an empty one, for its hooks.
    if (called === 'collections.OrderedDict') return new Map()
    if (called === 'torch.device') return new Device(String(args[0]))
    return fail(`it refers to '${called}', which no model for the lite interpreter does`)
  }
  const build = (object: Item, state: Value): void => {
    if (object instanceof PackedObject) object.state = state
    else if (!(object instanceof ScriptObject)) fail()
    else if (options.hasSetState?.(object.className)) options.unset!.push([object, state])
    else if (!(state instanceof Map)) fail()
    else {
      for (const [key, value] of state) {
        object.names.push(String(key))
        object.slots.push(value)
      }
    }
  }
  const setItems = (items: Item[], target: Item): void => {
    if (!(target instanceof Map)) fail()
    else for (let i = 0; i < items.length; i += 2) target.set(items[i] as Value, items[i + 1] as Value)
  }
  const create = (): Item => {
    pop()
    const callee = pop()
    const className = callee instanceof Global ? callee.name : fail()
    if (!className.startsWith('__torch__.')) fail(`it makes an object of '${className}'`)
    return className.startsWith(CUSTOM) ? new PackedObject(className, null) : new ScriptObject(className, [], [])
  }

  /** Opcodes of Python's pickletools. */
  const opcodes: Record<number, () => unknown> = {
    0x80: () => skip(1), // PROTO
    0x28: () => { marks.push(stack); stack = [] }, // MARK
    0x4e: () => stack.push(null),
    0x88: () => stack.push(true),
    0x89: () => stack.push(false),
    0x4b: () => stack.push(BigInt(bytes[skip(1)]!)),
    0x4d: () => stack.push(BigInt(view.getUint16(skip(2), true))),
    0x4a: () => stack.push(BigInt(view.getInt32(skip(4), true))),
    0x8a: () => { // LONG1
      const length = bytes[skip(1)]!
      let value = 0n
      for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!)
      skip(length)
      stack.push(length > 8 ? fail() : BigInt.asIntN(length * 8, value))
    },
    0x47: () => stack.push(view.getFloat64(skip(8))),
    0x58: () => stack.push(text(view.getUint32(skip(4), true))),
    0x8c: () => stack.push(text(bytes[skip(1)]!)),
    0x5d: () => stack.push([]),
    0x61: () => { const item = pop(); list(top()).push(item) }, // APPEND
    0x65: () => { const items = popMark(); for (const item of items) list(top()).push(item) }, // APPENDS
    0x29: () => tuple([]),
    0x74: () => { const items = popMark(); tuple(items) },
    0x85: () => tuple([pop()]),
    0x86: () => tuple([pop(), pop()].toReversed()),
    0x87: () => tuple([pop(), pop(), pop()].toReversed()),
    0x7d: () => stack.push(new Map()),
    0x73: () => { const value = pop(); setItems([pop(), value], top()) },
    0x75: () => { const items = popMark(); setItems(items, top()) },
    0x63: () => { const module = line(); stack.push(new Global(`${module}.${line()}`)) },
    0x71: () => { memo[bytes[skip(1)]!] = top() },
    0x72: () => { memo[view.getUint32(skip(4), true)] = top() },
    0x68: () => stack.push(memo[bytes[skip(1)]!]!),
    0x6a: () => stack.push(memo[view.getUint32(skip(4), true)]!),
    0x52: () => { const args = pop(); stack.push(reduce(pop(), args instanceof Tuple ? args.items : [])) },
    0x81: () => stack.push(create()), // NEWOBJ
    0x62: () => { const state = pop(); build(top(), state as Value) },
    0x51: () => { const id = pop(); stack.push(new StorageId(id instanceof Tuple ? id.items : [])) }, // BINPERSID
  }
  try {
    for (let opcode = bytes[at++]!; opcode !== 0x2e; opcode = bytes[at++]!) {
      const run = opcodes[opcode] ?? fail()
      run()
    }
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) fail()
    throw error
  }
  return top() as Value
}
