// What the plugin costs in an app of 200 modules and 5 models, 100 MB in all: a warm build, and the dev server's first response with a warm
// store, against the same app that imports the stored files with Vite's `?url`. An import that can run its model brings the runtime: that is
// compared with an app that imports the same parts of the runtime by hand. Medians of the ratios of interleaved rounds.
//
//   node bench/build.mjs [--rounds 9] [--report out.json] [--built]    (takes the packages as they are built now)
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { crc32 } from 'node:zlib'
import { root, work } from '../scripts/lib/run.mjs'
import { setUpWorkspace } from '../scripts/lib/tools.mjs'

const MODULES = 200
const MODELS = 5
const MODEL_BYTES = 20_000_000
/** What is measured: the rows, and what each shows of a run. */
const FIGURES = [['build', 'done', 'warm build'], ['dev', 'first', 'first response of the dev server'], ['dev', 'done', 'and the models\' modules']]
/** How the app imports, and what that is compared with, which is Vite alone. */
const AGAINST = { 'mobile&as=url': 'url', mobile: 'url, runtime' }
const IMPORTS = ['url', 'url, runtime', ...Object.keys(AGAINST)]

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '9' }, report: { type: 'string' }, built: { type: 'boolean' } } })
if (!options.built) await setUpWorkspace()
const folder = join(work, `bench/build-${process.pid}`)
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const core = await import(new URL('../packages/core/dist/index.js', import.meta.url).href)
const folders = await makeApps()
const times = Object.fromEntries(FIGURES.map(([task, part]) => [`${task} ${part}`, Object.fromEntries(IMPORTS.map((imports) => [imports, []]))]))
for (let round = 0; round < Number(options.rounds); round++) {
  for (const task of ['build', 'dev']) {
    // Each of them is first equally often.
    for (const imports of IMPORTS.map((_, i) => IMPORTS[(i + round) % IMPORTS.length])) {
      for (const [part, time] of Object.entries(once(task, imports))) times[`${task} ${part}`]?.[imports].push(time)
    }
  }
}
const report = FIGURES.map(([task, part, what]) => {
  const measured = times[`${task} ${part}`]
  const milliseconds = Object.fromEntries(IMPORTS.map((imports) => [imports, Math.round(median(measured[imports]))]))
  const ratios = Object.fromEntries(Object.entries(AGAINST).map(([imports, base]) =>
    [imports, Number(median(measured[imports].map((time, round) => time / measured[base][round])).toFixed(3))]))
  return { what, milliseconds, ratios }
})
for (const { what, milliseconds, ratios } of report) {
  console.log([what.padEnd(34), ...Object.entries(AGAINST).map(([imports, base]) =>
    `?${imports}: ${milliseconds[imports]} ms / ${milliseconds[base]} ms, ${ratios[imports].toFixed(3)}`)].join('  '))
}
if (options.report) writeFileSync(options.report, `${JSON.stringify(report, undefined, 2)}\n`)

function once(task, imports) {
  const script = fileURLToPath(new URL('build/once.mjs', import.meta.url))
  return JSON.parse(execFileSync(process.execPath, [script, task, folders[imports], imports], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }))
}

/** An app for each way to import, with a warm store; gives the folders. */
async function makeApps() {
  const apps = Object.fromEntries(IMPORTS.map((imports, i) => [imports, join(folder, String(i))]))
  const stored = []
  const built = []
  // The apps of Vite alone import what the others have stored.
  for (const imports of IMPORTS.toReversed()) {
    const app = apps[imports]
    mkdirSync(join(app, 'src'), { recursive: true })
    writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true, "type": "module" }')
    writeFileSync(join(app, 'index.html'), '<!doctype html><script type="module" src="/src/main.js"></script>')
    const models = Array.from({ length: MODELS }, (_, i) => `./net${i}.ptl`)
    for (let i = 0; i < MODULES; i++) writeFileSync(join(app, `src/module${i}.js`), moduleText(i))
    const isAlone = imports.startsWith('url')
    const specifiers = models.map((model, i) => {
      if (!isAlone) return `${model}?${imports}`
      const url = `${relative(join(app, 'src'), stored[i])}?url&no-inline`
      return imports === 'url' ? url : handleModules(app, i, url, built[i])
    })
    writeFileSync(join(app, 'src/main.js'), [
      ...specifiers.map((specifier, i) => `import net${i} from '${specifier}'`),
      ...Array.from({ length: MODULES }, (_, i) => `import { sum${i} } from './module${i}.js'`),
      `globalThis.result = [${models.map((_, i) => `net${i}`).join(', ')}, ${Array.from({ length: MODULES }, (_, i) => `sum${i}(${i})`).join(', ')}]`,
    ].join('\n'))
    if (isAlone) continue
    for (const [i, model] of models.entries()) writeFileSync(join(app, 'src', model), model20(i))
    execFileSync(process.execPath, [fileURLToPath(new URL('build/once.mjs', import.meta.url)), 'build', app, imports], { stdio: ['ignore', 'ignore', 'inherit'] })
    if (stored.length > 0) continue
    const kept = join(app, 'node_modules/.cache/petal')
    const files = readdirSync(kept, { recursive: true }).filter((file) => file.endsWith('.ptl')).toSorted()
    for (const file of files) {
      const copy = join(folder, 'stored', file)
      mkdirSync(join(copy, '..'), { recursive: true })
      cpSync(join(kept, file), copy)
      stored.push(copy)
    }
    const store = core.createStore({ root: app })
    for (const model of models) built.push(await core.build({ ...core.defaultRequest, file: join(app, 'src', model) }, { store }))
    if (stored.length !== MODELS) throw new Error(`the store has ${stored.length} models`)
  }
  return apps
}

