// Changes of pickles, opcode by opcode.
import {
  assemble, bare, BARE, disassemble, globalOp, intOp, isBare, isGlobal, isInt, isMemo, isString, stringOp, textOf,
} from './pickle.mjs'

/** Records that are read; those of debugging and others are not, so that changing them seldom matters. */
const PICKLES = ['data.pkl', 'data.pkl', 'data.pkl', 'constants.pkl', 'bytecode.pkl', 'bytecode.pkl', 'bytecode.pkl', 'traced_inputs.pkl']

const GLOBALS = [
  ['torch._utils', '_rebuild_tensor_v2'], ['torch._utils', '_rebuild_qtensor'], ['torch._utils', '_rebuild_sparse_tensor'], ['torch', 'device'],
  ['torch.jit._pickle', 'build_intlist'], ['torch.jit._pickle', 'build_tensorlist'], ['torch.jit._pickle', 'build_doublelist'],
  ['torch.jit._pickle', 'build_boollist'], ['torch.jit._pickle', 'restore_type_tag'], ['builtins', 'complex'], ['collections', 'OrderedDict'],
  ['torch', 'FloatStorage'], ['torch', 'LongStorage'], ['torch', 'QInt8Storage'], ['torch', 'BoolStorage'], ['os', 'system'],
  ['torch', 'per_tensor_affine'], ['torch', 'per_channel_affine'], ['__torch__.torch.classes.quantized', 'Conv2dPackedParamsBase'],
]
const STRINGS = [
  '', 'self', '__torch__', 'Tensor', 'List[int]', 'Dict[str, Tensor]', 'List[List[List[int]]]', 'Optional[Tensor]', 'cpu', 'cuda:0', 'storage', 'meta',
  'Tuple[]', 'List[', 'forward', 'constructor', '__proto__', 'toString', 'training', '\u0000', '😀', 'x'.repeat(5000), '0', '-1', '../data/0',
]

/** What another step has made longer is left as it is: its opcodes would take more memory than the compiler may. */
const MAX_BYTES = 2_000_000

/** The changed record's name and what `change` says of it; undefined where no record could be changed. */
export function changePickle(file, random, change) {
  const pickles = file.records.filter(({ name }) => PICKLES.includes(name))
  if (pickles.length === 0) return undefined
  const wanted = random.pick(PICKLES)
  const record = pickles.find(({ name }) => name === wanted) ?? random.pick(pickles)
  if (record.data.length > MAX_BYTES) return undefined
  const ops = disassemble(record.data)
  if (ops.length === 0) return undefined
  const what = change(ops, random, file)
  if (what === undefined) return undefined
  record.data = assemble(ops)
  return `${record.name}, ${what}`
}

function on(test, change) {
  return (file, random) => changePickle(file, random, (ops, _, whole) => {
    const places = ops.flatMap((op, at) => (test(op) ? [at] : []))
    return places.length === 0 ? undefined : change(ops, random.pick(places), random, whole)
  })
}

const anyOp = (file, random, change) => changePickle(file, random, (ops) => change(ops, random.below(ops.length)))
/** Before `at`; there may be more than fit into one call. */
function insertAll(ops, at, pieces) {
  const rest = ops.splice(at)
  for (const op of pieces) ops.push(op)
  for (const op of rest) ops.push(op)
}

const hex = ({ op }) => `0x${op.toString(16)}`

