import type { Machine } from '../../machine.ts'

/** One spatial dimension: output `o` reads, for each tap, input `o * stride + offset`; inputs outside of `0 … size - 1` are zeros. */
export interface Axis {
  readonly size: number
  /** Bytes from one input to the next. */
  readonly inputStep: number
  /** Outputs to compute. */
  readonly count: number
  /** Bytes from one output to the next. */
  readonly outputStep: number
  readonly stride: number
  readonly offsets: readonly number[]
}

/** A matrix product or a convolution, as the kernels `product` and `depthwise` read it (kernels/dense/job.ts). */
export interface Job {
  /** Limits of results: -Infinity and Infinity for none. */
  readonly low: number
  readonly high: number
  /** Address of packed weights. */
  readonly panels: number
  /** Input channels of a group. */
  readonly run: number
  readonly groups: number
  /** Output channels of a group. */
  readonly columns: number
  readonly input: number
  readonly output: number
  readonly batch: number
  /** Bytes from one image to the next. */
  readonly inputBatchStep: number
  readonly outputBatchStep: number
  /** Depth, height and width. */
  readonly axes: readonly [Axis, Axis, Axis]
}

/** Kernels that read a job. */
export type DenseKernel = 'product' | 'depthwise' | 'winograd'

/** Numbers of a job, and of one axis. */
const JOB_NUMBERS = 15
const AXIS_NUMBERS = 7
/** Rows of a tile, at most. */
const ROWS = 6

/** Runs up to so long are copied together (kernels/dense/product.ts). */
const SHORT = 32

/** An axis of which there is one position. */
export const POINT: Axis = { size: 1, inputStep: 0, count: 1, outputStep: 0, stride: 1, offsets: [0] }

/** Bytes of weights packed for `product`: for each group and each panel of eight columns, biases and weights. */
export function panelBytes(groups: number, columns: number, depth: number): number {
  return groups * Math.ceil(columns / 8) * (1 + depth) * 32
}

/** Runs a kernel. */
export function runJob(m: Machine, kernel: 'product' | 'depthwise', job: Job): void {
  const address = writeJob(m, job)
  m.kernels['dense']![kernel]!(address)
}

/** Writes a job into scratch memory; its address. */
export function writeJob(m: Machine, job: Job): number {
  const { axes } = job
  const taps = axes.reduce((product, { offsets }) => product * offsets.length, 1)
  const zeros = job.groups * job.run
  const offsetsAt = JOB_NUMBERS + AXIS_NUMBERS * axes.length
  const tableAt = offsetsAt + axes.reduce((sum, { offsets }) => sum + offsets.length, 0)
  // Addresses for every tap, and copies of runs where they are short.
  const zerosAt = tableAt + ROWS * (3 + taps + (job.run <= SHORT ? taps * job.run : 0))
  const address = m.scratch((zerosAt + zeros) * 4)
  const numbers = m.i32.subarray(address >> 2, (address >> 2) + zerosAt + zeros)
  numbers.fill(0, zerosAt)
  numbers.set([
    0, 0, job.panels, taps, job.run, job.groups, job.columns, job.run * 4, address + tableAt * 4, address + zerosAt * 4,
    job.input, job.output, job.batch, job.inputBatchStep, job.outputBatchStep,
  ])
  m.f32.set([job.low, job.high], address >> 2)
  let at = JOB_NUMBERS
  let next = offsetsAt
  for (const { size, inputStep, count, outputStep, stride, offsets } of axes) {
    numbers.set([size, inputStep, count, outputStep, stride, offsets.length, address + next * 4], at)
    numbers.set(offsets, next)
    at += AXIS_NUMBERS
    next += offsets.length
  }
  return address
}

/** A job on a matrix: `rows` rows of `run` floats, `rowStep` bytes from one to the next. The output's rows follow each other. */
export function matrixJob(
  input: number, rows: number, rowStep: number, run: number, panels: number, columns: number, output: number,
  low: number = -Infinity, high: number = Infinity,
): Job {
  const width: Axis = { size: rows, inputStep: rowStep, count: rows, outputStep: columns * 4, stride: 1, offsets: [0] }
  const axes = [POINT, POINT, width] as const
  return { low, high, panels, run, groups: 1, columns, input, output, batch: 1, inputBatchStep: 0, outputBatchStep: 0, axes }
}
