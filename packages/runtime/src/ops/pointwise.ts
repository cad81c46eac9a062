import { fromHalf, toHalf } from '../half.ts'
import { collapse, forEachOffset, type Machine } from '../machine.ts'
import type { Implementation, OperatorTable } from '../operator.ts'
import { contiguousStrides, type Dtype, DTYPES, isContiguous, sameSizes, Tensor } from '../tensor.ts'
import type { Scalar, Value } from '../values.ts'
import { createElements, type Elements, gather, isFloating, item, scatter, toInt64, wrapInt } from './elements.ts'
import { canCast, floatType, resultType } from './promotion.ts'

/** A tensor, or a number that counts for all elements. */
export type Operand = Tensor | Scalar

/** What is done to each element. */
export interface Operation {
  /** On numbers; on bigints too, unless there is `ints`. Gets up to three operands. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- numbers or bigints, as the operands' common type is
  readonly each: (a: any, b: any, c: any) => number | bigint | boolean
  /** On ints and bools, as bigints. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- bigints
  readonly ints?: (a: any, b: any, c: any) => number | bigint | boolean
  /** The kernel for float32, and numbers for it. */
  readonly kernel?: string
  readonly parameters?: readonly number[]
  /** The type of the result, unless it is the operands' common type: of floats (ints become floats first), or bool. */
  readonly result?: 'float' | 'bool'
}

/** Elements that are worked on at once. */
const CHUNK = 2048

/**
 * Applies an operation to all elements of operands that are broadcast to one another. The result has the type that PyTorch gives it, and
 * is written to `out` when there is one. `dtype` is the type to compute in, unless it is the operands' common type.
 */
export function pointwise(m: Machine, operation: Operation, operands: readonly Operand[], out?: Tensor, dtype?: Dtype): Tensor {
  const flat = operation.kernel && (dtype ?? 'float32') === 'float32' ? runFlat(m, operation, operands, out) : undefined
  return flat ?? run(m, operation, operands, out, dtype ?? resultType(operands))
}

/** The common case, without ado: floats that all lie alike, and numbers. Undefined where it is another one. */
function runFlat(
  m: Machine, { kernel, parameters = [] }: Operation, operands: readonly Operand[], out: Tensor | undefined,
): Tensor | undefined {
  const like = out ?? operands.find((each) => each instanceof Tensor)
  if (!like || kernel === 'where' || !isContiguous(like)) return undefined
  const channelsLast = m.isChannelsLast(like)
  for (const each of out ? [out, ...operands] : operands) {
    if (!(each instanceof Tensor)) continue
    const alike = each.dtype === 'float32' && sameSizes(each.sizes, like.sizes) && isContiguous(each)
    if (!alike || (each.storage.channelsLast !== undefined) !== channelsLast || (channelsLast && !m.isChannelsLast(each))) return undefined
  }
  if (out) m.writing(out)
  const result = out ?? m.emptyLike(like)
  if (like.numel === 0) return result
  const steps: number[] = []
  const addresses = operands.map((each, i) => {
    steps.push(0, each instanceof Tensor ? 1 : 0)
    return each instanceof Tensor ? m.address(each) : writeNumber(m, i, each)
  })
  m.kernels['vector']![kernel!]!(m.address(result), ...addresses, 1, like.numel, 0, ...steps, ...parameters)
  return result
}

/** Where kernels find numbers, in each machine's memory. */
const numbers = new WeakMap<Machine, number>()
/** As many as an operation has operands. */
const NUMBERS_BYTES = 16

/** Writes a number to where a kernel can read it; an address. */
function writeNumber(m: Machine, position: number, value: Scalar): number {
  let address = numbers.get(m)
  if (address === undefined) numbers.set(m, address = m.memory.reserve(NUMBERS_BYTES))
  m.f32[address / 4 + position] = Number(value)
  return address + 4 * position
}

