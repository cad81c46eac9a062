// The zoo in our own runtime, against eager PyTorch:
//
//   node packages/runtime/test/zoo/run.mjs --only resnet18 [--form traced] [--engine webkit] [--raw]
//   node packages/runtime/test/zoo/run.mjs --set full --engine node --engine chromium=quick --engine webkit=some --report rows.json
//
// An engine without a set of its own runs all. Models named by --only are exported once and kept in .petal/zoo; others are written,
// run and removed one by one. Files are the compiler's (optimized) and PyTorch's own (raw); --raw or --optimized picks one.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ENGINES } from './engines.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '../../../..')
const CASE_SECONDS = 900
/** Models that the runtime refuses by name, and what it says it lacks. */
const REFUSED = { Dtypes: /BFloat16|ComplexFloat/ }

const { values: options } = parseArgs({ options: {
  set: { type: 'string', default: 'quick' }, only: { type: 'string', multiple: true }, form: { type: 'string' },
  engine: { type: 'string', multiple: true, default: ['node'] }, raw: { type: 'boolean' }, optimized: { type: 'boolean' },
  petal: { type: 'string', default: join(root, 'packages/core/dist/cli.js') }, dist: { type: 'string', default: join(root, 'packages/runtime/dist') },
  python: { type: 'string', default: process.env.PETAL_PYTHON || '/usr/bin/python3' }, report: { type: 'string' },
} })
const kinds = options.raw ? ['raw'] : options.optimized ? ['optimized'] : ['optimized', 'raw']
const folder = join(root, '.petal', options.only ? 'zoo' : 'zoo-sweep')
if (!options.only) rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })

const lanes = options.engine.map((text) => {
  const [name, set] = text.split('=')
  if (!ENGINES[name]) throw new Error(`no engine ${name}; there are ${Object.keys(ENGINES).join(', ')}`)
  return { name, set, engine: undefined }
})
const rows = []
for await (const { folder: path, sets, problem, ...about } of options.only ? kept() : exported()) {
  if (problem) {
    report({ ...about, file: 'both', engine: 'export', status: 'failed', problem })
    continue
  }
  for (const lane of lanes) {
    if (lane.set && !options.only && !sets.includes(lane.set)) continue
    for (const row of await runIn(lane, path, about)) report(row)
  }
  if (!options.only) rmSync(path, { recursive: true, force: true })
}
for (const { engine } of lanes) await engine?.close()
if (options.report) writeFileSync(options.report, JSON.stringify({ set: options.set, rows }, undefined, 1))
const count = (status) => rows.filter((row) => row.status === status).length
const missing = new Map()
for (const { code, problem } of rows) {
  for (const name of code === 'UNSUPPORTED_OPERATOR' ? problem.match(/\w+::[\w.]+/g) ?? [] : []) missing.set(name, (missing.get(name) ?? 0) + 1)
}
for (const [name, times] of [...missing].toSorted((a, b) => b[1] - a[1])) console.log(`missing: ${name}, in ${times} files`)
console.log(`runtime zoo: ${count('passed')} passed, ${count('refused')} refused, ${count('failed')} failed, ${count('absent')} without a file`)
process.exitCode = count('failed') > 0 ? 1 : 0

/** Runs a case; an engine that dies or hangs is one failed row and is started anew. */
async function runIn(lane, path, about) {
  let timer
  try {
    lane.engine ??= await ENGINES[lane.name]({ dist: options.dist, folder })
    const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error(`no answer within ${CASE_SECONDS} s`)), CASE_SECONDS * 1000) })
    return await Promise.race([lane.engine.run(path, kinds), late])
  } catch (error) {
    await Promise.resolve(lane.engine?.close()).catch(() => {})
    lane.engine = undefined
    return [{ ...about, file: kinds.join('+'), engine: lane.name, status: 'failed', problem: `${lane.name}: ${error.message}` }]
  } finally {
    clearTimeout(timer)
  }
}

function report(given) {
  const isRefused = given.code?.startsWith('UNSUPPORTED') && REFUSED[given.model]?.test(given.problem)
  const row = isRefused ? { ...given, status: 'refused' } : given
  rows.push(row)
  const detail = row.status === 'passed' ? `error ${row.worst.toExponential(1)}, ${row.sets} sets, load ${row.load} ms, run ${row.run} ms` : row.problem
  console.log(`${row.status.padStart(7)}  ${row.model} ${row.form} ${row.file} ${row.engine}: ${detail}`)
  // What the runtime refuses by itself has said all.
  if (options.only && row.stack && !row.code) console.log(row.stack)
}

/** Cases one by one as the exporter writes them; it waits where nobody reads on. */
async function* exported(args = ['--set', options.set]) {
  const form = options.form ? ['--form', options.form] : []
  const child = spawn(options.python, [join(here, 'export.py'), '--petal', options.petal, '--folder', folder, ...args, ...form], {
    stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  })
  const ended = new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', (code) => code === 0 ? done() : fail(new Error(`export.py ended with exit code ${code}`)))
  })
  ended.catch(() => {})
  for await (const line of createInterface({ input: child.stdout })) {
    yield JSON.parse(line)
    child.stdin.write('\n')
  }
  await ended
}

/** The named cases, exported where they were not or where the compiler or the zoo changed since. */
async function* kept() {
  const digest = createHash('sha256')
  const sources = join(root, 'packages/core/test/differential')
  for (const file of [join(here, 'export.py'), join(here, 'detection.py'), join(sources, 'zoo.py'), join(sources, 'language.py'), options.petal]) digest.update(readFileSync(file))
  const stamp = digest.digest('hex')
  for (const name of options.only) {
    const prefix = `${name.replaceAll(/[^0-9A-Za-z_.-]+/g, '_')}-`
    const list = join(folder, `${prefix}cases.json`)
    const known = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : {}
    if (known.stamp !== stamp || known.form !== options.form) {
      for (const old of readdirSync(folder).filter((entry) => entry.startsWith(prefix) && /-(traced|scripted)$/.test(entry))) rmSync(join(folder, old), { recursive: true })
      const cases = []
      for await (const one of exported(['--only', name])) cases.push(one)
      writeFileSync(list, JSON.stringify({ stamp, form: options.form, cases }))
    }
    yield* JSON.parse(readFileSync(list, 'utf8')).cases
  }
}
