import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ConversionJob } from '../../src/pytorch/engine.ts'
import type { RawConversion, WorkerFailure } from '../../src/pytorch/protocol.ts'

const MAIN: string = join(import.meta.dirname, '../../src/pytorch/worker/main.py')

/** What a job differs in from the plainest. `file` is relative to the project's folder, as `weights` is. */
export interface JobChanges extends Partial<Omit<ConversionJob, 'source' | 'root' | 'output'>> {
  readonly kind?: ConversionJob['source']['kind']
  readonly file?: string
}

export interface Answer {
  readonly result?: RawConversion
  readonly failure?: WorkerFailure
  readonly phases: readonly string[]
}

/** A folder of files for a test; its path has a space and letters beyond ASCII in it. */
export interface Project {
  readonly root: string
  readonly output: string
  path(name: string): string
  job(changes?: JobChanges): ConversionJob
  remove(): void
}

/** Writes a project's files, given by relative path. */
export function project(files: Readonly<Record<string, string>>): Project {
  const folder = mkdtempSync(join(tmpdir(), 'petal wörker-'))
  const root = join(folder, 'app')
  const path = (name: string): string => join(root, name)
  mkdirSync(root)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(path(name)), { recursive: true })
    writeFileSync(path(name), text)
  }
  const output = join(folder, 'out.pt')
  return {
    root, output, path,
    job: ({ kind = 'python', file = 'net.py', weights, ...rest } = {}) => ({
      source: { kind, file: path(file) }, root, output, convert: 'trace', entry: '', args: [], input: [], script: [], trace: [], check: 'none',
      quantize: 'none', trust: false, weights: weights ? path(weights) : '', ...rest,
    }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The worker itself, spoken to as the engine does, without the engine. */
export class Worker {
  readonly child: ChildProcess
  readonly hello: Promise<unknown>
  /** Resolves with the exit code when the process is gone. */
  readonly gone: Promise<number | null>
  printed = ''
  #next = 0
  readonly #waiting = new Map<number, { phases: string[]; resolve: (answer: Answer) => void }>()

  constructor(python: string, env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(python, [MAIN], { env: { ...process.env, PYTHONHASHSEED: '0', ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => { this.printed += text })
    this.gone = new Promise((resolve) => { this.child.on('close', resolve) })
    let greet: (hello: unknown) => void
    this.hello = new Promise((resolve) => { greet = resolve })
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      const message = JSON.parse(line) as { hello?: unknown; id: number; progress?: { phase: string } }
      if (message.hello !== undefined) return greet(message.hello)
      const waiting = this.#waiting.get(message.id)!
      if (message.progress) waiting.phases.push(message.progress.phase)
      else waiting.resolve({ ...message as object, phases: waiting.phases })
    })
  }

  /** Sends a job; rejects when the worker ends without an answer. */
  convert(job: ConversionJob): Promise<Answer> {
    const id = this.#next++
    const answer = new Promise<Answer>((resolve) => { this.#waiting.set(id, { phases: [], resolve }) })
    this.child.stdin!.write(`${JSON.stringify({ id, method: 'convert', params: job })}\n`)
    const ended = this.gone.then((code) => { throw new Error(`the worker ended with ${code}:\n${this.printed}`) })
    return Promise.race([answer, ended])
  }

  /** Ends the requests, as a build does that is over or was killed. */
  close(): Promise<number | null> {
    this.child.stdin!.end()
    return this.gone
  }
}