function run(m: Machine, operation: Operation, operands: readonly Operand[], out: Tensor | undefined, dtype: Dtype): Tensor {
  const common = operation.result === 'float' ? floatType(dtype) : dtype
  const natural = operation.result === 'bool' ? 'bool' : common
  const sizes = broadcastSizes(m, operands)
  if (out) prepareOut(m, out, sizes, natural)
  const type = out?.dtype ?? natural
  const kernel = common === 'float32' && type === 'float32' ? operation.kernel : undefined
  const ready = kernel ? operands.map((each, i) => toFloat32(m, each, kernel === 'where' && i === 0)) : operands
  const plan = arrange(m, sizes, ready, type, common, out)
  if (plan.result.numel === 0) return plan.result
  if (kernel) runKernel(m, kernel, operation.parameters ?? [], plan)
  else runLoop(m, operation, plan, common)
  return plan.result
}

/** Sizes and strides in the order in which the elements of the result lie. */
interface Plan {
  readonly result: Tensor
  readonly operands: readonly Operand[]
  readonly sizes: readonly number[]
  /** Of the result, then of the operands. */
  readonly strides: readonly (readonly number[])[]
}

/** The shape that all operands have after broadcasting. */
export function broadcastSizes(m: Machine, operands: readonly Operand[]): readonly number[] {
  let result: readonly number[] = []
  for (const operand of operands) {
    if (!(operand instanceof Tensor) || sameSizes(operand.sizes, result)) continue
    const [a, b] = operand.dim >= result.length ? [operand.sizes, result] : [result, operand.sizes]
    const offset = a.length - b.length
    result = a.map((size, i) => {
      const other = b[i - offset] ?? 1
      if (size === other || other === 1) return size
      if (size === 1) return other
      throw m.fail(`The size of tensor a (${size}) must match the size of tensor b (${other}) at non-singleton dimension ${i}`)
    })
  }
  return result
}

/** Strides of a tensor as if it had `sizes`: 0 where it is repeated. */
export function broadcastStrides(tensor: Pick<Tensor, 'sizes' | 'strides'>, sizes: readonly number[]): number[] {
  const offset = sizes.length - tensor.sizes.length
  return sizes.map((size, i) => i < offset || (tensor.sizes[i - offset] === 1 && size !== 1) ? 0 : tensor.strides[i - offset]!)
}

function prepareOut(m: Machine, out: Tensor, sizes: readonly number[], natural: Dtype): void {
  if (!sameSizes(out.sizes, sizes)) {
    throw m.fail(`output with shape [${out.sizes.join(', ')}] doesn't match the broadcast shape [${sizes.join(', ')}]`)
  }
  if (!canCast(natural, out.dtype)) throw m.fail(`result type ${natural} can't be cast to the desired output type ${out.dtype}`)
  m.writing(out)
}

/** Kernels read float32; conditions are bytes. */
function toFloat32(m: Machine, operand: Operand, condition: boolean): Operand {
  if (!(operand instanceof Tensor) || operand.dtype === 'float32' || condition) return operand
  return operand.dim === 0 ? item(m, operand) : pointwise(m, { each: (a: number) => a }, [operand], m.empty(operand.sizes), operand.dtype)
}

function arrange(
  m: Machine, sizes: readonly number[], operands: readonly Operand[], type: Dtype, common: Dtype, out: Tensor | undefined,
): Plan {
  if (type === 'float32' && common === 'float32' && sizes.length > 2) {
    const plan = arrangeChannelsLast(m, sizes, operands, out)
    if (plan) return plan
  }
  const all = out ? [out, ...operands] : operands
  const tensors = all.filter((each) => each instanceof Tensor)
  for (const tensor of tensors) m.plain(tensor)
  const strides = all.map((each) => each instanceof Tensor ? broadcastStrides(each, sizes) : sizes.map(() => 0))
  const simple = tensors.every((each) => isContiguous(each))
  const order = simple ? sizes.map((_, i) => i) : orderOf(sizes, strides)
  const ordered = order.map((dim) => sizes[dim]!)
  const result = out ?? restride(m.empty(ordered, type), sizes, order)
  if (!out) strides.unshift(broadcastStrides(result, sizes))
  return { result, operands, sizes: ordered, strides: strides.map((each) => order.map((dim) => each[dim]!)) }
}

