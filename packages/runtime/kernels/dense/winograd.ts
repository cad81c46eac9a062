/**
 * Convolution with 3x3 kernels, stride 1, by Winograd's minimal filtering F(2x2, 3x3) (Lavin and Gray, arXiv:1509.09308): a tile of 2x2
 * outputs takes 16 products for each pair of channels instead of 36. All factors are 0, 1/2 and 1, so that results round about as those of
 * the plain sum do.
 *
 * The 16 products of all tiles of a block are 16 matrix products: tiles x input channels x output channels.
 */
import { axis, Job } from './job'
import { clamp } from './madd'
import { product } from './product'
import { COLUMNS, PANEL_ROW } from './tile'

/** Numbers of a transformed tile. */
const POINTS: i32 = 16

/** Bytes of the packed weights of one point. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function pointBytes(columns: i32, depth: i32): usize {
  return PANEL_ROW * ((columns + COLUMNS - 1) / COLUMNS) * (1 + depth)
}

/**
 * Transforms 3x3 weights and packs them as `pack` does: 16 matrices, one after the other. `to` holds zeros.
 * @param bias address of `columns` floats, or 0. It is added to point 5, which is added to all four outputs.
 */
export function packWinograd(
  from: usize, to: usize, bias: usize, columns: i32, columnStep: usize, depth: i32, valueStep: usize, rowStep: usize, tapStep: usize,
): void {
  const step = pointBytes(columns, depth)
  for (let column = 0; column < columns; column++) {
    let target = to + (column / COLUMNS) * (1 + depth) * PANEL_ROW + ((column % COLUMNS) << 2)
    if (bias) store<f32>(target + 5 * step, load<f32>(bias + (column << 2)))
    for (let k = 0; k < depth; k++) {
      target += PANEL_ROW
      const g = from + column * columnStep + k * valueStep
      for (let row = 0; row < 4; row++) {
        const x = mixed(g, rowStep, row)
        const y = mixed(g + tapStep, rowStep, row)
        const z = mixed(g + 2 * tapStep, rowStep, row)
        const at = target + row * 4 * step
        store<f32>(at, x)
        store<f32>(at + step, (x + y + z) * 0.5)
        store<f32>(at + 2 * step, (x - y + z) * 0.5)
        store<f32>(at + 3 * step, z)
      }
    }
  }
}

/** A column of the kernel times one row of the transform of weights. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function mixed(g: usize, rowStep: usize, row: i32): f32 {
  const x = load<f32>(g)
  const y = load<f32>(g + rowStep)
  const z = load<f32>(g + 2 * rowStep)
  if (row == 0) return x
  if (row == 3) return z
  return (x + (row == 1 ? y : -y) + z) * 0.5
}

/**
 * Convolves as {@link product} does, with weights of `packWinograd`. Of depth there is one position; channels and columns are multiples
 * of four.
 * @param inner a job for matrix products: run, columns, table, zeros and steps of its rows are set
 * @param scratch address of `block * 16 * (run + columns)` floats
 */
export function winograd(job: Job, inner: Job, scratch: usize, block: i32): void {
  const h = axis(job, 1)
  const w = axis(job, 2)
  const tilesH = (h.count + 1) >> 1
  const tilesW = (w.count + 1) >> 1
  const total = job.batch * tilesH * tilesW
  const step = pointBytes(job.columns, job.run)
  const rows = axis(inner, 2)
  for (let first = 0; first < total; first += block) {
    const count = min(block, total - first)
    const inputStep = <usize>(count * job.run) << 2
    const outputStep = <usize>(count * job.columns) << 2
    const products = scratch + POINTS * inputStep
    for (let tile = 0; tile < count; tile++) {
      const at = first + tile
      transformInput(job, at / (tilesH * tilesW), (at / tilesW) % tilesH, at % tilesW, scratch + (<usize>(tile * job.run) << 2), inputStep)
    }
    rows.size = count
    rows.count = count
    for (let point = 0; point < POINTS; point++) {
      inner.panels = job.panels + point * step
      inner.input = scratch + point * inputStep
      inner.output = products + point * outputStep
      product(inner)
    }
    for (let tile = 0; tile < count; tile++) {
      const at = first + tile
      const from = products + (<usize>(tile * job.columns) << 2)
      transformOutput(job, at / (tilesH * tilesW), (at / tilesW) % tilesH, at % tilesW, from, outputStep)
    }
  }
}