/** Each changes a file and says how; undefined where there was nothing to change. */
export const pickleMutations = {
  remove: (file, random) => anyOp(file, random, (ops, at) => `without ${at} ${hex(ops.splice(at, 1)[0])}`),
  repeat: (file, random) => anyOp(file, random, (ops, at) => {
    ops.splice(at, 0, ops[at])
    return `twice ${at} ${hex(ops[at])}`
  }),
  swap: (file, random) => anyOp(file, random, (ops, at) => {
    const other = random.chance(0.5) ? (at + 1) % ops.length : random.below(ops.length)
    const op = ops[at]
    ops[at] = ops[other]
    ops[other] = op
    return `${at} and ${other} exchanged`
  }),
  insert: (file, random) => anyOp(file, random, (ops, at) => {
    const op = random.pick([bare(random.pick(BARE)), intOp(random.edge()), stringOp(random.pick(STRINGS)), globalOp(...random.pick(GLOBALS)), random.pick(ops)])
    ops.splice(at, 0, op)
    return `${hex(op)} before ${at}`
  }),
  move: (file, random) => anyOp(file, random, (ops, at) => {
    const piece = ops.splice(at, 1 + random.below(12))
    const to = random.below(ops.length + 1)
    ops.splice(to, 0, ...piece)
    return `${piece.length} from ${at} to ${to}`
  }),
  copy: (file, random) => anyOp(file, random, (ops, at) => {
    const piece = ops.slice(at, at + 1 + random.below(30))
    const to = random.below(ops.length + 1)
    ops.splice(to, 0, ...piece)
    return `${piece.length} of ${at} again at ${to}`
  }),
  int: on(isInt, (ops, at, random) => {
    const value = random.chance(0.6) ? random.edge() : BigInt(random.below(20))
    ops[at] = intOp(value)
    return `${at} is ${value}`
  }),
  float: on(({ op }) => op === 0x47, (ops, at, random) => {
    const value = random.pick([0, -0, 1, -1, NaN, Infinity, -Infinity, 1e-300, 1e300, 0.5])
    const arg = Buffer.alloc(8)
    arg.writeDoubleBE(value)
    ops[at] = { op: 0x47, arg }
    return `${at} is ${value}`
  }),
  string: on(isString, (ops, at, random) => {
    const others = ops.filter(isString).map(textOf)
    const text = random.chance(0.6) ? random.pick(others) : random.pick(STRINGS)
    const before = textOf(ops[at])
    ops[at] = stringOp(text)
    return `'${before.slice(0, 40)}' is '${text.slice(0, 40)}'`
  }),
  global: on(isGlobal, (ops, at, random) => {
    const others = ops.filter(isGlobal)
    const op = random.chance(0.5) ? random.pick(others) : globalOp(...random.pick(GLOBALS))
    const before = ops[at].arg.toString().trim().replace('\n', '.')
    ops[at] = op
    return `${before} is ${op.arg.toString().trim().replace('\n', '.')}`
  }),
  memo: on(isMemo, (ops, at, random) => {
    const others = ops.filter(isMemo)
    const arg = Buffer.from(random.pick(others).arg)
    ops[at] = arg.length === 1 ? { op: random.pick([0x68, 0x71]), arg } : { op: random.pick([0x6a, 0x72]), arg }
    return `${at} ${hex(ops[at])} ${arg[0]}`
  }),
  bare: on(isBare, (ops, at, random) => {
    const before = hex(ops[at])
    ops[at] = bare(random.pick(BARE))
    return `${at} ${before} is ${hex(ops[at])}`
  }),
  boolean: on(({ op }) => op === 0x88 || op === 0x89 || op === 0x4e, (ops, at, random) => {
    ops[at] = bare(random.pick([0x88, 0x89, 0x4e]))
    return `${at} is ${hex(ops[at])}`
  }),
  nest: (file, random) => anyOp(file, random, (ops, at) => {
    const depth = random.pick([10, 300, 1100, 20_000])
    const [open, close] = random.pick([[[], [bare(0x85)]], [[bare(0x5d)], [bare(0x61)]], [[bare(0x5d), bare(0x28)], [bare(0x65)]]])
    const value = random.pick([bare(0x29), bare(0x5d), intOp(1n), bare(0x4e)])
    const repeat = (piece) => Array.from({ length: depth }, () => piece).flat()
    insertAll(ops, at, [...repeat(open), value, ...repeat(close)])
    return `${depth} deep before ${at}`
  }),
  many: (file, random) => anyOp(file, random, (ops, at) => {
    const count = random.chance(0.1) ? 500_000 : random.pick([100, 10_000])
    const piece = random.pick([bare(0x29), bare(0x32), bare(0x28), intOp(7n), bare(0x5d)])
    insertAll(ops, at, Array.from({ length: count }, () => piece))
    return `${count} ${hex(piece)} before ${at}`
  }),
  count: on(({ op }) => op === 0x58 || op === 0x8a, (ops, at, random) => {
    const arg = Buffer.from(ops[at].arg)
    if (ops[at].op === 0x58) arg.writeUInt32LE(Number(BigInt.asUintN(32, random.edge())))
    else arg[0] = random.below(256)
    ops[at] = { op: ops[at].op, arg }
    return `${at} says ${arg[0]}…`
  }),
  cycle: (file, random) => anyOp(file, random, (ops, at) => {
    const list = [bare(0x5d), { op: 0x72, arg: Buffer.from([99, 99, 0, 0]) }, bare(0x28), { op: 0x6a, arg: Buffer.from([99, 99, 0, 0]) }, bare(0x65)]
    ops.splice(at, 0, ...list)
    return `a list in itself before ${at}`
  }),
  share: (file, random) => anyOp(file, random, (ops, at) => {
    // Each level holds the one below twice: as a tree it is 2^depth values.
    const depth = random.pick([20, 60, 900])
    const levels = Array.from({ length: depth }, () => [bare(0x32), bare(0x86)]).flat()
    ops.splice(at, 0, bare(0x29), ...levels)
    return `2^${depth} before ${at}`
  }),
  splice(file, random) {
    const other = random.pick(file.corpus).records?.find(({ name }) => name === 'data.pkl' || name === 'bytecode.pkl')
    if (other === undefined) return undefined
    const theirs = disassemble(other.data)
    return anyOp(file, random, (ops, at) => {
      const from = random.below(theirs.length)
      const piece = theirs.slice(from, from + 1 + random.below(40))
      ops.splice(at, random.chance(0.5) ? piece.length : 0, ...piece)
      return `${piece.length} of another at ${at}`
    })
  },
}
