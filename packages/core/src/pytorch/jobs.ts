import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { crashFailure, filesOf, type Frame, projectFrame, startFailure } from './crash.ts'
import type { ConversionControl, ConversionJob } from './engine.ts'
import { type Launch, startWorker, type WorkerEnd, type WorkerProcess } from './process.ts'
import type { RawConversion, WorkerFailure } from './protocol.ts'

/** How long a worker without work is kept: long enough for a developer's next edit, short enough to give the memory back. */
const IDLE_MS = 5 * 60_000

/** How long a worker may take to say hello; it has imported nothing but the standard library by then. */
const START_MS = 60_000

/** How long a worker that took too long has to say where it is. */
const INTERROGATION_MS = 300

/** A job is tried this often when its worker ends under it. */
const ATTEMPTS = 2

export interface JobsOptions {
  /** Says what to start; asked before each job. When the key of the answer is another than before, the worker is replaced. */
  launch(): Promise<Launch & { readonly key: string }>
  /** Seconds that one job may take, the start of Python and further attempts included. */
  readonly timeLimit: number
  readonly idleMs?: number
  onOutput?(line: string): void
}

export type Outcome = { readonly result: RawConversion } | { readonly failure: WorkerFailure }

/** Jobs for one worker process, which is started, replaced and ended as they need it. */
export interface Jobs {
  /** Rejects only with what `launch` rejects with. */
  run(job: ConversionJob, control?: ConversionControl): Promise<Outcome>
  /** Ends the worker and every job; later jobs start another. */
  close(): Promise<void>
}

/** The worker's answer, or how it ended without one. */
type Answer = Outcome | { readonly end: WorkerEnd }

interface Entry {
  readonly job: ConversionJob
  readonly control: ConversionControl
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
  /** Ended from here; whoever did it settles it. */
  isStopped: boolean
  phase: string | undefined
}

interface Worker {
  readonly key: string
  readonly command: string
  readonly process: WorkerProcess
  isReady: boolean
  /** What waits for it: told by its messages and its end. */
  onReady: () => void
  onAnswer: (id: number, outcome: Outcome) => void
  onProgress: (id: number, progress: { phase: string; share: number }) => void
  onOutput: (line: string) => void
  onEnd: (end: WorkerEnd) => void
}

const nothing = (): void => {}

