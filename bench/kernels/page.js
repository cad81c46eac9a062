// Runs in the page: times kernels on one build of the module; resolves to one row for each shape.
window.measure = async (base64, shapes) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  if (!WebAssembly.validate(bytes)) return undefined
  const memory = new WebAssembly.Memory({ initial: 2048 })
  const { instance: { exports } } = await WebAssembly.instantiate(bytes, { env: { memory } })
  const floats = new Float32Array(memory.buffer)
  const numbers = new Int32Array(memory.buffer)
  for (let i = 0; i < floats.length; i++) floats[i] = (i % 17) / 17 - 0.5
  const limit = () => {
    floats.fill(0, 16, 32)
    return speed(() => exports.limit(64, 1e5), 1e5 * 12 * 8)
  }
  limit()
  return shapes.map((shape) => {
    const { kernel, flop } = write(floats, numbers, shape)
    const before = limit()
    const gflops = speed(() => exports[kernel](JOB), flop)
    return { ...shape, gflops, ms: flop / gflops / 1e6, limit: Math.max(before, limit()) }
  })
}

const JOB = 1024
const OFFSETS = 4096
const TABLE = 8192
const ZEROS = 65_536
const INPUT = 1 << 20

/** GFLOP/s of the best of many short rounds, some of which are undisturbed; the clock of a page steps by a tenth of a millisecond. */
function speed(run, flop) {
  const repeats = Math.max(1, Math.round(3e8 / flop))
  let best = Infinity
  for (let round = 0; round < 40; round++) {
    const start = performance.now()
    for (let i = 0; i < repeats; i++) run()
    best = Math.min(best, (performance.now() - start) / repeats)
  }
  return flop / best / 1e6
}

/** Writes a job of packages/runtime/kernels/dense/job.ts: `size` by `size` pixels, `channels` in, `columns` out. */
function write(floats, numbers, { size, channels, columns, kernel = 1, stride = 1, groups = 1, rows }) {
  const depthwise = groups === channels
  const pad = kernel >> 1
  const [height, width] = rows ? [1, rows] : [size, size]
  const outs = [height, width].map((each) => Math.floor((each + 2 * pad - kernel) / stride) + 1)
  const run = channels / groups
  const output = INPUT + height * width * channels * 4
  const panels = (output + outs[0] * outs[1] * columns * 4 + 63) & ~63
  for (let tap = 0; tap < kernel; tap++) numbers[OFFSETS / 4 + tap] = tap - pad
  numbers[OFFSETS / 4 + 16] = 0
  numbers.fill(0, ZEROS / 4, INPUT / 4)
  floats[JOB / 4] = -Infinity
  floats[JOB / 4 + 1] = Infinity
  numbers.set([
    panels, kernel * kernel, run, groups, depthwise ? columns : columns / groups, run * 4, TABLE, ZEROS, INPUT, output, 1, 0, 0,
    1, 0, 1, 0, 1, 1, OFFSETS + 64,
    height, width * channels * 4, outs[0], outs[1] * columns * 4, stride, kernel, OFFSETS,
    width, channels * 4, outs[1], columns * 4, stride, kernel, OFFSETS,
  ], JOB / 4 + 2)
  return { kernel: depthwise ? 'depthwise' : 'product', flop: outs[0] * outs[1] * columns * kernel * kernel * run * 2 }
}
