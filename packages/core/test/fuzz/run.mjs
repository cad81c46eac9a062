// Fuzzes the compiler with mutated archives; README.md in this folder tells what counts as a failure and what was found.
//
//     node run.mjs [--seed 1] [--count 2000] [--first 0] [--time seconds] [--only family] [--of part-of-path] [--jobs 1]
//                  [--file number] [--steps 0,2] [--keep folder] [--python python-with-pytorch] [--report out.json]
//
// Closes with "fuzz: N passed, N failed".
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'tsdown'
import { FAMILY_NAMES, generate, readCorpus } from './generate.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const FIXTURES = join(here, '../fixtures')
const FOLDERS = ['archives', 'frontend', 'emit', 'archive']

/** What a file may take of a processor's time, and of memory beyond what the worker has anyway. */
const LIMITS = { seconds: 5, kilobytes: 512 * 1024 }
/** A worker that says nothing for so long, on a busy machine, hangs. */
const SILENCE = 60_000
/** Heap of a worker, in megabytes; buffers are not in it and are measured. */
const HEAP = 512
const BATCH = 100
const MAX_WAITING = 2000
/** A new worker now and then, so that what one file left behind is not laid at the next one's door. */
const FILES_OF_A_WORKER = 5000

const { values: options } = parseArgs({ options: {
  seed: { type: 'string', default: '1' }, count: { type: 'string', default: '2000' }, first: { type: 'string', default: '0' }, time: { type: 'string' },
  only: { type: 'string' }, of: { type: 'string', default: '' }, jobs: { type: 'string', default: '1' }, file: { type: 'string' }, steps: { type: 'string' }, keep: { type: 'string' },
  python: { type: 'string' }, report: { type: 'string' },
} })
const seed = Number(options.seed)
if (options.only !== undefined && !FAMILY_NAMES.includes(options.only)) throw new Error(`--only takes one of ${FAMILY_NAMES.join(', ')}`)

const temporary = mkdtempSync(join(tmpdir(), 'petal-fuzz-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
await build({
  config: false, cwd: here, entry: { subject: join(here, 'subject.ts') }, outDir: temporary, format: 'esm', platform: 'node', dts: false, logLevel: 'error',
  fixedExtension: true, noExternal: [/.*/], alias: { '@petaljs/runtime': join(here, '../../../runtime/src') },
})
const subject = join(temporary, 'subject.mjs')

/** A worker and the batches that it is given; `onLine` hears what it says, `onEnd` that it ended, by itself or for its silence. */
class Worker {
  #child
  #timer

  constructor(out, onLine, onEnd) {
    this.#child = spawn(process.execPath, [`--max-old-space-size=${HEAP}`, join(here, 'worker.mjs'), subject, FIXTURES, FOLDERS.join(','), options.of, out ?? ''], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let errors = ''
    this.#child.stderr.on('data', (text) => { errors = (errors + text).slice(-4000) })
    this.#child.stdin.on('error', () => undefined)
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#watch()
      onLine(JSON.parse(line))
    })
    this.#child.on('close', (code, signal) => {
      clearTimeout(this.#timer)
      onEnd(signal === 'SIGKILL' ? 'hangs' : `ended with ${code ?? signal}: ${errors}`)
    })
  }

  ask(batch) {
    this.#watch()
    this.#child.stdin.write(`${JSON.stringify(batch)}\n`)
  }

  #watch() {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#child.kill('SIGKILL'), SILENCE)
  }

  close() {
    this.#child.stdin.end()
  }
}

/** One file in a worker of its own: what it says, or {result: 'failed'} for what ends it. */
function alone(index, keep) {
  return new Promise((resolve) => {
    let answer
    const worker = new Worker(undefined, (line) => {
      if ('end' in line) answer = judged(line)
      if ('done' in line) worker.close()
    }, (end) => resolve(answer ?? { result: 'failed', detail: end }))
    worker.ask({ seed, from: index, to: index + 1, only: options.only, keep })
  })
}

