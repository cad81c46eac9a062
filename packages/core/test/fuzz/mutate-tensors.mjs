// Changes of what pickles say of tensors: their sizes, strides, offsets, types and data.
import { bare, globalOp, intOp, isGlobal, isInt, isString, stringOp, textOf } from './pickle.mjs'
import { changePickle } from './mutate-pickle.mjs'

const TYPES = [
  'Float', 'Double', 'Half', 'BFloat16', 'Long', 'Int', 'Short', 'Char', 'Byte', 'Bool', 'ComplexFloat', 'ComplexDouble', 'QInt8', 'QUInt8',
  'QInt32', 'QUInt4x2', 'Float8_e4m3fn', 'UInt16', 'Untyped', 'Nothing',
]

/** Changes one opcode of a tensor's description: those behind a `_rebuild_tensor_v2` or a storage, up to the call. */
function within(test, change) {
  return (file, random) => changePickle(file, random, (ops) => {
    const starts = ops.flatMap((op, at) => (isString(op) && textOf(op) === 'storage' ? [at] : []))
    // The word is written once and remembered; later tensors are found by their persistent ids.
    const ids = ops.flatMap(({ op }, at) => (op === 0x51 ? [at] : []))
    if (ids.length === 0) return undefined
    const id = random.pick([...ids, ...starts])
    const places = ops.flatMap((op, at) => (at > id - 14 && at < id + 26 && test(op, at - id) ? [at] : []))
    return places.length === 0 ? undefined : change(ops, random.pick(places), random)
  })
}

const isStorage = (op) => isGlobal(op) && op.arg.toString().endsWith('Storage\n')

/** Each changes a file and says how; undefined where there was nothing to change. */
export const tensorMutations = {
  number: within(isInt, (ops, at, random) => {
    const value = random.chance(0.4) ? random.edge() : BigInt(random.below(12))
    ops[at] = intOp(value)
    return `${at} is ${value}`
  }),
  scale: within(isInt, (ops, at, random) => {
    const { arg, op } = ops[at]
    const value = op === 0x8a ? arg.readBigInt64LE(1) : BigInt(arg.readUIntLE(0, arg.length))
    const factor = random.pick([2n, 4n, 8n, 0n, -1n])
    ops[at] = intOp(BigInt.asIntN(64, value * factor))
    return `${at} times ${factor}`
  }),
  exchange: within(isInt, (ops, at) => {
    const other = ops.findIndex((op, i) => i > at && isInt(op))
    if (other < 0) return undefined
    const op = ops[at]
    ops[at] = ops[other]
    ops[other] = op
    return `${at} and ${other}`
  }),
  dimension: within((op) => isInt(op) || op.op === 0x28, (ops, at, random) => {
    const value = BigInt(random.below(5))
    ops.splice(at + 1, 0, intOp(value))
    return `${value} behind ${at}`
  }),
  flatten: within(isInt, (ops, at) => {
    ops.splice(at, 1)
    return `without ${at}`
  }),
  type: within(isStorage, (ops, at, random) => {
    const type = random.pick(TYPES)
    ops[at] = globalOp('torch', `${type}Storage`)
    return `${at} is ${type}`
  }),
  key: within(isString, (ops, at, random) => {
    const key = random.pick(['0', '1', '2', '3', '99', '-1', '', '0.storage', '../constants/0', '00', 'cpu', 'cuda:0', 'meta'])
    const before = textOf(ops[at])
    ops[at] = stringOp(key)
    return `'${before}' is '${key}'`
  }),
  flag: within(({ op }) => op === 0x88 || op === 0x89, (ops, at, random) => {
    ops[at] = random.pick([bare(0x88), bare(0x89), bare(0x4e), intOp(1n)])
    return `${at}`
  }),
  rebuild: within((op) => isGlobal(op) && op.arg.toString().startsWith('torch._utils'), (ops, at, random) => {
    const name = random.pick(['_rebuild_tensor_v2', '_rebuild_qtensor', '_rebuild_sparse_tensor', '_rebuild_parameter', '_rebuild_meta_tensor_no_storage'])
    ops[at] = globalOp('torch._utils', name)
    return name
  }),
  data(file, random) {
    const storages = file.records.filter(({ name }) => /^(?:data|constants|bytecode)\/\d/.test(name))
    if (storages.length === 0) return undefined
    const record = random.pick(storages)
    record.data = Buffer.from(record.data)
    if (record.data.length === 0) return undefined
    const kind = random.below(4)
    if (kind === 0) record.data = record.data.subarray(0, random.below(record.data.length))
    else if (kind === 1) record.data = Buffer.concat([record.data, Buffer.from(random.bytes(1 + random.below(64)))])
    else if (kind === 2) record.data[random.below(record.data.length)] = random.below(256)
    else {
      const other = random.pick(storages)
      record.data = other.data
    }
    return `${record.name}, ${record.data.length} bytes`
  },
}
