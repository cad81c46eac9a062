import { describe, expect, test } from 'vitest'
import { anyClass, archiveInMemory, errorCode, fixture } from '../../../test/support/archive.ts'
import { bytesSource } from '../archive/byte-source.ts'
import { PickleWriter } from '../archive/pickle-writer.ts'
import { openArchive, type Archive } from '../archive/zip-reader.ts'
import type { IValue } from '../ir/ivalue.ts'
import { TENSOR_LIMITS } from './tensor-values.ts'
import { bytecodePickle, unpickleModule, unpickleRecords } from './unpickle.ts'

const open = (name: string): Promise<Archive> => openArchive(bytesSource(fixture(`archive/${name}`)))

function slot(value: IValue, name: string): IValue {
  const found = value.tag === 'Object' ? value.slots.get(name) : undefined
  if (found === undefined) throw new Error(`no attribute ${name}`)
  return found
}
const elements = (value: IValue): readonly IValue[] => value.tag === 'List' || value.tag === 'Tuple' ? value.elements : []
const scalars = (value: IValue): unknown[] => elements(value).map((element) => 'value' in element ? element.value : element)
function tensor(value: IValue): Extract<IValue, { tag: 'Tensor' }>['value'] {
  if (value.tag !== 'Tensor') throw new Error(`a ${value.tag}`)
  return value.value
}

describe('a module with attributes of every type', async () => {
  const { root, constants, devices } = await unpickleModule(await open('values.pt'), anyClass())

  test('scalars, lists, dicts and tuples, with their types', () => {
    expect(constants).toEqual([])
    expect(devices).toEqual(['cpu'])
    const ints = [0n, 255n, 256n, 65535n, 65536n, -1n, 2n ** 31n - 1n, 2n ** 31n, -(2n ** 63n), 2n ** 63n - 1n]
    expect(scalars(slot(root, 'ints'))).toEqual(ints)
    expect(slot(root, 'floats')).toMatchObject({ elementType: { kind: 'FloatType' } })
    expect(scalars(slot(root, 'floats'))).toEqual([0, -0, 1e300, Infinity, 0.1])
    expect(slot(root, 'bools')).toMatchObject({ elementType: { kind: 'BoolType' } })
    expect(scalars(slot(root, 'strings'))).toEqual(['', 'a', 'a', 'ünï\n"\'', 'x'.repeat(300)])
    expect(slot(root, 'nested')).toMatchObject({ elementType: { kind: 'ListType', element: { kind: 'IntType' } } })
    expect(slot(root, 'empty')).toEqual({ tag: 'List', elementType: { kind: 'StringType' }, elements: [] })
    expect(slot(root, 'optional')).toEqual({ tag: 'None' })
    expect(slot(root, 'table')).toMatchObject({
      keyType: { kind: 'StringType' }, valueType: { kind: 'IntType' },
      entries: [[{ value: 'one' }, { value: 1n }], [{ value: 'two' }, { value: 2n }], [{ value: '__proto__' }, { value: 3n }]],
    })
    expect(slot(root, 'pair')).toMatchObject({ type: { elements: [{ kind: 'IntType' }, { kind: 'StringType' }] } })
    expect(slot(root, 'complex')).toEqual({ tag: 'ComplexDouble', real: 1, imag: -2 })
    expect(slot(root, 'device')).toEqual({ tag: 'Device', value: 'cpu' })
    expect(slot(root, 'color')).toMatchObject({ tag: 'Enum', name: 'BLUE', value: { value: 2n } })
  })

  test('sharing of objects, tensors and storages', () => {
    expect(tensor(slot(slot(root, 'part'), 'weight')).storage).toBe(tensor(slot(slot(root, 'same_part'), 'weight')).storage)
    const [whole, part, turned] = elements(slot(root, 'tensors')).map(tensor)
    expect(new Set([whole!.storage, part!.storage, turned!.storage]).size).toBe(1)
    expect([part!.sizes, part!.strides, part!.storageOffset]).toEqual([[2], [1], 1])
    expect([turned!.sizes, turned!.strides]).toEqual([[2, 2], [1, 2]])
  })

  test('tensors of every element type, read up front where small', async () => {
    const types = {
      half: 'Half', bfloat16: 'BFloat16', float64: 'Double', int8: 'Char', uint8: 'Byte', int16: 'Short', int32: 'Int', bool: 'Bool',
      complex64: 'ComplexFloat',
    }
    for (const [name, scalarType] of Object.entries(types)) {
      expect(tensor(slot(root, `as_${name}`))).toMatchObject({ scalarType, sizes: [2, 2], strides: [2, 1], requiresGrad: false })
    }
    const bytes = tensor(slot(root, 'as_int16')).storage
    expect(bytes.resident).toEqual(new Uint8Array([1, 0, 0, 0, 2, 0, 1, 0]))
    expect(await bytes.read(4, 8)).toEqual(new Uint8Array([2, 0, 1, 0]))
    expect(tensor(slot(root, 'scalar'))).toMatchObject({ sizes: [], strides: [] })
    expect(tensor(slot(root, 'nothing'))).toMatchObject({ sizes: [0, 3], storage: { byteLength: 0 } })
    expect(tensor(slot(root, 'expanded'))).toMatchObject({ sizes: [4, 3], strides: [0, 1] })
    expect(tensor(slot(slot(root, 'part'), 'weight')).requiresGrad).toBe(true)
  })

  test('quantized tensors', () => {
    const perTensor = { scheme: 'per_tensor_affine', scale: 0.5, zeroPoint: 3n }
    expect(tensor(slot(root, 'quantized'))).toMatchObject({ scalarType: 'QUInt8', quantizer: perTensor })
    const { quantizer } = tensor(slot(root, 'per_channel'))
    expect(quantizer).toMatchObject({ scheme: 'per_channel_affine', axis: 0n })
    expect(quantizer).toMatchObject({ scales: { scalarType: 'Double' }, zeroPoints: { scalarType: 'Long' } })
  })
})

