// How near the kernels of matrix products and convolutions come to what the machine can do: their multiply-adds a second against those of
// a loop that does nothing else, in the same WebAssembly, one thread, headless Chromium.
//
//   node bench/kernels.mjs [--report out.json]
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { root } from '../scripts/lib/run.mjs'
import { setUpChromium } from '../scripts/lib/tools.mjs'

const SHAPES = [
  { name: 'matrix product', rows: 384, channels: 384, columns: 384 },
  { name: 'vit_b_16 linear', rows: 197, channels: 768, columns: 3072 },
  { name: 'resnet18 3x3', size: 56, channels: 64, columns: 64, kernel: 3 },
  { name: 'resnet18 3x3', size: 14, channels: 256, columns: 256, kernel: 3 },
  { name: 'resnet18 3x3', size: 7, channels: 512, columns: 512, kernel: 3 },
  { name: 'mobilenet_v2 1x1', size: 112, channels: 32, columns: 16 },
  { name: 'mobilenet_v2 1x1', size: 56, channels: 24, columns: 144 },
  { name: 'mobilenet_v2 1x1', size: 14, channels: 384, columns: 64 },
  { name: 'regnet 3x3, groups', size: 28, channels: 256, columns: 256, kernel: 3, groups: 32 },
  { name: 'depthwise 3x3', size: 56, channels: 144, columns: 144, kernel: 3, groups: 144 },
  { name: 'depthwise 3x3, stride 2', size: 56, channels: 144, columns: 144, kernel: 3, stride: 2, groups: 144 },
  { name: 'depthwise 5x5', size: 14, channels: 240, columns: 240, kernel: 5, groups: 240 },
  { name: 'one row: weights stream', rows: 1, channels: 1280, columns: 1000 },
]
const { values: options } = parseArgs({ options: { report: { type: 'string' } } })
const executablePath = await setUpChromium()
if (!executablePath) throw new Error('this benchmark needs Chromium: install it, or set PETAL_CHROMIUM')
const require = createRequire(join(root, 'packages/runtime/package.json'))
const { chromium } = require('playwright-core')

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
const report = {}
try {
  const page = await browser.newPage()
  await page.addScriptTag({ content: readFileSync(join(root, 'bench/kernels/page.js'), 'utf8') })
  console.log(`${cpus()[0].model}, Chromium ${browser.version()}, one thread`)
  console.log('of the limit: GFLOP/s of the kernel / of a loop of multiply-adds')
  for (const [name, features] of [['SIMD', ['simd']], ['relaxed SIMD', ['simd', 'relaxed-simd']]]) {
    const rows = await page.evaluate(([wasm, shapes]) => window.measure(wasm, shapes), [await compile(features), SHAPES])
    if (!rows) {
      console.log(`\n${name}: this browser lacks it`)
      continue
    }
    report[name] = rows
    console.log(`\n| ${name} | rows x channels x columns | ms | GFLOP/s | of the limit |\n|---|---|---|---|---|`)
    for (const { name: shape, rows: count, size, channels, columns, ms, gflops, limit } of rows) {
      const figures = [ms.toFixed(3), gflops.toFixed(1), (gflops / limit).toFixed(2)]
      console.log(`| ${[shape, `${count ?? `${size}² `}x${channels}x${columns}`, ...figures].join(' | ')} |`)
    }
  }
} finally {
  await browser.close()
}
if (options.report) writeFileSync(options.report, JSON.stringify(report, undefined, 1))

/** The kernels with the loop, base64. */
async function compile(features) {
  const { main } = await import(pathToFileURL(join(root, 'packages/runtime/node_modules/assemblyscript/dist/asc.js')).href)
  let wasm
  const enabled = features.flatMap((each) => ['--enable', each])
  const flags = ['--runtime', 'stub', '--importMemory', '--noAssert', '-O3', '--converge', '--disableWarning', ...enabled]
  const { error, stderr } = await main(['bench/kernels/limit.ts', '--outFile', 'out.wasm', '--baseDir', root, ...flags], {
    writeFile: (path, content) => { if (path === 'out.wasm') wasm = content },
  })
  if (error) throw new Error(stderr.toString())
  return Buffer.from(wasm).toString('base64')
}