/** An uninitialised tensor with the order of dimensions that another one has, as `empty_like` makes it. Keeps channels-last. */
export function emptyAs(m: Machine, tensor: Tensor, dtype: Dtype = tensor.dtype): Tensor {
  if (isContiguous(tensor)) return m.emptyLike(tensor, dtype)
  const order = orderOf(tensor.sizes, [tensor.strides])
  return restride(m.empty(order.map((dim) => tensor.sizes[dim]!), dtype), tensor.sizes, order)
}

/** Writes the elements of a tensor, broadcast and converted as C++ does, to another one. The caller has announced the writing. */
export function copyTo(m: Machine, from: Tensor, to: Tensor): Tensor {
  const alike = isContiguous(from) && isContiguous(to) && sameSizes(from.sizes, to.sizes) && m.isChannelsLast(from) === m.isChannelsLast(to)
  // Storages that lie channels-last and are no whole tensors of theirs are seen through strides.
  if (alike) for (const each of [from, to]) if (!m.isChannelsLast(each)) m.plain(each)
  if (from.dtype === to.dtype && alike) {
    const begin = m.address(from)
    m.u8.copyWithin(m.address(to), begin, begin + from.numel * DTYPES[from.dtype].bytes)
  } else if (from.dtype === to.dtype) {
    m.assign(to, from.view(to.sizes, broadcastStrides(from, to.sizes)))
  } else if (alike && isSimple(from.dtype) && isSimple(to.dtype)) {
    convert(m.elements(from) as Float32Array, m.elements(to) as Float32Array)
  } else {
    // Ints of 64 bits stay exact; what is smaller is exact in doubles, too.
    const plan = arrange(m, to.sizes, [from], to.dtype, from.dtype, to)
    if (to.numel > 0) runLoop(m, { each: (x) => x }, plan, from.dtype, true)
  }
  return to
}

/** Types that typed arrays convert by themselves. */
const isSimple = (dtype: Dtype): boolean => dtype !== 'int64' && dtype !== 'float16' && dtype !== 'bool'

function convert(from: Float32Array, to: Float32Array): void {
  for (let i = 0; i < from.length; i++) to[i] = from[i]!
}

function restride(tensor: Tensor, sizes: readonly number[], order: readonly number[]): Tensor {
  return order.every((dim, i) => dim === i) ? tensor : tensor.view(sizes, sizes.map((_, dim) => tensor.strides[order.indexOf(dim)]!))
}

/** All operands of the full size can be brought channels-last, and one is. */
function arrangeChannelsLast(
  m: Machine, sizes: readonly number[], operands: readonly Operand[], out: Tensor | undefined,
): Plan | undefined {
  const isFull = (each: Tensor): boolean => sameSizes(each.sizes, sizes)
  const full = operands.filter((each) => each instanceof Tensor).filter(isFull)
  const isLast = [...full, ...(out ? [out] : [])].some((each) => m.isChannelsLast(each))
  if (!isLast || full.some((each) => each.dtype !== 'float32')) return undefined
  if (out && m.toChannelsLast(out) !== out) return undefined
  const ready = operands.map((each) => !(each instanceof Tensor) ? each : isFull(each) ? m.toChannelsLast(each) : m.plain(each))
  // Operands may be views of one storage, which lies in one way only.
  const fits = ready.every((each) =>
    !(each instanceof Tensor) || (isFull(each) ? m.isChannelsLast(each) : each.storage.channelsLast === undefined))
  if (!fits || (out && !m.isChannelsLast(out))) return undefined
  const order = [0, ...sizes.slice(2).map((_, i) => i + 2), 1]
  const ordered = order.map((dim) => sizes[dim]!)
  const whole = contiguousStrides(ordered)
  const strides = ready.map((each) => {
    if (!(each instanceof Tensor)) return ordered.map(() => 0)
    if (isFull(each)) return whole
    const logical = broadcastStrides(each, sizes)
    return order.map((dim) => logical[dim]!)
  })
  return { result: out ?? m.emptyChannelsLast(sizes), operands: ready, sizes: ordered, strides: [whole, ...strides] }
}

