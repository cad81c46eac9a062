import { axis, Job } from './job'
import { pack } from './pack'
import { COLUMNS, multiply, PANEL_ROW, ROWS, TABLE_ROW } from './tile'

/** Bytes of weights that all rows are multiplied with before the next ones are: they should stay in the second-level cache. */
const CHUNK: usize = 160 * 1024

/** Runs up to so long are copied together: a loop that ends so soon is often mispredicted. */
const SHORT: i32 = 32

/** An output position. */
let batch: i32 = 0
let depth: i32 = 0
let height: i32 = 0
let width: i32 = 0

/**
 * Computes a matrix product or a convolution (plain, strided, dilated, grouped, transposed, of one to three dimensions), as the job says.
 * Values are not copied, short runs excepted: the table of a tile tells where those of its rows lie.
 */
export function product(job: Job): void {
  const perGroup = (job.columns + COLUMNS - 1) / COLUMNS
  const panels = perGroup * job.groups
  const panelBytes = PANEL_ROW * (1 + job.taps * job.run)
  const chunk = max(1, <i32>(CHUNK / panelBytes))
  const gathers = job.groups == 1 && job.taps > 1 && job.run <= SHORT
  const table = gathers ? job.table + TABLE_ROW * (1 + job.taps) : job.table
  const taps = gathers ? 1 : job.taps
  const run = gathers ? job.taps * job.run : job.run
  const total = job.batch * axis(job, 0).count * axis(job, 1).count * axis(job, 2).count
  for (let first = 0; first < panels; first += chunk) {
    const last = min(first + chunk, panels)
    batch = depth = height = width = 0
    for (let row = 0; row < total; row += ROWS) {
      const rows = min(ROWS, total - row)
      fillTable(job, rows)
      if (gathers) gather(job, table)
      let group = first / perGroup
      let column = (first - group * perGroup) * COLUMNS
      for (let panel = first; panel < last; panel++) {
        const start = <usize>(group * job.columns + column) << 2
        multiply(rows, job, table, taps, run, group * job.groupStep, job.panels + panel * panelBytes, start, job.columns - column)
        column += COLUMNS
        if (column >= job.columns) {
          column = 0
          group++
        }
      }
    }
  }
}

/** Writes the addresses of the next `rows` output positions; the last one is repeated until the table is full. */
function fillTable(job: Job, rows: i32): void {
  const d = axis(job, 0)
  const h = axis(job, 1)
  const w = axis(job, 2)
  for (let row = 0; row < ROWS; row++) {
    let entry = job.table + (row << 2)
    store<usize>(entry, job.output + batch * job.outputBatchStep + depth * d.outputStep + height * h.outputStep + width * w.outputStep)
    const image = job.input + batch * job.inputBatchStep
    for (let td = 0; td < d.taps; td++) {
      const id = depth * d.stride + load<i32>(d.offsets + (td << 2))
      for (let th = 0; th < h.taps; th++) {
        const ih = height * h.stride + load<i32>(h.offsets + (th << 2))
        const inside = <u32>id < <u32>d.size && <u32>ih < <u32>h.size
        const line = image + id * d.inputStep + ih * h.inputStep
        for (let tw = 0; tw < w.taps; tw++) {
          const iw = width * w.stride + load<i32>(w.offsets + (tw << 2))
          entry += TABLE_ROW
          store<usize>(entry, inside && <u32>iw < <u32>w.size ? line + iw * w.inputStep : job.zeros)
        }
      }
    }
    if (row < rows - 1) advance(d.count, h.count, w.count)
  }
  advance(d.count, h.count, w.count)
}

/** Copies the runs of each row side by side, and writes a table of one tap, followed by the copies. */
function gather(job: Job, table: usize): void {
  let to = table + 2 * TABLE_ROW
  for (let row = 0; row < ROWS; row++) {
    let entry = job.table + (row << 2)
    store<usize>(table + (row << 2), load<usize>(entry))
    store<usize>(table + TABLE_ROW + (row << 2), to)
    for (let tap = 0; tap < job.taps; tap++) {
      entry += TABLE_ROW
      let from = load<usize>(entry)
      let left = job.run
      for (; left >= 4; left -= 4, from += 16, to += 16) v128.store(to, v128.load(from))
      for (; left > 0; left--, from += 4, to += 4) store<f32>(to, load<f32>(from))
    }
  }
}

/** Goes to the next output position. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function advance(depths: i32, heights: i32, widths: i32): void {
  if (++width < widths) return
  width = 0
  if (++height < heights) return
  height = 0
  if (++depth < depths) return
  depth = 0
  batch++
}

/**
 * Computes products of many pairs of matrices of the same sizes, packing each B into the job's panels.
 *
 * @param list three addresses for each product: A, B and C
 * @param columnStep bytes from one column of B to the next
 * @param rowStep bytes from one row of B to the next
 */
export function products(job: Job, list: usize, count: i32, columnStep: usize, rowStep: usize): void {
  let packed: usize = 0
  for (let i = 0; i < count; i++, list += 12) {
    const weights = load<usize>(list, 4)
    if (weights != packed) pack(weights, job.panels, 0, job.columns, columnStep, 1, 0, job.run, rowStep)
    packed = weights
    job.input = load<usize>(list)
    job.output = load<usize>(list, 8)
    product(job)
  }
}
