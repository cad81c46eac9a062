import type { Machine } from '../../machine.ts'
import { requireFit } from './arguments.ts'

/** The elements of an axis that one output is pooled from. */
export interface Window {
  readonly begin: number
  readonly count: number
  /** What a mean over them divides by. */
  readonly divisor: number
}

/** One axis of a pooling. */
export interface PoolAxis {
  readonly size: number
  /** Elements from one of a window to the next. */
  readonly step: number
  readonly windows: readonly Window[]
}

/** An axis that stays as it is: there is one element. */
export const SINGLE: PoolAxis = { size: 1, step: 1, windows: [{ begin: 0, count: 1, divisor: 1 }] }

/** What a pooling with windows of one size is called with. Lists have one number for each spatial dimension. */
export interface PoolOptions {
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
  /** A last window that begins inside, but ends outside. */
  readonly ceil: boolean
  /** Means count padding. */
  readonly countPadding: boolean
}

/** Windows as ATen/native/Pool.h lays them: padding is left out of them, it never counts but in divisors. */
export function slidingAxis(m: Machine, size: number, dim: number, options: PoolOptions): PoolAxis {
  const [kernel, stride, padding, dilation] = [options.kernel[dim]!, options.stride[dim]!, options.padding[dim]!, options.dilation[dim]!]
  requireFit(m, kernel > 0 && stride > 0 && dilation > 0, [kernel], [stride], [dilation])
  if (padding < 0 || padding > kernel >> 1) throw m.fail(`padding ${padding} must be at most half of the kernel's size ${kernel}`)
  const reach = dilation * (kernel - 1) + 1
  let outputs = Math.floor((size + 2 * padding - reach + (options.ceil ? stride - 1 : 0)) / stride) + 1
  if (options.ceil && (outputs - 1) * stride >= size + padding) outputs--
  requireFit(m, outputs > 0, [size], [reach])
  const windows = Array.from({ length: outputs }, (_, output) => {
    const start = output * stride - padding
    const skipped = start < 0 ? Math.ceil(-start / dilation) : 0
    const count = Math.max(Math.min(kernel, Math.ceil((size - start) / dilation)) - skipped, 0)
    const full = Math.min(start + kernel, size + padding) - start
    return { begin: start + skipped * dilation, count, divisor: options.countPadding ? full : Math.max(count, 1) }
  })
  return { size, step: dilation, windows }
}

/** Windows that divide an axis into as many parts as are asked for, which may overlap. */
export function adaptiveAxis(m: Machine, size: number, outputs: number): PoolAxis {
  requireFit(m, outputs >= 0 && size > 0, [size], [outputs])
  const windows = Array.from({ length: outputs }, (_, output) => {
    const begin = Math.floor(output * size / outputs)
    const count = Math.ceil((output + 1) * size / outputs) - begin
    return { begin, count, divisor: count }
  })
  return { size, step: 1, windows }
}