/** Jobs are done one at a time, in their order. */
export function createJobs(options: JobsOptions): Jobs {
  const queue: Entry[] = []
  let current: Entry | undefined
  let worker: Worker | undefined
  let idling: NodeJS.Timeout | undefined
  let count = 0
  let leaving: Promise<unknown> = Promise.resolve()

  /** Ends the worker; whoever asks for one from now on gets another. */
  const dismiss = (): Promise<unknown> => {
    leaving = Promise.all([leaving, worker?.process.kill()])
    worker = undefined
    return leaving
  }

  const start = (launch: Launch & { readonly key: string }): Worker => {
    const late = setTimeout(() => { void started.process.kill(`it said nothing for ${START_MS / 1000} s`) }, START_MS)
    const started: Worker = {
      key: launch.key, command: launch.command, isReady: false,
      onReady: nothing, onAnswer: nothing, onProgress: nothing, onOutput: nothing, onEnd: nothing,
      process: startWorker(launch, {
        onHello() {
          clearTimeout(late)
          started.isReady = true
          started.onReady()
        },
        onMessage(message) {
          if ('progress' in message) started.onProgress(message.id, message.progress)
          else started.onAnswer(message.id, message)
        },
        onOutput(line) {
          started.onOutput(line)
          options.onOutput?.(line)
        },
        onEnd(end) {
          clearTimeout(late)
          if (worker === started) worker = undefined
          started.onEnd(end)
        },
      }),
    }
    return started
  }

  /** One try. */
  const attempt = (hired: Worker, entry: Entry): Promise<Answer> => new Promise((resolve) => {
    const id = ++count
    hired.onProgress = (about, progress) => {
      if (about !== id || entry.isStopped) return
      entry.phase = progress.phase
      entry.control.onProgress?.(progress)
    }
    hired.onAnswer = (about, outcome) => { if (about === id) resolve(outcome) }
    hired.onEnd = (end) => { resolve({ end }) }
    hired.onReady = () => { hired.process.send({ id, method: 'convert', params: entry.job }) }
    if (hired.isReady) hired.onReady()
  })

  const serve = async (entry: Entry): Promise<void> => {
    for (let left = ATTEMPTS; !entry.isStopped; left--) {
      const launch = await options.launch()
      if (worker !== undefined && worker.key !== launch.key) await dismiss()
      if (entry.isStopped) return
      const hired = worker ??= start(launch)
      hired.process.hold(true)
      const outcome = await attempt(hired, entry)
      if (entry.isStopped) return
      if (!('end' in outcome)) return entry.resolve(outcome)
      if (left > 1) continue
      const { job, phase } = entry
      const failure = hired.isReady ? crashFailure(job, outcome.end, phase) : startFailure(job, outcome.end, hired.command)
      return entry.resolve({ failure })
    }
  }

  /** Ends a job that waits or is under way, and tells why. */
  const stop = async (entry: Entry, failure: () => WorkerFailure | Promise<WorkerFailure>): Promise<void> => {
    if (entry.isStopped) return
    entry.isStopped = true
    const place = queue.indexOf(entry)
    if (place >= 0) queue.splice(place, 1)
    const told = await failure()
    if (entry === current) await dismiss()
    entry.resolve({ failure: told })
  }

  /** Where a worker is that takes too long. */
  const interrogate = async (): Promise<string[]> => {
    const said: string[] = []
    if (worker === undefined) return said
    worker.onOutput = (line) => { said.push(line) }
    worker.process.interrogate()
    await delay(INTERROGATION_MS)
    return said
  }

  const work = async (): Promise<void> => {
    if (current !== undefined) return
    clearTimeout(idling)
    for (current = queue.shift(); current !== undefined; current = queue.shift()) {
      const entry = current
      const overrun = async (): Promise<WorkerFailure> => timeFailure(entry, options.timeLimit, await interrogate())
      const limit = setTimeout(() => { void stop(entry, overrun) }, options.timeLimit * 1000)
      try {
        await serve(entry)
      } catch (error) {
        entry.reject(error)
      } finally {
        clearTimeout(limit)
        entry.isStopped = true
      }
    }
    worker?.process.hold(false)
    idling = setTimeout(() => { void dismiss() }, options.idleMs ?? IDLE_MS).unref()
  }

  return {
    run: (job, control = {}) => new Promise((resolve, reject) => {
      const { signal } = control
      if (signal?.aborted) return resolve({ failure: cancelled(job, 'was cancelled') })
      const abort = (): void => { void stop(entry, () => cancelled(job, 'was cancelled')) }
      const settled = (): void => { signal?.removeEventListener('abort', abort) }
      const entry: Entry = {
        job, control, isStopped: false, phase: undefined,
        resolve(outcome) { settled(); resolve(outcome) },
        reject(error) { settled(); reject(error) },
      }
      signal?.addEventListener('abort', abort)
      queue.push(entry)
      void work()
    }),
    async close() {
      clearTimeout(idling)
      const entries = [...queue, ...current === undefined ? [] : [current]]
      await Promise.all(entries.map((entry) => stop(entry, () => cancelled(entry.job, 'ended with the build'))))
      await dismiss()
    },
  }
}

function cancelled(job: ConversionJob, how: string): WorkerFailure {
  return { code: 'CONVERSION_CANCELLED', what: `The conversion of ${basename(job.source.file)} ${how}.`, dependencies: filesOf(job) }
}

function whyLate(phase: string | undefined, frame: Frame | undefined): string {
  if (phase === 'importing torch') return 'This machine is busy with other work, or out of memory.'
  if (frame !== undefined) return `It was in "${frame.name}" by then: the code loops for ever, waits for something, or has much to do.`
  return 'The model\'s Python code loops for ever or waits for something, or the model is large for this machine.'
}

function timeFailure({ job, phase }: Entry, limit: number, said: readonly string[]): WorkerFailure {
  const frame = projectFrame(said, job.root, job.source.file)
  const when = phase === undefined ? 'at its start' : `while ${phase}`
  return {
    code: 'CONVERSION_TIMEOUT',
    what: `Converting ${basename(job.source.file)} took longer than ${limit} s and was ended ${when}.`,
    cause: whyLate(phase, frame),
    fix: 'Mend the code, give smaller example inputs, or raise the option "timeLimit" (in seconds).',
    ...frame && { file: frame.file, line: frame.line },
    dependencies: filesOf(job),
  }
}