/**
 * The order of dimensions, outermost first, in which the operands lie: what TensorIterator gives a new result, so that a permuted tensor
 * stays permuted (TensorIteratorBase::reorder_dimensions).
 */
function orderOf(sizes: readonly number[], strides: readonly (readonly number[])[]): number[] {
  const compare = (a: number, b: number): number => {
    for (const each of strides) {
      if (each[a] === 0 || each[b] === 0) continue
      if (each[a] !== each[b]) return each[a]! - each[b]!
      if (sizes[a]! > sizes[b]!) return 1
    }
    return 0
  }
  const order = sizes.map((_, i) => sizes.length - 1 - i)
  for (let i = 1; i < order.length; i++) {
    let at = i
    for (let other = i - 1; other >= 0; other--) {
      const difference = compare(order[other]!, order[at]!)
      if (difference < 0) break
      if (difference > 0) {
        [order[other], order[at]] = [order[at]!, order[other]!]
        at = other
      }
    }
  }
  return order.toReversed()
}

/** Calls a kernel for float32 on rows of columns. */
function runKernel(m: Machine, name: string, parameters: readonly number[], plan: Plan): void {
  const { result, sizes } = plan
  const inner = sizes.findLastIndex((size) => size !== 1)
  const direct = inner < 0 || plan.strides[0]![inner] === 1
  const target = direct ? result : m.empty(sizes)
  const strides = [direct ? plan.strides[0]! : target.strides]
  // Kernels step from column to column by one element or, with more operands than one, not at all.
  const fits = (step: number): boolean => step === 1 || (step === 0 && plan.operands.length > 1)
  const operands = plan.operands.map((operand, i) => {
    const own = plan.strides[i + 1]!
    if (!(operand instanceof Tensor) || inner < 0 || fits(own[inner]!)) {
      strides.push(own)
      return operand
    }
    const repeated = (dim: number): boolean => dim !== inner && own[dim] === 0
    const copy = m.copy(operand.view(sizes.map((size, dim) => repeated(dim) ? 1 : size), own))
    strides.push(copy.strides.map((stride, dim) => repeated(dim) ? 0 : stride))
    return copy
  })
  const addresses = operands.map((operand, i) => operand instanceof Tensor ? m.address(operand) : writeNumber(m, i, operand))
  const walk = collapse(sizes, strides)
  const bytes = [4, ...operands.map((operand) => operand instanceof Tensor && operand.dtype !== 'float32' ? 1 : 4)]
  const steps = walk.strides.flatMap((own, i) => [(own.at(-2) ?? 0) * bytes[i]!, own.at(-1) ?? 0])
  steps.splice(1, 1)
  const kernel = m.kernels['vector']![name]!
  const rows = walk.sizes.at(-2) ?? 1
  const columns = walk.sizes.at(-1) ?? 1
  const bases = [m.address(target), ...addresses]
  forEachOffset(walk.sizes.slice(0, -2), walk.strides, (offsets) => {
    kernel(...bases.map((base, i) => base + offsets[i]! * bytes[i]!), rows, columns, ...steps, ...parameters)
  })
  if (!direct) {
    const inOrder = target.view(sizes, target.strides)
    m.assign(result.view(sizes, plan.strides[0]!), inOrder)
  }
}