test('keeps the state of modules that pickle themselves', async () => {
  const { root } = await unpickleModule(await open('quantized.pt'), anyClass())
  const conv = slot(root, '1')
  expect(conv).toMatchObject({ tag: 'Object', pickledState: { tag: 'Tuple' } })
  expect(conv.tag === 'Object' && conv.slots.size).toBe(0)
})

test('keeps packed weights of the lite interpreter as their state, over shared storages', async () => {
  const archive = await open('optimized.ptl')
  const pickles = [{ name: 'constants.pkl', storages: 'constants/' }, bytecodePickle(archive)]
  const { values } = await unpickleRecords(archive, pickles, anyClass())
  const constant = elements(values[0]!)[0]!
  const type = { name: '__torch__.torch.classes.xnnpack.Conv2dOpContext', torchbind: true }
  expect(constant).toMatchObject({ tag: 'CustomObject', type })
  const method = elements(elements(values[1]!)[1]!)
  const inBytecode = elements(elements(elements(method[1]!)[2]!)[1]!).find((value) => value.tag === 'CustomObject')
  if (constant.tag !== 'CustomObject' || inBytecode?.tag !== 'CustomObject') throw new Error('no packed weights')
  expect(tensor(elements(inBytecode.state)[0]!).storage).toBe(tensor(elements(constant.state)[0]!).storage)
})

// --- hand-made archives

interface Described {
  key: string
  numel: bigint
  sizes: bigint[]
  strides: bigint[]
  offset?: bigint
  device?: string
  type?: string
}

/** `data.pkl` of a tuple of float tensors over the given records. */
function tensors(...list: readonly Described[]): Uint8Array {
  const w = new PickleWriter()
  w.mark()
  for (const { key, numel, sizes, strides, offset = 0n, device = 'cpu', type = 'FloatStorage' } of list) {
    w.global('torch._utils', '_rebuild_tensor_v2')
    w.mark()
    w.mark()
    w.string('storage')
    w.global('torch', type)
    w.string(key)
    w.string(device)
    w.int(numel)
    w.tuple()
    w.persistentId()
    w.int(offset)
    for (const numbers of [sizes, strides]) {
      w.mark()
      for (const number of numbers) w.int(number)
      w.tuple()
    }
    w.bool(false)
    w.global('collections', 'OrderedDict')
    w.shortTuple(0)
    w.reduce()
    w.tuple()
    w.reduce()
  }
  w.tuple()
  return w.finish()
}

