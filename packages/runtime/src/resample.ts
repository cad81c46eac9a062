import type { Placement } from './image-spec.ts'
import type { Pixels } from './pictures.ts'

/** Pillow's fixed point for the weights of bytes: Imaging/Resample.c, PRECISION_BITS. */
const BITS = 22

/** For each output pixel, the input pixels it is made of and their weights. */
interface Filter {
  readonly first: Int32Array
  readonly count: Int32Array
  /** `taps` for each output pixel. */
  readonly weights: Int32Array
  readonly taps: number
}

/**
 * Scales a picture to `placement` and gives the window of `width` x `height` at its origin, without alpha: 3 bytes for each pixel.
 * What the picture does not cover is `background`. The result is that of Pillow's `resize(…, BILINEAR)`, byte by byte: a triangle filter,
 * as wide as the scale, first along rows, then along columns, rounded to bytes in between.
 */
export function resample(
  { data, width: fromWidth, height: fromHeight }: Pixels, placement: Placement, width: number, height: number, background: readonly number[],
): Uint8ClampedArray {
  const result = new Uint8ClampedArray(width * height * 3)
  for (let i = 0; i < result.length; i++) result[i] = background[i % 3]!
  // The part of the window that the picture covers.
  const [left, right] = [Math.max(placement.left, 0), Math.min(placement.left + placement.width, width)]
  const [top, bottom] = [Math.max(placement.top, 0), Math.min(placement.top + placement.height, height)]
  if (left >= right || top >= bottom) return result

  const across = triangle(fromWidth, placement.width, left - placement.left, right - placement.left)
  const down = triangle(fromHeight, placement.height, top - placement.top, bottom - placement.top)
  const firstRow = down.first[0]!
  const rows = down.first[bottom - top - 1]! + down.count[bottom - top - 1]! - firstRow
  const columns = right - left

  const opaque = new Uint8Array(fromWidth * 3)
  const between = new Uint8Array(rows * columns * 3)
  for (let row = 0; row < rows; row++) {
    overBackground(data, (firstRow + row) * fromWidth * 4, opaque, background)
    for (let x = 0, to = row * columns * 3; x < columns; x++, to += 3) weigh(across, x, opaque, 0, 3, between, to)
  }
  for (let y = 0; y < bottom - top; y++) {
    for (let x = 0; x < columns; x++) {
      weigh(down, y, between, x * 3 - firstRow * columns * 3, columns * 3, result, ((top + y) * width + left + x) * 3)
    }
  }
  return result
}

/** One pixel: the weighted sum of those from `origin` on that the filter names, `step` apart. */
function weigh({ first, count, weights, taps }: Filter, at: number, from: Uint8Array, origin: number, step: number, to: Uint8Array | Uint8ClampedArray, index: number): void {
  let red = 1 << (BITS - 1)
  let green = red
  let blue = red
  for (let tap = 0, source = origin + first[at]! * step; tap < count[at]!; tap++, source += step) {
    const weight = weights[at * taps + tap]!
    red += from[source]! * weight
    green += from[source + 1]! * weight
    blue += from[source + 2]! * weight
  }
  to[index] = red >> BITS
  to[index + 1] = green >> BITS
  to[index + 2] = blue >> BITS
}

function triangle(from: number, to: number, begin: number, end: number): Filter {
  const scale = from / to
  const support = Math.max(scale, 1)
  const taps = Math.ceil(support) * 2 + 1
  const filter: Filter = { first: new Int32Array(end - begin), count: new Int32Array(end - begin), weights: new Int32Array((end - begin) * taps), taps }
  for (let i = begin; i < end; i++) {
    const center = (i + 0.5) * scale
    const first = Math.max(Math.trunc(center - support + 0.5), 0)
    const last = Math.min(Math.trunc(center + support + 0.5), from)
    const weights = Array.from({ length: last - first }, (_, tap) => Math.max(1 - Math.abs((tap + first - center + 0.5) / support), 0))
    const sum = weights.reduce((total, weight) => total + weight, 0)
    filter.first[i - begin] = first
    filter.count[i - begin] = weights.length
    filter.weights.set(weights.map((weight) => Math.trunc(0.5 + (weight / sum) * 2 ** BITS)), (i - begin) * taps)
  }
  return filter
}

/** One row without its alpha. */
function overBackground(data: Pixels['data'], offset: number, to: Uint8Array, background: readonly number[]): void {
  for (let i = 0, from = offset; i < to.length; i += 3, from += 4) {
    const alpha = data[from + 3]!
    for (let channel = 0; channel < 3; channel++) {
      const value = data[from + channel]!
      to[i + channel] = alpha === 255 ? value : Math.round((value * alpha + background[channel]! * (255 - alpha)) / 255)
    }
  }
}
