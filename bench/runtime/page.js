// The contenders in a page: each loads a model and gives a function from the input to the output. Called by runtime.mjs.
import { lower } from './tfjs.js'

const bytes = async (url) => {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`)
  return response.arrayBuffer()
}
const json = async (url) => JSON.parse(new TextDecoder().decode(await bytes(url)))

function script(src) {
  return new Promise((done, fail) => {
    document.head.append(Object.assign(document.createElement('script'), { src, onload: done, onerror: () => fail(new Error(`${src} does not load`)) }))
  })
}

const CONTENDERS = {
  async petal(folder) {
    const { loadModel } = await import('/runtime/index.js')
    const model = await loadModel(`${folder}/model.ptl`)
    return async (input) => Object.values(await model.run(input))[0].data
  },
  async ort(folder) {
    const ort = await import('/ort/ort.wasm.min.mjs')
    Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: '/ort/' })
    const session = await ort.InferenceSession.create(`${folder}/model.onnx`, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' })
    return async ({ data, dims }) => (await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', data, dims) }))[session.outputNames[0]].data
  },
  async tfjs(folder) {
    if (!globalThis.tf) {
      await script('/tf-core/tf-core.min.js')
      await script('/tf-wasm/tf-backend-wasm.min.js')
      tf.wasm.setWasmPaths('/tf-wasm/')
      await tf.setBackend('wasm')
    }
    const run = lower(await json(`${folder}/tf.json`), await bytes(`${folder}/tf.bin`))
    return async (input) => run(input)
  },
}

async function theCase(folder) {
  const { input, expected } = await json(`${folder}/case.json`)
  const tensors = await bytes(`${folder}/tensors.bin`)
  const tensor = ({ dtype, dims, offset, bytes: size }) => ({ dtype, dims, data: new Float32Array(tensors.slice(offset, offset + size)) })
  return { input: tensor(input), expected: tensor(expected) }
}

/** Milliseconds from nothing to the first answer: library, WebAssembly, model (all from the local server) and one run. */
window.first = async (contender, folder) => {
  const { input } = await theCase(folder)
  const start = performance.now()
  const run = await CONTENDERS[contender](folder)
  await run(input)
  return performance.now() - start
}

/**
 * Milliseconds per run of each contender, `rounds` values each, taken in turn; runs shorter than `least` milliseconds are timed several at
 * once, as the clock of a page is coarse. Errors are relative to the expected output's largest magnitude.
 */
window.compare = async (names, folder, { rounds, least }) => {
  const { input, expected } = await theCase(folder)
  const contenders = []
  for (const name of names) {
    try {
      const run = await CONTENDERS[name](folder)
      const output = await run(input)
      contenders.push({ name, run, error: worst(output, expected.data), times: [] })
    } catch (error) {
      contenders.push({ name, problem: `${error.name}: ${error.message}` })
    }
  }
  const able = contenders.filter(({ run }) => run)
  for (const contender of able) {
    // Until the engine's optimizing compilers are through.
    const until = performance.now() + 1500
    let count = 0
    while (count < 3 || performance.now() < until) {
      await contender.run(input)
      count++
    }
    const start = performance.now()
    for (let i = 0; i < 3; i++) await contender.run(input)
    contender.batch = Math.max(1, Math.ceil(least / ((performance.now() - start) / 3)))
  }
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < able.length; i++) {
      const { run, times, batch } = able[(i + round) % able.length]
      const start = performance.now()
      for (let n = 0; n < batch; n++) await run(input)
      times.push((performance.now() - start) / batch)
    }
  }
  return contenders.map(({ name, error, times, batch, problem }) => ({ name, error, times, batch, problem }))
}

function worst(actual, expected) {
  if (actual.length !== expected.length) throw new Error(`${actual.length} outputs instead of ${expected.length}`)
  let error = 0
  let scale = 0
  for (let i = 0; i < expected.length; i++) {
    error = Math.max(error, Math.abs(actual[i] - expected[i]))
    scale = Math.max(scale, Math.abs(expected[i]))
  }
  return error / scale
}
window.ready = true