async function load(pickle: Uint8Array, files: Readonly<Record<string, Uint8Array>> = {}): Promise<IValue> {
  const { root } = await unpickleModule(archiveInMemory({ 'data.pkl': pickle, ...files }), anyClass())
  return root
}

test('keeps objects, lists and tensors that are shared the same values', async () => {
  const w = new PickleWriter()
  w.mark()
  w.qualified('__torch__.Net')
  w.newObject()
  w.emptyDict()
  w.build()
  const object = w.put()
  w.global('torch.jit._pickle', 'build_intlist')
  w.emptyList()
  w.shortTuple(1)
  w.reduce()
  const list = w.put()
  w.get(object)
  w.get(list)
  w.tuple()
  const [firstObject, firstList, secondObject, secondList] = elements(await load(w.finish()))
  expect([firstObject?.tag, firstList?.tag]).toEqual(['Object', 'List'])
  expect(secondObject).toBe(firstObject)
  expect(secondList).toBe(firstList)
})

async function identities(): Promise<string[]> {
  const { root } = await unpickleModule(await open('values.pt'), anyClass())
  return elements(slot(root, 'tensors')).map((value) => tensor(value).storage.identity)
}

describe('identity of storages', () => {
  const one = { numel: 4n, sizes: [4n], strides: [1n] }
  const large = TENSOR_LIMITS.residentBytes + 4
  const many = { numel: BigInt(large / 4), sizes: [1n], strides: [1n] }

  test('is equal for equal bytes only, and never by checksum alone', async () => {
    const archive = archiveInMemory({
      'data.pkl': tensors({ key: '0', ...one }, { key: '1', ...one }, { key: '2', ...one }, { key: '3', ...many }, { key: '4', ...many }),
      'data/0': new Uint8Array(16).fill(1), 'data/1': new Uint8Array(16).fill(1), 'data/2': new Uint8Array(16).fill(2),
      'data/3': new Uint8Array(large).fill(3), 'data/4': new Uint8Array(large).fill(4),
    })
    const lying = new Map([...archive.records].map(([name, record]) => [name, { ...record, crc32: 7 }]))
    const { root } = await unpickleModule({ root: 'x', records: lying }, anyClass())
    const [a, b, c, d, e] = elements(root).map((value) => tensor(value).storage)
    expect(a!.identity).toBe(b!.identity)
    expect(a).not.toBe(b)
    expect(new Set([a, c, d, e].map((storage) => storage!.identity)).size).toBe(4)
    expect([a!.resident?.length, d!.resident]).toEqual([16, undefined])
  })

  test('does not depend on anything but the file', async () => {
    expect(await identities()).toEqual(await identities())
  })
})

/** `module.name('echo')` */
function calling(module: string, name: string): Uint8Array {
  const w = new PickleWriter()
  w.global(module, name)
  w.string('echo')
  w.shortTuple(1)
  w.reduce()
  return w.finish()
}

/** A tuple in a tuple, so many times. */
function nested(levels: number): Uint8Array {
  const w = new PickleWriter()
  w.none()
  for (let i = 0; i < levels; i++) w.shortTuple(1)
  return w.finish()
}

