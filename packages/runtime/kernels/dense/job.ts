/**
 * What a product is to do, as the caller writes it into memory: 36 numbers of four bytes, in this order.
 * The caller's side is src/ops/dense/job.ts.
 */

/** How output positions of one spatial dimension find their inputs: position `o`, tap `t` reads input `o * stride + offsets[t]`. */
@unmanaged
export class Axis {
  /** Inputs there are; others read as zeros. */
  size: i32
  /** Bytes from one input to the next. */
  inputStep: usize
  /** Outputs to compute. */
  count: i32
  /** Bytes from one output to the next. */
  outputStep: usize
  stride: i32
  taps: i32
  /** Address of as many i32 as there are taps. */
  offsets: usize
}

@unmanaged
export class Job {
  /** Limits of results: -Infinity and Infinity for none. */
  low: f32
  high: f32
  /** Address of the packed weights of all groups; see pack.ts. */
  panels: usize
  /** Taps of all axes together. */
  taps: i32
  /** Floats that one tap reads: channels of one group. */
  run: i32
  groups: i32
  /** Output channels of one group. */
  columns: i32
  /** Bytes from the first channel of a group to that of the next. */
  groupStep: usize
  /** Address of room for 6 * (3 + taps + taps * run) numbers: addresses, and copies of runs. */
  table: usize
  /** Address of zeros, as many as a pixel has channels. */
  zeros: usize
  input: usize
  output: usize
  batch: i32
  inputBatchStep: usize
  outputBatchStep: usize
}

/** The three spatial axes follow the job: depth, height, width. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function axis(job: Job, dim: i32): Axis {
  return changetype<Axis>(changetype<usize>(job) + offsetof<Job>() + dim * offsetof<Axis>())
}
