// How fast our runtime answers, against onnxruntime-web (wasm) and tfjs (wasm) on the same weights: one run, one thread, headless Chromium.
//
//   node bench/runtime.mjs [--only mobilenet_v2] [--rounds 15] [--firsts 3] [--report out.json]
//     [--without tfjs]    leaves a contender out
//     [--built]           takes the packages as they are built now
//
// The contenders are no dependencies of anything; they are installed into .petal/bench. Models are made by runtime.py, kept in .petal/bench too.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { must, root, run, work } from '../scripts/lib/run.mjs'
import { setUpChromium, setUpTorch, setUpWorkspace } from '../scripts/lib/tools.mjs'

const PACKAGES = { 'onnxruntime-web': '1.30.0', '@tensorflow/tfjs-core': '4.22.0', '@tensorflow/tfjs-backend-wasm': '4.22.0' }
const MODELS = ['mobilenet_v2', 'mobilenet_v3_small', 'resnet18', 'squeezenet1_1', 'efficientnet_b0', 'vit_b_16', 'lstm', 'transformer']
const CONTENDERS = ['petal', 'ort', 'tfjs']
/** Milliseconds that a measurement lasts at least: the clock of a page steps by a tenth. */
const LEAST = 20
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }

const { values: options } = parseArgs({ options: {
  only: { type: 'string', multiple: true }, rounds: { type: 'string', default: '15' }, firsts: { type: 'string', default: '3' },
  without: { type: 'string', multiple: true, default: [] }, report: { type: 'string' }, built: { type: 'boolean' }, dist: { type: 'string' },
} })
const folder = join(work, 'bench')
const models = options.only ?? MODELS
/** Our runtime as an app ships it; of this run alone. */
const app = join(folder, `app-${process.pid}`)
for (const name of models) if (!MODELS.includes(name)) throw new Error(`no model ${name}; there are ${MODELS.join(', ')}`)
const names = CONTENDERS.filter((name) => !options.without.includes(name))

if (!options.built) await setUpWorkspace()
const torch = await setUpTorch()
const executablePath = await setUpChromium()
if (!torch || !executablePath) throw new Error('this benchmark needs PyTorch and Chromium: install them, or set PETAL_PYTHON and PETAL_CHROMIUM')
await installContenders()
await makeModels()
if (names.includes('petal')) await bundleOurs()

const { chromium } = createRequire(join(root, 'packages/runtime/package.json'))('playwright-core')
const installed = join(folder, 'node_modules')
const roots = {
  bench: join(root, 'bench/runtime'), models: join(folder, 'runtime'), runtime: app, ort: join(installed, 'onnxruntime-web/dist'),
  'tf-core': join(installed, '@tensorflow/tfjs-core/dist'), 'tf-wasm': join(installed, '@tensorflow/tfjs-backend-wasm/dist'),
}
/** Files that the page asked for, of all libraries. */
const requested = new Set()
const server = createServer(answer)
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const address = `http://127.0.0.1:${server.address().port}/`
const browser = await chromium.launch({ executablePath, args: [
  '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run',
] })

console.log(`${cpus().length} cores, ${cpus()[0].model}, Chromium ${browser.version()}, one thread, medians of ${options.rounds} in turn; ms per run, error relative to the largest output`)
const head = ['model', ...names, ...names.slice(1).map((name) => `/${name}`), ...names.map((name) => `first ${name}`), ...names.map((name) => `error ${name}`)]
console.log(`| ${head.join(' | ')} |\n|${head.map(() => '---|').join('')}`)
const rows = []
for (const name of models) {
  const row = { name, ...await measure(name) }
  rows.push(row)
  const at = (key, digits) => names.map((one) => row[one][key]?.toFixed?.(digits) ?? '-')
  const ratios = names.slice(1).map((one) => ratio(row, one)?.toFixed(2) ?? '-')
  const errors = names.map((one) => row[one].error?.toExponential(1) ?? row[one].problem?.slice(0, 60) ?? '-')
  console.log(`| ${[name, ...at('ms', 2), ...ratios, ...at('first', 0), ...errors].join(' | ')} |`)
}
await browser.close()
server.close()
summary()
rmSync(app, { recursive: true, force: true })
if (options.report) writeFileSync(options.report, JSON.stringify(rows, undefined, 1))
if (existsSync(join(root, 'bench/kernels.mjs'))) await run('node', [join(root, 'bench/kernels.mjs')])