describe('refuses', () => {
  const data = { 'data/0': new Uint8Array(24) }
  const fine = { key: '0', numel: 6n, sizes: [2n, 3n], strides: [3n, 1n] }
  const huge = 2n ** 62n

  test.each<[string, string | undefined, Partial<Described>]>([
    ['nothing of a good tensor', undefined, {}],
    ['nothing of an empty view at the end', undefined, { sizes: [0n, 3n], offset: 6n }],
    ['an offset beyond the data', 'BROKEN_TENSOR', { offset: 1n }],
    ['sizes beyond the data', 'BROKEN_TENSOR', { sizes: [3n, 3n] }],
    ['strides beyond the data', 'BROKEN_TENSOR', { strides: [4n, 1n] }],
    ['nothing of two elements in a byte', undefined, { type: 'QUInt4x2Storage', numel: 24n, sizes: [6n, 8n], strides: [8n, 1n] }],
    ['half a byte beyond the data', 'BROKEN_TENSOR', { type: 'QUInt4x2Storage', numel: 24n, sizes: [7n, 7n], strides: [7n, 1n] }],
    ['nothing of four elements in a byte', undefined, { type: 'QUInt2x4Storage', numel: 24n, sizes: [6n, 16n], strides: [16n, 1n] }],
    ['products that no number holds', 'BROKEN_TENSOR', { sizes: [2n ** 40n, 2n ** 40n] }],
    ['a repeated element, too often', 'BROKEN_TENSOR', { sizes: [2n ** 40n, 3n], strides: [0n, 1n] }],
    ['a size that no number holds', 'BROKEN_TENSOR', { sizes: [huge, 1n] }],
    ['a negative size', 'BROKEN_TENSOR', { sizes: [-1n, 3n] }],
    ['a negative stride', 'BROKEN_TENSOR', { strides: [3n, -1n] }],
    ['sizes and strides that differ in number', 'BROKEN_TENSOR', { strides: [1n] }],
    ['too many dimensions', 'BROKEN_TENSOR', { sizes: Array<bigint>(65).fill(1n), strides: Array<bigint>(65).fill(1n) }],
    ['a count that does not fit the record', 'BROKEN_TENSOR', { numel: 5n }],
    ['a count from nowhere', 'BROKEN_TENSOR', { numel: huge }],
    ['a record that is missing', 'MISSING_RECORD', { key: '../0' }],
    ['the meta device', 'UNSUPPORTED_TENSOR', { device: 'meta' }],
    ['an element type from the future', 'UNSUPPORTED_TENSOR', { type: 'Float8_e4m3fnStorage' }],
  ])('%s', async (_, code, change) => {
    expect(await errorCode(() => load(tensors({ ...fine, ...change }), data))).toBe(code)
  })

  test.each([
    ['os', 'system'], ['builtins', 'eval'], ['torch', 'load'], ['torch._utils', '__proto__'], ['', 'constructor'],
    ['torch.jit._pickle', 'build_tensor_from_id'],
  ])('a call of %s.%s, and names it', async (module, name) => {
    expect(await errorCode(() => load(calling(module, name)))).toBe('FORBIDDEN_GLOBAL')
    await expect(load(calling(module, name))).rejects.toThrow(`${module}.${name}`)
  })

  test('sparse tensors, by name', async () => {
    await expect(load(calling('torch._utils', '_rebuild_sparse_tensor'))).rejects.toThrow('sparse')
  })

  test('a class that is used without being made', async () => {
    const w = new PickleWriter()
    w.qualified('__torch__.Net')
    expect(await errorCode(() => load(w.finish()))).toBe('FORBIDDEN_GLOBAL')
  })

  test('a model of a big-endian machine', async () => {
    const w = new PickleWriter()
    w.none()
    const pickle = w.finish()
    expect(await errorCode(() => load(pickle, { byteorder: new TextEncoder().encode('little') }))).toBe(undefined)
    expect(await errorCode(() => load(pickle, { byteorder: new TextEncoder().encode('big') }))).toBe('BIG_ENDIAN_MODEL')
  })

  test('values nested to the limit convert; one more does not', async () => {
    expect(await errorCode(() => load(nested(1000)))).toBe(undefined)
    expect(await errorCode(() => load(nested(1001)))).toBe('PICKLE_LIMIT')
  })
})

test('a damaged byte anywhere in a pickle is read or refused, never anything else', async () => {
  const archive = await open('values.pt')
  const record = archive.records.get('data.pkl')!
  const good = await record.read()
  let refused = 0
  for (let at = 0; at < good.length; at += 3) {
    const bad = good.slice()
    bad[at] = bad[at]! ^ (1 << (at % 8))
    const records = new Map(archive.records).set('data.pkl', { ...record, read: async () => bad })
    if (await errorCode(() => unpickleModule({ root: archive.root, records }, anyClass())) !== undefined) refused++
  }
  expect(refused).toBeGreaterThan(good.length / 30)
})
