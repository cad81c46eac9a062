// What an app downloads to run a model, in bytes after gzip: ours by part, from real builds with Vite, beside onnxruntime-web and tfjs where
// bench/runtime.mjs has installed them.
//
//   node bench/size.mjs [--report out.json]
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { CNN, sizeOf, ZOO } from '../packages/runtime/scripts/sizes.mjs'
import { root, work } from '../scripts/lib/run.mjs'

/** What an app of theirs loads at least: the script and the WebAssembly with SIMD, one thread. */
const OTHERS = {
  'onnxruntime-web': ['onnxruntime-web/dist/ort.wasm.min.mjs', 'onnxruntime-web/dist/ort-wasm-simd-threaded.mjs', 'onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'],
  tfjs: [
    '@tensorflow/tfjs-core/dist/tf-core.min.js', '@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js',
    '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
  ],
}

const { values: options } = parseArgs({ options: { report: { type: 'string' } } })
const { coverage } = await import(new URL('../packages/runtime/dist/build.js', import.meta.url).href)
const models = {
  'like SqueezeNet': await sizeOf(CNN, { without: ['depthwise', 'winograd'] }),
  'like MobileNet v2': await sizeOf(CNN, { without: ['winograd'] }),
  'like ResNet': await sizeOf(CNN, { without: ['depthwise'] }),
  [`the zoo's ${ZOO.length} operators`]: await sizeOf(ZOO),
  [`all ${Object.keys(coverage.operators).length} operators`]: await sizeOf([...Object.keys(coverage.operators), ...Object.keys(coverage.classes)]),
}
const parts = [...new Set(Object.values(models).flatMap(({ sizes }) => Object.keys(sizes)))]
const report = Object.fromEntries(Object.entries(models).map(([name, { sizes, total }]) => [name, { ...sizes, total }]))
const row = (cells) => console.log(cells.map((cell, i) => i === 0 ? String(cell).padEnd(24) : String(cell).padStart(24)).join(''))
row(['', ...Object.keys(models)])
for (const part of [...parts, 'total']) row([part, ...Object.values(report).map((each) => each[part] ?? '')])

const installed = join(work, 'bench/node_modules')
for (const [name, files] of Object.entries(OTHERS)) {
  const paths = files.map((file) => join(installed, file))
  if (!paths.every((path) => existsSync(path))) {
    console.log(`${name}: not installed in ${installed.slice(root.length + 1)}`)
    continue
  }
  report[name] = { total: paths.reduce((sum, path) => sum + gzipSync(readFileSync(path), { level: 9 }).length, 0) }
  row([name, report[name].total])
}
if (options.report) writeFileSync(options.report, `${JSON.stringify(report, undefined, 2)}\n`)