/** Writes the 16 points of a tile's inputs, `step` bytes apart. */
function transformInput(job: Job, n: i32, th: i32, tw: i32, to: usize, step: usize): void {
  const h = axis(job, 1)
  const w = axis(job, 2)
  const row = 2 * th + load<i32>(h.offsets)
  const column = 2 * tw + load<i32>(w.offsets)
  const image = job.input + n * job.inputBatchStep
  // The table has room for the 16 pixels of the tile.
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 4; j++) {
      const inside = <u32>(row + i) < <u32>h.size && <u32>(column + j) < <u32>w.size
      store<usize>(job.table + ((i * 4 + j) << 2), inside ? image + (row + i) * h.inputStep + (column + j) * w.inputStep : job.zeros)
    }
  }
  const bytes = <usize>job.run << 2
  transformRow(job.table, 0, 32, -1, to, step, bytes)
  transformRow(job.table, 16, 32, 1, to + 4 * step, step, bytes)
  transformRow(job.table, 32, 16, -1, to + 8 * step, step, bytes)
  transformRow(job.table, 16, 48, -1, to + 12 * step, step, bytes)
}

/** Four points of all channels: one row of pixels plus or minus another, which are then combined along the row. */
function transformRow(table: usize, a: usize, b: usize, sign: i32, to: usize, step: usize, bytes: usize): void {
  const a0 = load<usize>(table + a), a1 = load<usize>(table + a, 4), a2 = load<usize>(table + a, 8), a3 = load<usize>(table + a, 12)
  const b0 = load<usize>(table + b), b1 = load<usize>(table + b, 4), b2 = load<usize>(table + b, 8), b3 = load<usize>(table + b, 12)
  const factor = f32x4.splat(<f32>sign)
  for (let at: usize = 0; at < bytes; at += 16) {
    const x0 = f32x4.add(v128.load(a0 + at), f32x4.mul(factor, v128.load(b0 + at)))
    const x1 = f32x4.add(v128.load(a1 + at), f32x4.mul(factor, v128.load(b1 + at)))
    const x2 = f32x4.add(v128.load(a2 + at), f32x4.mul(factor, v128.load(b2 + at)))
    const x3 = f32x4.add(v128.load(a3 + at), f32x4.mul(factor, v128.load(b3 + at)))
    v128.store(to + at, f32x4.sub(x0, x2))
    v128.store(to + at + step, f32x4.add(x1, x2))
    v128.store(to + at + 2 * step, f32x4.sub(x2, x1))
    v128.store(to + at + 3 * step, f32x4.sub(x1, x3))
  }
}

/** Makes the (up to) four outputs of a tile from its 16 products, `step` bytes apart. */
function transformOutput(job: Job, n: i32, th: i32, tw: i32, from: usize, step: usize): void {
  const h = axis(job, 1)
  const w = axis(job, 2)
  const low = f32x4.splat(job.low)
  const high = f32x4.splat(job.high)
  const output = job.output + n * job.outputBatchStep + 2 * th * h.outputStep + 2 * tw * w.outputStep
  const right = 2 * tw + 1 < w.count
  const below = 2 * th + 1 < h.count
  const bytes = <usize>job.columns << 2
  for (let at: usize = 0; at < bytes; at += 16) {
    const p = from + at
    const q = p + 4 * step
    const r = p + 8 * step
    const s = p + 12 * step
    // Rows first: 0 + 1 + 2 and 1 - 2 - 3; then columns alike.
    let x1 = v128.load(q), x2 = v128.load(r)
    const t0 = f32x4.add(v128.load(p), f32x4.add(x1, x2)), u0 = f32x4.sub(f32x4.sub(x1, x2), v128.load(s))
    x1 = v128.load(q + step)
    x2 = v128.load(r + step)
    const t1 = f32x4.add(v128.load(p + step), f32x4.add(x1, x2)), u1 = f32x4.sub(f32x4.sub(x1, x2), v128.load(s + step))
    x1 = v128.load(q + 2 * step)
    x2 = v128.load(r + 2 * step)
    const t2 = f32x4.add(v128.load(p + 2 * step), f32x4.add(x1, x2)), u2 = f32x4.sub(f32x4.sub(x1, x2), v128.load(s + 2 * step))
    x1 = v128.load(q + 3 * step)
    x2 = v128.load(r + 3 * step)
    const t3 = f32x4.add(v128.load(p + 3 * step), f32x4.add(x1, x2)), u3 = f32x4.sub(f32x4.sub(x1, x2), v128.load(s + 3 * step))
    const o = output + at
    v128.store(o, clamp(f32x4.add(t0, f32x4.add(t1, t2)), low, high))
    if (right) v128.store(o + w.outputStep, clamp(f32x4.sub(f32x4.sub(t1, t2), t3), low, high))
    if (below) v128.store(o + h.outputStep, clamp(f32x4.add(u0, f32x4.add(u1, u2)), low, high))
    if (right && below) v128.store(o + h.outputStep + w.outputStep, clamp(f32x4.sub(f32x4.sub(u1, u2), u3), low, high))
  }
}