/** Every other type: elements are brought to JavaScript's numbers, some at a time, and back. */
function runLoop(
  m: Machine, { each, ints = each, result: kind }: Operation, plan: Plan, common: Dtype, small: boolean = kind === 'bool',
): void {
  const { sizes, strides } = collapse(plan.sizes, plan.strides)
  // The longest dimension is walked innermost, as a row costs more than its elements when it is short.
  const longest = sizes.length > 0 ? sizes.indexOf(Math.max(...sizes)) : -1
  const [length = 1] = longest < 0 ? [] : sizes.splice(longest, 1)
  const steps = strides.map((own) => longest < 0 ? 0 : own.splice(longest, 1)[0]!)
  const chunk = Math.min(length, CHUNK)
  const buffers = plan.operands.map((operand) => {
    const buffer = createElements(common, chunk, small)
    if (operand instanceof Tensor) return buffer
    const float = common === 'float16' ? fromHalf(toHalf(Number(operand))) : Number(operand)
    const value = isFloating(common) ? float : wrapInt(toInt64(operand), common)
    return buffer instanceof BigInt64Array ? buffer.fill(value as bigint) : buffer.fill(Number(value))
  })
  const results = kind === 'bool' ? new Uint8Array(chunk) : createElements(common, chunk, small)
  const apply = buffers[0] instanceof BigInt64Array ? ints : each
  const bases = [plan.result, ...plan.operands].map((operand) => operand instanceof Tensor ? m.index(operand) : 0)
  forEachOffset(sizes, strides, (offsets) => {
    for (let start = 0; start < length; start += CHUNK) {
      const count = Math.min(CHUNK, length - start)
      for (const [i, operand] of plan.operands.entries()) {
        if (!(operand instanceof Tensor)) continue
        const step = steps[i + 1]!
        gather(m, operand.dtype, bases[i + 1]! + offsets[i + 1]! + start * step, step, buffers[i]!, count)
        // Only a tensor without dimensions can be of a wider type than the common one.
        if (operand.dim === 0) narrow(buffers[i]!, common, count)
      }
      if (results instanceof Uint8Array) decide(apply, buffers, results, count)
      else compute(apply, buffers, results, count)
      scatter(m, plan.result.dtype, bases[0]! + offsets[0]! + start * steps[0]!, steps[0]!, results, count)
    }
  })
}

function narrow(values: Elements, dtype: Dtype, count: number): void {
  if (isFloating(dtype)) return
  if (values instanceof BigInt64Array) values.fill(wrapInt(values[0]!, dtype), 0, count)
  else values.fill(Number(wrapInt(BigInt(values[0]!), dtype)), 0, count)
}

function compute(apply: Operation['each'], [a, b = a, c = a]: readonly Elements[], results: Elements, count: number): void {
  for (let i = 0; i < count; i++) results[i] = apply(a![i], b![i], c![i]) as never
}

/** Comparisons; a typed array takes truth more slowly than numbers. */
function decide(apply: Operation['each'], [a, b = a, c = a]: readonly Elements[], results: Uint8Array, count: number): void {
  for (let i = 0; i < count; i++) results[i] = apply(a![i], b![i], c![i]) ? 1 : 0
}

/** An operator with the tensor that its result is to be written to, if there is one, before its arguments. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- every operator names the types of its own arguments
export type Form = (m: Machine, out: Tensor | undefined, ...args: any[]) => Value

/**
 * The forms of an operator: a new result, in place (`add_.Tensor`), and written to an argument, whose overload is `out`; none, where that
 * is empty. The schema is in short, without `aten::`.
 */
export function forms(schema: string, run: Form, out: string = 'out'): OperatorTable {
  const [, name, overload = '', args] = /^(\w+)(\.\w+)?\((.*)\)$/.exec(schema)!
  const table: Record<string, Implementation> = { [`aten::${schema}`]: (m, ...values) => run(m, undefined, ...values) }
  if (args!.startsWith('self')) table[`aten::${name}_${overload}(${args})`] = (m, self: Tensor, ...values) => run(m, self, self, ...values)
  if (out) table[`aten::${name}.${out}(${args}, out!)`] = (m, ...values) => run(m, values.pop() as Tensor, ...values)
  return table
}

/** The forms of operators on one tensor that have no other arguments. */
export function unaries(operations: Readonly<Record<string, Operation>>): OperatorTable {
  return Object.assign({}, ...Object.entries(operations).map(([names, operation]) =>
    Object.assign({}, ...names.split(' ').map((name) =>
      forms(`${name}(self)`, (m, out, self: Tensor) => pointwise(m, operation, [self], out)))))) as OperatorTable
}