/** An outcome with what it took held against the limits. */
function judged(line) {
  if (line.cpu > LIMITS.seconds) return { ...line, result: 'failed', detail: `${line.result} after ${line.cpu.toFixed(1)} seconds (${line.detail})` }
  if (line.grown > LIMITS.kilobytes) return { ...line, result: 'failed', detail: `${line.result} with ${line.grown >> 10} MiB (${line.detail})` }
  return line
}

const counts = {}
const codes = {}
const theirs = {}
const failures = []
const took = { cpu: 0, longest: 0, largest: 0 }
const add = (table, key) => { table[key] = (table[key] ?? 0) + 1 }

async function fail(index, why) {
  let first = await alone(index)
  if (first.result !== 'failed') {
    console.log(`${index} failed only in company: ${why}`)
    return add(counts, 'only in company')
  }
  // Steps that it fails without are left out.
  const all = Array.from({ length: first.count ?? 5 }, (_, i) => i)
  let keep = all
  for (const step of all) {
    const fewer = keep.filter((each) => each !== step)
    if (fewer.length === 0) break
    const answer = await alone(index, fewer)
    if (answer.result !== 'failed') continue
    keep = fewer
    first = answer
  }
  const { path, steps, bytes } = generate(corpus, seed, index, { only: options.only, keep })
  failures.push({ index, path, steps: steps.map(({ what }) => what), detail: first.detail ?? why })
  console.log(`FAILED ${index} (${path}; ${steps.map(({ what }) => what).join('; ')}): ${String(first.detail).slice(0, 600)}`)
  if (options.keep) {
    mkdirSync(options.keep, { recursive: true })
    writeFileSync(join(options.keep, `${seed}-${index}.pt`), bytes)
  }
}

/** Has PyTorch read and run what was accepted; one process, a new one where a file ends it. */
class Judge {
  #child
  #waiting = []
  #begun
  #timer
  #idle = []