/** What the plugin makes of an import, by hand. */
function handleModules(app, i, url, { facts: { imports, ...facts } }) {
  const scope = join(app, 'node_modules/@petaljs')
  mkdirSync(scope, { recursive: true })
  if (i === 0) symlinkSync(join(root, 'packages/runtime'), join(scope, 'runtime'))
  const families = Object.entries(imports)
  writeFileSync(join(app, `src/net${i}.runtime.js`), [
    ...families.map(([family, names], f) =>
      `import { ${[...names.map((name, n) => `${name} as part${f}_${n}`), `kernels as kernels${f}`].join(', ')} } from '@petaljs/runtime/ops/${family}'`),
    `export { load } from '@petaljs/runtime/load'`,
    `export const families = [{ name: 'used', operators: { ${families.flatMap(([, names], f) => names.map((_, n) => `...part${f}_${n}`)).join(', ')} },`,
    `  kernels: [${families.map((_, f) => `...kernels${f}`).join(', ')}], prepare: {} }]`,
  ].join('\n'))
  writeFileSync(join(app, `src/net${i}.js`), [
    `import url from '${url}'`, `import { createHandle } from '@petaljs/runtime/handle'`,
    `export default createHandle(url, JSON.parse(${JSON.stringify(JSON.stringify(facts))}), () => import('./net${i}.runtime.js'))`,
  ].join('\n'))
  return `./net${i}.js`
}

function moduleText(i) {
  const lines = Array.from({ length: 40 }, (_, n) => `function step${n}(value) {\n  return value > ${n} ? value * ${i + n} : value - ${n}\n}`)
  const next = i + 1 < MODULES && i % 10 !== 9 ? `import { sum${i + 1} as next } from './module${i + 1}.js'\n` : 'const next = (value) => value\n'
  return `${next}${lines.join('\n')}\nexport function sum${i}(value) {\n  return next(${Array.from({ length: 40 }, (_, n) => `step${n}(value)`).join(' + ')})\n}\n`
}

/** The fixture with a file beside its own that makes it that large. A model that is compiled already keeps it. */
function model20(seed) {
  const archive = readFileSync(join(root, 'packages/unplugin/test/fixtures/net.ptl'))
  const end = archive.lastIndexOf(Buffer.from('PK\x05\x06'))
  const [count, size, offset] = [archive.readUInt16LE(end + 10), archive.readUInt32LE(end + 12), archive.readUInt32LE(end + 16)]
  const data = noise(MODEL_BYTES - archive.length, seed + 1)
  const prefix = archive.subarray(30, 30 + archive.readUInt16LE(26)).toString().split('/')[0]
  const name = Buffer.from(`${prefix}/extra/noise.bin`)
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt32LE(crc32(data), 10)
  common.writeUInt32LE(data.length, 14)
  common.writeUInt32LE(data.length, 18)
  common.writeUInt16LE(name.length, 22)
  const place = Buffer.alloc(14)
  place.writeUInt32LE(offset, 10)
  const central = Buffer.concat([archive.subarray(offset, offset + size), Buffer.from('PK\x01\x02\x14\x00'), common, place, name])
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, data])
  const record = Buffer.from('PK\x05\x06'.padEnd(22, '\0'), 'latin1')
  record.writeUInt16LE(count + 1, 8)
  record.writeUInt16LE(count + 1, 10)
  record.writeUInt32LE(central.length, 12)
  record.writeUInt32LE(offset + local.length, 16)
  return Buffer.concat([archive.subarray(0, offset), local, central, record])
}

/** Bytes that do not repeat, the same every time (xorshift). */
function noise(length, seed) {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = seed * 0x9e3779b9 >>> 0
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return Buffer.from(words.buffer, 0, length)
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
}
