// One case of the zoo in whatever engine: reads what export.py wrote, runs each of its files with the built runtime, compares with eager PyTorch.
// Runs in Node and in browsers as it is.

const ARRAYS = {
  float64: Float64Array, float32: Float32Array, int64: BigInt64Array, int32: Int32Array, int16: Int16Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array,
}
/** As Python prints those that JSON does not have. */
const FLOATS = { nan: NaN, inf: Infinity, '-inf': -Infinity }

/**
 * Runs the files of one case.
 * @param {Function} loadModel the runtime's own
 * @param {object} options `name` of the engine, `kinds` of files to run, `read(name)` resolves to an ArrayBuffer
 * @returns one row per file: { model, form, family, file, engine, status, worst, sets, load, run, problem, missing }
 */
export async function runCase(loadModel, { engine, kinds, read }) {
  const text = new TextDecoder().decode(await read('case.json'))
  const theCase = JSON.parse(text)
  const tensors = await read('tensors.bin')
  const rows = []
  for (const file of kinds) {
    const row = { model: theCase.model, form: theCase.form, family: theCase.family, file, engine }
    if (!theCase.files[file]) {
      rows.push({ ...row, status: 'absent', problem: theCase.refused[file] })
      continue
    }
    try {
      rows.push({ ...row, ...await runFile(loadModel, await read(theCase.files[file]), theCase, tensors) })
    } catch (error) {
      rows.push({ ...row, status: 'failed', code: error.code, problem: `${error.name}: ${error.message}`.slice(0, 2000), stack: String(error.stack).slice(0, 4000) })
    }
  }
  return rows
}

async function runFile(loadModel, bytes, { sets, tolerance, form }, tensors) {
  const start = performance.now()
  const model = await loadModel(bytes)
  const loaded = performance.now()
  let worst = 0
  let counted = 0
  for (const [i, { inputs, expected, counts }] of sets.entries()) {
    let answer
    try {
      answer = await model.call('forward', inputs.map((value) => decode(value, tensors)))
    } catch (error) {
      // What a trace does with other shapes than its own is no question of right or wrong, but a missing operator is.
      if (form === 'traced' && !counts) continue
      error.message = `input set ${i}: ${error.message}`
      throw error
    }
    if (!counts) continue
    // Outputs have names; those of a tuple are several.
    const outputs = Object.values(answer)
    const error = worstError(expected?.tuple ? outputs : outputs[0], decode(expected, tensors))
    if (!(error <= tolerance)) throw new Error(`input set ${i}: error ${error.toExponential(2)} is above ${tolerance}`)
    worst = Math.max(worst, error)
    counted++
  }
  const run = performance.now() - loaded
  model.dispose?.()
  return { status: 'passed', worst, sets: counted, load: Math.round(loaded - start), run: Math.round(run) }
}

/** A value as an app passes it: ints are bigints, floats numbers, tensors { data, dims, dtype }, lists and tuples arrays, dicts Maps. */
function decode(value, tensors) {
  if (value === null || typeof value !== 'object') return value
  if ('int' in value) return BigInt(value.int)
  if ('float' in value) return FLOATS[value.float] ?? Number(value.float)
  if ('list' in value) return value.list.map((item) => decode(item, tensors))
  if ('tuple' in value) return value.tuple.map((item) => decode(item, tensors))
  if ('dict' in value) return new Map(value.dict.map(([key, item]) => [decode(key, tensors), decode(item, tensors)]))
  const { tensor: dtype, dims, offset, bytes } = value
  const Type = ARRAYS[dtype]
  if (!Type) throw new Error(`the runner has no ${dtype} tensors`)
  return { data: new Type(tensors.slice(offset, offset + bytes)), dims, dtype }
}

/** Largest difference relative to the expected tensor's largest magnitude, as check.py defines it; throws where structures differ. */
export function worstError(actual, expected, path = 'output') {
  const differs = () => new Error(`${path}: ${describe(actual)} instead of ${describe(expected)}`)
  if (isTensor(expected)) {
    if (!isTensor(actual) || actual.dtype !== expected.dtype || String(actual.dims) !== String(expected.dims)) throw differs()
    return tensorError(actual.data, expected.data, path, expected.dtype)
  }
  if (expected instanceof Map) {
    const entries = actual instanceof Map ? [...actual] : isPlain(actual) ? Object.entries(actual) : undefined
    if (!entries || String(entries.map(([key]) => key)) !== String([...expected.keys()])) throw differs()
    return entries.reduce((worst, [key, value], i) => Math.max(worst, worstError(value, [...expected.values()][i], `${path}[${String(key)}]`)), 0)
  }
  if (Array.isArray(expected)) {
    // A named tuple may be an object.
    const items = Array.isArray(actual) ? actual : isPlain(actual) ? Object.values(actual) : undefined
    if (items?.length !== expected.length) throw differs()
    return expected.reduce((worst, value, i) => Math.max(worst, worstError(items[i], value, `${path}[${i}]`)), 0)
  }
  if (typeof expected === 'bigint') {
    if ((typeof actual !== 'bigint' && !Number.isSafeInteger(actual)) || BigInt(actual) !== expected) throw differs()
    return 0
  }
  if (typeof expected === 'number') {
    const same = Object.is(actual, expected) || actual === expected || Math.abs(actual - expected) <= 1e-6 * Math.max(Math.abs(actual), Math.abs(expected))
    if (typeof actual !== 'number' || !same) throw differs()
    return 0
  }
  if (actual !== expected) throw differs()
  return 0
}

function tensorError(actual, expected, path, dtype) {
  if (actual.length !== expected.length) throw new Error(`${path}: ${actual.length} elements instead of ${expected.length}`)
  if (!dtype.startsWith('float')) {
    if (expected.some((value, i) => actual[i] !== value)) throw new Error(`${path}: different ${dtype} values`)
    return 0
  }
  let scale = 0
  let error = 0
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]
    const b = expected[i]
    if (Number.isFinite(b)) {
      if (!Number.isFinite(a)) throw new Error(`${path}: ${a} instead of ${b} at ${i}`)
      scale = Math.max(scale, Math.abs(b))
      error = Math.max(error, Math.abs(a - b))
    } else if (!Object.is(a, b)) {
      throw new Error(`${path}: ${a} instead of ${b} at ${i}`)
    }
  }
  return scale > 0 ? error / scale : error
}

const isTensor = (value) => ArrayBuffer.isView(value?.data) && value.dims !== undefined
const isPlain = (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !isTensor(value)

function describe(value) {
  if (isTensor(value)) return `${value.dtype} tensor of shape [${value.dims}]`
  if (value instanceof Map) return `dict of ${[...value.keys()]}`
  if (Array.isArray(value)) return `list of ${value.length}`
  return `${typeof value} ${String(value)}`
}
