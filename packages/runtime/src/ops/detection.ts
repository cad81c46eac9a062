import { resizeKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { results, type Results } from '../values.ts'
import { orderOf } from './ordering.ts'
import { cast, fromIntegers, numbers } from './reading.ts'
import type { Int } from './views.ts'

// torchvision's operators (torchvision/csrc/ops/cpu). Boxes are x1, y1, x2, y2.

const { fround } = Math

/** Boxes, best score first, that do not overlap a better one too much. */
function nms(m: Machine, boxes: Tensor, scores: Tensor, threshold: number): Tensor {
  if (boxes.dim !== 2 || boxes.sizes[1] !== 4) throw m.fail(`boxes should be a 2d tensor of 4 columns, got [${boxes.sizes.join(', ')}]`)
  const count = boxes.sizes[0]!
  if (scores.numel !== count) throw m.fail(`${count} boxes have ${scores.numel} scores`)
  const at = Float64Array.from(numbers(m, boxes))
  const values = numbers(m, scores).slice()
  const order = orderOf(boxes.dtype === 'float64' ? values : Float32Array.from(values), 0, count, true)
  // In the arithmetic of the boxes' type, so that the same pairs are above the threshold.
  const round = boxes.dtype === 'float64' ? Number : fround
  const size = (i: number): number => round(at[i + 2]! - at[i]!)
  const areas = Float64Array.from({ length: count }, (_, i) => round(size(4 * i) * size(4 * i + 1)))
  const gone = new Uint8Array(count)
  const kept: number[] = []
  for (let n = 0; n < count; n++) {
    const i = order[n]!
    if (gone[i]) continue
    kept.push(i)
    const [x1, y1, x2, y2, area] = [at[4 * i]!, at[4 * i + 1]!, at[4 * i + 2]!, at[4 * i + 3]!, areas[i]!]
    for (let next = n + 1; next < count; next++) {
      const j = order[next]!
      if (gone[j]) continue
      const width = round(Math.min(x2, at[4 * j + 2]!) - Math.max(x1, at[4 * j]!))
      const height = round(Math.min(y2, at[4 * j + 3]!) - Math.max(y1, at[4 * j + 1]!))
      const overlap = width > 0 && height > 0 ? round(width * height) : 0
      if (round(overlap / round(round(area + areas[j]!) - overlap)) > threshold) gone[j] = 1
    }
  }
  return fromIntegers(m, kept)
}

/** What the kernel adds up: numbers of elements in a plane, and their weights. */
interface Taps {
  readonly numbers: Uint32Array
  readonly weights: Float32Array
}

/** A region of interest in the feature map. */
interface Region {
  readonly image: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

type Pair = readonly [down: number, across: number]

/** The neighbours of a coordinate, and how far it is from the first one to the second. */
function between(value: number, size: number): [low: number, high: number, part: number] {
  const inside = Math.max(value, 0)
  const low = Math.floor(inside)
  return low >= size - 1 ? [size - 1, size - 1, 0] : [low, low + 1, fround(inside - low)]
}

/** Four neighbours of a point with their weights; outside of the picture all weights are 0. */
function neighbours(y: number, x: number, [height, width]: Pair, scale: number, to: Taps, at: number): void {
  if (y < -1 || y > height || x < -1 || x > width) return
  const [top, bottom, down] = between(y, height)
  const [left, right, along] = between(x, width)
  to.numbers.set([top * width + left, top * width + right, bottom * width + left, bottom * width + right], at)
  to.weights.set([(1 - down) * (1 - along) * scale, (1 - down) * along * scale, down * (1 - along) * scale, down * along * scale], at)
}

function regionOf(boxes: ArrayLike<number>, i: number, scale: number, offset: number, least: number): Region {
  const at = (k: number): number => fround(fround(boxes[5 * i + k]! * fround(scale)) - offset)
  const [x1, y1, x2, y2] = [at(1), at(2), at(3), at(4)]
  return { image: boxes[5 * i]!, x: x1, y: y1, width: Math.max(fround(x2 - x1), least), height: Math.max(fround(y2 - y1), least) }
}

/** Samples in each cell of a region's grid. */
function tapsOf({ x, y }: Region, [cellHeight, cellWidth]: Pair, [rows, columns]: Pair, map: Pair, cells: Pair): Taps {
  const samples = rows * columns
  const count = cells[0] * cells[1] * samples * 4
  const result = { numbers: new Uint32Array(count), weights: new Float32Array(count) }
  let at = 0
  for (let row = 0; row < cells[0]; row++) {
    for (let column = 0; column < cells[1]; column++) {
      for (let j = 0; j < rows; j++) {
        for (let i = 0; i < columns; i++) {
          const [sampleY, sampleX] = [y + (row + (j + 0.5) / rows) * cellHeight, x + (column + (i + 0.5) / columns) * cellWidth]
          neighbours(fround(sampleY), fround(sampleX), map, 1 / samples, result, at)
          at += 4
        }
      }
    }
  }
  return result
}

function roiAlign(m: Machine, input: Tensor, boxes: Tensor, scale: number, rows: Int, columns: Int, ratio: Int, aligned: boolean): Tensor {
  const source = m.contiguous(cast(m, input, 'float32'))
  const [, channels, height, width] = input.sizes as [number, number, number, number]
  const cells = [Number(rows), Number(columns)] as const
  const rois = Float64Array.from(numbers(m, boxes))
  const count = boxes.sizes[0]!
  const result = m.empty([count, channels, ...cells])
  const bins = cells[0] * cells[1]
  let room = { address: 0, bytes: 0 }
  for (let i = 0; i < count; i++) {
    const region = regionOf(rois, i, scale, aligned ? 0.5 : 0, aligned ? -Infinity : 1)
    const cell: Pair = [fround(region.height / cells[0]), fround(region.width / cells[1])]
    const samples: Pair = Number(ratio) > 0 ? [Number(ratio), Number(ratio)] : [Math.ceil(cell[0]), Math.ceil(cell[1])]
    const first = m.address(result) + i * channels * bins * 4
    if (samples[0] <= 0 || samples[1] <= 0) {
      m.f32.fill(0, first / 4, first / 4 + channels * bins)
      continue
    }
    const { numbers: places, weights } = tapsOf(region, cell, samples, [height, width], cells)
    const bytes = places.length * 8
    // All regions take the same room, which grows with the largest.
    if (bytes > room.bytes) room = { address: m.scratch(2 * bytes), bytes: 2 * bytes }
    const at = room.address
    m.i32.set(places, at / 4)
    m.f32.set(weights, at / 4 + places.length)
    const from = m.address(source) + region.image * channels * height * width * 4
    m.kernels['vector']!['weightedTaps']!(first, from, at, at + places.length * 4, channels, height * width, bins, places.length / bins)
  }
  return cast(m, result, input.dtype)
}

/** Where a cell begins and ends, inside of the map. */
function cellOf(index: number, size: number, begin: number, limit: number): [begin: number, end: number] {
  const clip = (value: number): number => Math.min(Math.max(value + begin, 0), limit)
  return [clip(Math.floor(fround(index * size))), clip(Math.ceil(fround((index + 1) * size)))]
}

/** Maxima of a region's cells, and where they were. */
function roiPool(m: Machine, input: Tensor, boxes: Tensor, scale: number, rows: Int, columns: Int): Results {
  const source = Float64Array.from(numbers(m, input))
  const rois = numbers(m, boxes).slice()
  const [, channels, height, width] = input.sizes as [number, number, number, number]
  const [down, across] = [Number(rows), Number(columns)]
  const sizes = [boxes.sizes[0]!, channels, down, across]
  const maxima = new Float64Array(sizes.reduce((a, b) => a * b, 1))
  const places = new Int32Array(maxima.length).fill(-1)
  let at = 0
  for (let i = 0; i < sizes[0]!; i++) {
    const corner = (k: number): number => roundAway(fround(rois[5 * i + k]! * fround(scale)))
    const [x1, y1, x2, y2] = [corner(1), corner(2), corner(3), corner(4)]
    const [cellHeight, cellWidth] = [fround(Math.max(y2 - y1 + 1, 1) / down), fround(Math.max(x2 - x1 + 1, 1) / across)]
    for (let channel = 0; channel < channels; channel++) {
      const plane = (rois[5 * i]! * channels + channel) * height * width
      for (let row = 0; row < down; row++) {
        const [top, bottom] = cellOf(row, cellHeight, y1, height)
        for (let column = 0; column < across; column++, at++) {
          const [left, right] = cellOf(column, cellWidth, x1, width)
          if (bottom <= top || right <= left) continue
          maxima[at] = -Infinity
          for (let y = top; y < bottom; y++) {
            for (let x = left; x < right; x++) {
              const value = source[plane + y * width + x]!
              if (value <= maxima[at]!) continue
              maxima[at] = value
              places[at] = y * width + x
            }
          }
        }
      }
    }
  }
  return results(cast(m, m.tensor('float64', sizes, maxima), input.dtype), cast(m, fromIntegers(m, places, sizes), 'int32'))
}

/** C's `round`: halves go away from 0. */
const roundAway = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5)

const detection: Family = {
  name: 'detection',
  kernels: [resizeKernels],
  operators: {
    'torchvision::nms(dets, scores, iou_threshold)': nms,
    'torchvision::roi_align(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, aligned)': roiAlign,
    'torchvision::roi_pool(input, rois, spatial_scale, pooled_height, pooled_width)': roiPool,
    'torchvision::_cuda_version()': () => -1n,
  },
}

export default detection
