// Pickles as lists of opcodes, so that they can be changed without losing their form.

/** How the argument of an opcode is read: bytes, a length of so many bytes before it, or lines. */
const FIXED = { 0x80: 1, 0x4b: 1, 0x4d: 2, 0x4a: 4, 0x47: 8, 0x71: 1, 0x72: 4, 0x68: 1, 0x6a: 4, 0x95: 8 }
const COUNTED = { 0x58: 4, 0x8c: 1, 0x8d: 8, 0x55: 1, 0x54: 4, 0x43: 1, 0x42: 4, 0x8e: 8, 0x96: 8, 0x8a: 1, 0x8b: 4 }
const GLOBAL = 0x63

/** Opcodes without an argument, those that PyTorch's reader does not know among them. */
export const BARE = [
  0x28, 0x30, 0x31, 0x32, 0x4e, 0x88, 0x89, 0x5d, 0x6c, 0x61, 0x65, 0x29, 0x74, 0x85, 0x86, 0x87, 0x7d, 0x64, 0x73, 0x75, 0x8f, 0x90,
  0x91, 0x93, 0x94, 0x52, 0x81, 0x92, 0x62, 0x51, 0x2e,
]

/** [{op, arg}] of a pickle that is valid as far as it is read; what follows its end is lost. */
export function disassemble(pickle) {
  const bytes = Buffer.from(pickle)
  const ops = []
  for (let at = 0; at < bytes.length;) {
    const op = bytes[at++]
    let end = at + (FIXED[op] ?? 0)
    if (COUNTED[op] !== undefined) end = at + COUNTED[op] + Number(uint(bytes.subarray(at, at + Math.min(COUNTED[op], 6))))
    if (op === GLOBAL) end = bytes.indexOf(10, bytes.indexOf(10, at) + 1) + 1
    // A pickle may have been broken before.
    if (end < at || end > bytes.length) end = bytes.length
    ops.push({ op, arg: bytes.subarray(at, end) })
    at = end
    if (op === 0x2e) break
  }
  return ops
}

const uint = (bytes) => bytes.reduceRight((value, byte) => value * 256 + byte, 0)

/** The bytes of a list of opcodes. */
export function assemble(ops) {
  return Buffer.concat(ops.flatMap(({ op, arg }) => [Buffer.from([op]), arg]))
}

const EMPTY = Buffer.alloc(0)

/** An opcode without an argument. */
export const bare = (op) => ({ op, arg: EMPTY })

/** An integer in the shortest form that PyTorch writes; beyond 64 bits in a longer one. */
export function intOp(value) {
  if (value >= 0n && value < 256n) return { op: 0x4b, arg: Buffer.from([Number(value)]) }
  if (value >= 0n && value < 65536n) return { op: 0x4d, arg: Buffer.from([Number(value & 255n), Number(value >> 8n)]) }
  const bytes = value >= -(1n << 31n) && value < 1n << 31n ? 4 : 8
  const arg = Buffer.alloc(bytes + (bytes === 8 ? 1 : 0))
  if (bytes === 4) arg.writeInt32LE(Number(value))
  else {
    arg[0] = 8
    arg.writeBigInt64LE(BigInt.asIntN(64, value), 1)
  }
  return { op: bytes === 4 ? 0x4a : 0x8a, arg }
}

/** A string. */
export function stringOp(text) {
  const utf8 = Buffer.from(text)
  const arg = Buffer.alloc(4 + utf8.length)
  arg.writeUInt32LE(utf8.length)
  utf8.copy(arg, 4)
  return { op: 0x58, arg }
}

/** A name: `torch FloatStorage`. */
export const globalOp = (module, name) => ({ op: GLOBAL, arg: Buffer.from(`${module}\n${name}\n`) })

export const isInt = ({ op }) => op === 0x4b || op === 0x4d || op === 0x4a || op === 0x8a
export const isString = ({ op }) => op === 0x58
export const isGlobal = ({ op }) => op === GLOBAL
export const isMemo = ({ op }) => op === 0x71 || op === 0x72 || op === 0x68 || op === 0x6a
export const isBare = ({ op }) => BARE.includes(op)

/** The text of a string opcode. */
export const textOf = ({ arg }) => arg.toString('utf8', 4)