async function installContenders() {
  const wanted = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`)
  const have = ([name, version]) => existsSync(join(folder, 'node_modules', name, 'package.json'))
    && JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version === version
  if (Object.entries(PACKAGES).every(have)) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  await must('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...wanted])
}

async function makeModels() {
  const petal = join(root, 'packages/core/dist/cli.js')
  const digest = createHash('sha256')
  for (const file of [join(root, 'bench/runtime.py'), petal]) digest.update(readFileSync(file))
  const stamp = digest.digest('hex')
  const isMade = (name) => existsSync(join(folder, 'runtime', name, stamp))
  for (const name of models.filter((one) => !isMade(one))) {
    // Nobody finds half of one.
    const made = join(folder, `made-${process.pid}`)
    await must(torch.python, ['-B', 'bench/runtime.py', '--petal', petal, '--folder', made, '--only', name])
    writeFileSync(join(made, name, stamp), '')
    mkdirSync(join(folder, 'runtime'), { recursive: true })
    rmSync(join(folder, 'runtime', name), { recursive: true, force: true })
    renameSync(join(made, name), join(folder, 'runtime', name))
    rmSync(made, { recursive: true })
  }
}

/** Our runtime as an app's bundler ships it. */
async function bundleOurs() {
  const { build } = await import(pathToFileURL(createRequire(join(root, 'packages/unplugin/package.json')).resolve('vite')).href)
  const entry = join(folder, `entry-${process.pid}.js`)
  writeFileSync(entry, `export { loadModel } from ${JSON.stringify(join(options.dist ?? join(root, 'packages/runtime/dist'), 'index.js'))}\n`)
  await build({
    root: folder, logLevel: 'error', configFile: false,
    build: {
      outDir: app, emptyOutDir: true, minify: true, target: 'esnext', modulePreload: { polyfill: false },
      rollupOptions: { input: entry, preserveEntrySignatures: 'strict', output: { entryFileNames: 'index.js', chunkFileNames: '[name]-[hash].js' } },
    },
  })
  rmSync(entry)
}

/** A page of its own in a browser profile of its own, so that nothing is cached. */
async function inPage(task) {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.setDefaultTimeout(600_000)
  page.on('console', (message) => { if (message.type() === 'error') console.error(message.text()) })
  try {
    await page.goto(address)
    await page.waitForFunction('window.ready')
    return await task(page)
  } finally {
    await context.close()
  }
}

async function measure(name) {
  const models = `/models/${name}`
  const results = await inPage((page) => page.evaluate(`compare(${JSON.stringify(names)}, '${models}', { rounds: ${options.rounds}, least: ${LEAST} })`))
  const row = Object.fromEntries(results.map(({ name: one, times, ...rest }) => [one, { ...rest, times, ms: times && median(times), firsts: [] }]))
  for (let i = 0; i < Number(options.firsts); i++) {
    for (const one of names.filter((contender) => row[contender].ms)) row[one].firsts.push(await inPage((page) => page.evaluate(`first('${one}', '${models}')`)))
  }
  for (const one of names) if (row[one].firsts.length > 0) row[one].first = median(row[one].firsts)
  return row
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
}

function ratio(row, other, key = 'ms') {
  return row[names[0]][key] !== undefined && row[other][key] !== undefined ? row[names[0]][key] / row[other][key] : undefined
}

function summary() {
  for (const other of names.slice(1)) {
    for (const [key, what] of [['ms', 'time per run'], ['first', 'first answer']]) {
      const ratios = rows.map((row) => ratio(row, other, key)).filter((value) => value !== undefined)
      if (ratios.length > 0) console.log(`${what}, ${names[0]} / ${other}: median ${median(ratios).toFixed(2)}, from ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`)
    }
  }
  const libraries = { petal: ['runtime'], ort: ['ort'], tfjs: ['tf-core', 'tf-wasm'] }
  for (const name of names) {
    const files = [...requested].filter((file) => libraries[name].some((one) => file.startsWith(roots[one])))
    const size = files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0)
    console.log(`${name}: ${(size / 1000).toFixed(1)} kB gzip of JavaScript and WebAssembly in ${files.length} files`)
  }
}

function answer(request, response) {
  const path = new URL(request.url, address).pathname
  if (path === '/') return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><meta charset=utf-8><link rel=icon href=data:,><script type=module src=/bench/page.js></script>')
  const [place, ...rest] = path.slice(1).split('/').map(decodeURIComponent)
  const file = roots[place] && !rest.includes('..') ? join(roots[place], ...rest) : undefined
  const stat = file && statSync(file, { throwIfNoEntry: false })
  if (!stat?.isFile()) return response.writeHead(404).end()
  requested.add(file)
  response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-length': stat.size, 'cache-control': 'no-store' })
  createReadStream(file).pipe(response)
}