  add(index, path) {
    this.#waiting.push({ index, path })
    if (!this.#begun) this.#next()
  }

  #start() {
    this.#child = spawn(options.python, [join(here, 'judge.py'), join(FIXTURES, 'archives')], { stdio: ['pipe', 'pipe', 'ignore'] })
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#end(JSON.parse(line)))
    const child = this.#child
    child.stdin.on('error', () => undefined)
    child.on('close', () => {
      if (this.#child === child) this.#child = undefined
      if (this.#begun) this.#end({ verdict: 'PyTorch crashes or hangs' })
    })
  }

  #next() {
    this.#begun = this.#waiting.shift()
    if (!this.#begun) {
      for (const wake of this.#idle.splice(0)) wake()
      return
    }
    if (!this.#child) this.#start()
    const { index, path } = this.#begun
    this.#timer = setTimeout(() => this.#child?.kill('SIGKILL'), 20_000)
    this.#child.stdin.write(`${JSON.stringify({ source: join(temporary, `${index}.pt`), target: join(temporary, `${index}.ptl`), path })}\n`)
  }

  #end({ verdict, detail }) {
    clearTimeout(this.#timer)
    const { index, path } = this.#begun
    this.#begun = undefined
    add(counts, `judged: ${verdict}`)
    // Grouped by how PyTorch's error begins.
    if (verdict === 'only we accept') add(theirs, detail.split('\n', 1)[0].replaceAll(/['"\d].*/g, '…').slice(0, 60))
    if (verdict === 'differs' || verdict === 'only we accept, and it does not load') {
      const { steps } = generate(corpus, seed, index, { only: options.only })
      const said = { index, path, steps: steps.map(({ what }) => what), detail: `${verdict}: ${detail}` }
      failures.push(said)
      console.log(`${verdict.toUpperCase()} ${index} (${path}; ${said.steps.join('; ')}): ${String(detail).slice(0, 500)}`)
      if (options.keep) {
        mkdirSync(options.keep, { recursive: true })
        for (const end of ['pt', 'ptl']) copyFileSync(join(temporary, `${index}.${end}`), join(options.keep, `${seed}-${index}.${end}`))
      }
    }
    for (const end of ['pt', 'ptl']) unlinkSync(join(temporary, `${index}.${end}`))
    this.#next()
  }

  /** Waits while there is much to judge: each takes two files on the disk. */
  async caughtUp() {
    while (this.#waiting.length > MAX_WAITING) await new Promise((wake) => setTimeout(wake, 500))
  }

  /** When all that was added is judged. */
  async settled() {
    if (this.#begun) await new Promise((wake) => this.#idle.push(wake))
    this.#child?.stdin.end()
  }
}

const corpus = readCorpus(FIXTURES, FOLDERS, options.of)
const judge = options.python === undefined ? undefined : new Judge()

/** Files [from, to) in one worker after another, until the time is over. */
async function examineAll(take) {
  let batch
  while ((batch = take())) {
    let { from } = batch
    let files = 0
    const suspects = []
    await new Promise((resolve) => {
      let current = from
      const again = () => {
        files += batch.to - batch.from
        batch = files < FILES_OF_A_WORKER ? take() : undefined
        if (batch) {
          from = batch.from
          worker.ask({ seed, from, to: batch.to, only: options.only })
        } else worker.close()
      }
      let worker
      const start = () => {
        worker = new Worker(judge && temporary, (line) => {
          if ('begin' in line) current = line.begin
          if ('done' in line) again()
          if (!('end' in line)) return
          from = line.end + 1
          const outcome = judged(line)
          add(counts, outcome.result)
          if (outcome.result === 'refused') add(codes, outcome.detail)
          took.cpu += line.cpu
          took.longest = Math.max(took.longest, line.cpu)
          took.largest = Math.max(took.largest, line.grown)
          if (outcome.result === 'failed') {
            console.error(`${line.end} is tried again alone: ${outcome.detail.slice(0, 300)}`)
            suspects.push([line.end, outcome.detail])
          }
          if (outcome.result === 'accepted') judge?.add(line.end, line.path)
        }, (end) => {
          if (!batch || from >= batch.to) return resolve()
          // It ended within the batch: the rest goes to another.
          add(counts, 'failed')
          suspects.push([current, end])
          from = current + 1
          start()
          if (from < batch.to) worker.ask({ seed, from, to: batch.to, only: options.only })
          else again()
        })
      }
      start()
      worker.ask({ seed, from, to: batch.to, only: options.only })
    })
    for (const [index, why] of suspects) await fail(index, why)
    await judge?.caughtUp()
  }
}

const begun = Date.now()
if (options.file !== undefined) {
  const keep = options.steps?.split(',').map(Number)
  const { path, steps, bytes } = generate(corpus, seed, Number(options.file), { only: options.only, keep })
  console.log(path, steps)
  if (options.keep) writeFileSync(options.keep, bytes)
  console.log(await alone(Number(options.file), keep))
} else {
  let next = Number(options.first)
  const end = next + Number(options.count)
  const take = () => {
    if (next >= end || (options.time && Date.now() - begun > Number(options.time) * 1000)) return undefined
    const from = next
    next = Math.min(next + BATCH, end)
    return { from, to: next }
  }
  const summary = () => ({ seed, files: next - Number(options.first), counts, codes, theirs, took: { ...took, seconds: (Date.now() - begun) / 1000 }, failures })
  const write = () => options.report && writeFileSync(options.report, JSON.stringify(summary(), undefined, 1))
  const show = setInterval(() => {
    console.error(`${next} files, ${JSON.stringify(counts)}`)
    write()
  }, 60_000)
  await Promise.all(Array.from({ length: Number(options.jobs) }, () => examineAll(take)))
  await judge?.settled()
  clearInterval(show)
  write()
  const { files } = summary()
  console.log(JSON.stringify({ counts, codes, theirs, took: summary().took }, undefined, 1))
  console.log(`fuzz: ${files - failures.length} passed, ${failures.length} failed`)
  process.exitCode = failures.length > 0 ? 1 : 0
}
