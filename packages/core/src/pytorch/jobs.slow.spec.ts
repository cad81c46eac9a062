import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundle } from '../../test/support/bundle.ts'
import type { ConversionJob } from './engine.ts'
import { pythonEnvironment } from './environment.ts'
import { createJobs, type Jobs, type JobsOptions, type Outcome } from './jobs.ts'
import type { RawConversion, WorkerFailure } from './protocol.ts'

const SPEAKER = join(import.meta.dirname, '../../test/fixtures/worker/speaker.py')
const PYTHON = ['python3', 'python'].find((name) => spawnSync(name, ['-c', 'import ctypes']).status === 0)
if (PYTHON === undefined) process.stderr.write('No Python: the specs of the worker process are SKIPPED.\n')

let folder: string
let output: string[]
let running: Jobs[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'petal-jobs-'))
  output = []
})
afterEach(async () => {
  await Promise.all(running.map((jobs) => jobs.close()))
  running = []
  rmSync(folder, { recursive: true, force: true })
})

function jobsWith(mode = '', options: Partial<JobsOptions> = {}): Jobs {
  const jobs = createJobs({
    timeLimit: 20,
    onOutput: (line) => output.push(line),
    launch: async () => ({ command: PYTHON!, args: [SPEAKER, mode], cwd: folder, env: pythonEnvironment(process.env), key: '' }),
    ...options,
  })
  running.push(jobs)
  return jobs
}

const job = (entry: string): ConversionJob => ({
  source: { kind: 'python', file: join(folder, 'net.py') }, root: folder, output: join(folder, 'net.pt'), convert: 'auto', entry,
  args: [], input: [], weights: '', script: [], trace: [], check: 'auto', quantize: 'none', trust: false,
})

function resultOf(outcome: Outcome): RawConversion {
  expect(outcome).not.toHaveProperty('failure')
  return (outcome as { result: RawConversion }).result
}

function failureOf(outcome: Outcome): WorkerFailure {
  expect(outcome).not.toHaveProperty('result')
  return (outcome as { failure: WorkerFailure }).failure
}

/** The process that a result came from. */
const pidOf = (outcome: Outcome): number => Number(resultOf(outcome).facts.why)

/** Not there any more; one that ended but was not yet collected by its parent counts as gone. */
function isGone(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() === '' || stdout.trim().startsWith('Z')
}

describe.skipIf(PYTHON === undefined)('the worker process', () => {
  it('serves many jobs in their order, and tells how far they are', async () => {
    const jobs = jobsWith()
    const phases: string[] = []
    const order: number[] = []
    const outcomes = await Promise.all([1, 2, 3].map(async (number) => {
      const outcome = await jobs.run(job(''), { onProgress: ({ phase, share }) => phases.push(`${phase} ${share}`) })
      order.push(number)
      return outcome
    }))
    expect(new Set(outcomes.map(pidOf)).size).toBe(1)
    expect(order).toEqual([1, 2, 3])
    expect(phases).toEqual(['tracing 0.5', 'tracing 0.5', 'tracing 0.5'])
  })

  it('takes what is no message for something that Python printed', async () => {
    const jobs = jobsWith('noisy')
    resultOf(await jobs.run(job('noise')))
    await expect.poll(() => output.includes('in between')).toBe(true)
    const spoken = ['Welcome to Python', '{"id": 1, "result": {}}', '{not json', '{"id": 1}', '[1, 2]']
    expect(output.filter((line) => line !== 'in between')).toEqual(spoken)
  })

  it('reads messages that arrive byte by byte, and long ones', async () => {
    const jobs = jobsWith()
    expect(resultOf(await jobs.run(job('split'))).facts.torch).toBe('ä€😀')
    expect(resultOf(await jobs.run(job('huge'))).facts.inputs![0]).toHaveLength(8 << 20)
  })

  it('does not read without end', async () => {
    const failure = failureOf(await jobsWith().run(job('too-huge')))
    expect(failure).toMatchObject({ code: 'WORKER_CRASHED' })
    expect(failure.what).toContain('it sent a message of more than 64 MB')
  })

  it('passes failures on, and lives', async () => {
    const jobs = jobsWith()
    const before = pidOf(await jobs.run(job('')))
    expect(failureOf(await jobs.run(job('refuse')))).toMatchObject({ code: 'REFUSED', what: 'No.' })
    expect(pidOf(await jobs.run(job('')))).toBe(before)
  })

  it.each(['crash-once', 'die-once'])('tries a job again in a new process: %s', async (entry) => {
    const jobs = jobsWith()
    const before = pidOf(await jobs.run(job('')))
    const after = pidOf(await jobs.run(job(entry)))
    expect(after).not.toBe(before)
    expect(pidOf(await jobs.run(job('')))).toBe(after)
  })

  it('reports a second crash with its last words, and serves the next job', async () => {
    const jobs = jobsWith()
    const [crash, next] = await Promise.all([jobs.run(job('crash')), jobs.run(job(''))])
    const failure = failureOf(crash)
    expect(failure.code).toBe('WORKER_CRASHED')
    expect(failure.what).toBe([
      'Python was ended by SIGSEGV while tracing, twice, when net.py was converted.',
      'Its last words:', '  about to crash', '  Fatal Python error: Segmentation fault',
    ].join('\n'))
    expect(failure.dependencies).toEqual([join(folder, 'net.py')])
    resultOf(next)
  })

  it('names the most recent line of the project in a crash', async () => {
    await writeFile(join(folder, 'net.py'), 'import ctypes\n\ndef forward():\n    ctypes.string_at(0)\n\nforward()\n')
    expect(failureOf(await jobsWith().run(job('source')))).toMatchObject({ code: 'WORKER_CRASHED', file: join(folder, 'net.py'), line: 4 })
  })

  it('reports a process that ends itself', async () => {
    const failure = failureOf(await jobsWith().run(job('exit')))
    expect(failure).toMatchObject({ code: 'WORKER_CRASHED' })
    expect(failure.what).toContain('ended itself with exit code 7 while tracing')
    expect(failure.what).toContain('bye')
  })

  it.each([
    ['exits', /ended itself with exit code 3.*\n.*\n {2}libfoo\.so: cannot open/],
    ['old', /it was ended, as it speaks protocol 99, not 1/],
  ])('reports a worker that does not start: %s', async (mode, message) => {
    expect(failureOf(await jobsWith(mode).run(job('')))).toMatchObject({ code: 'WORKER_NOT_STARTED', what: expect.stringMatching(message) })
  })

  it('reports a command that is not there', async () => {
    const launch: JobsOptions['launch'] = async () => ({ command: join(folder, 'nothing'), args: [], cwd: folder, env: {}, key: '' })
    const failure = failureOf(await jobsWith('', { launch }).run(job('')))
    expect(failure).toMatchObject({ code: 'WORKER_NOT_STARTED', what: expect.stringContaining('ENOENT') })
  })

  it('rejects with what `launch` rejects with, each time', async () => {
    const jobs = jobsWith('', { launch: async () => { throw new Error('no Python') } })
    await expect(jobs.run(job(''))).rejects.toThrow('no Python')
    await expect(jobs.run(job(''))).rejects.toThrow('no Python')
  })

  it.each([
    ['loops', 'while True:\n        pass'], ['waits', 'import time\n    time.sleep(60)'],
  ])('ends a job that takes too long, and says where it was: %s', async (_, body) => {
    await writeFile(join(folder, 'net.py'), `def forward():\n    ${body}\n\nforward()\n`)
    const jobs = jobsWith('', { timeLimit: 1 })
    const started = performance.now()
    const failure = failureOf(await jobs.run(job('source')))
    expect(performance.now() - started).toBeLessThan(4000)
    expect(failure).toMatchObject({ code: 'CONVERSION_TIMEOUT', file: join(folder, 'net.py') })
    expect(failure.cause).toContain('It was in "forward"')
    expect([2, 3]).toContain(failure.line)
    expect(failure.what).toBe('Converting net.py took longer than 1 s and was ended while tracing.')
    expect(failure.fix).toContain('timeLimit')
    resultOf(await jobs.run(job('')))
  })

  it('ends a job that is cancelled, with all that it started', async () => {
    const jobs = jobsWith()
    const control = new AbortController()
    const outcome = jobs.run(job('child'), { signal: control.signal })
    while (!output.some((line) => line.startsWith('child '))) await delay(20)
    control.abort()
    expect(failureOf(await outcome)).toMatchObject({ code: 'CONVERSION_CANCELLED', what: 'The conversion of net.py was cancelled.' })
    const child = Number(output.find((line) => line.startsWith('child '))!.slice('child '.length))
    await delay(100)
    expect(isGone(child)).toBe(true)
    resultOf(await jobs.run(job('')))
  })

  it('does not begin jobs that were cancelled while they waited', async () => {
    const jobs = jobsWith()
    const control = new AbortController()
    const phases: string[] = []
    const first = jobs.run(job('loop-once'), { onProgress: () => { control.abort() } })
    const second = jobs.run(job(''), { signal: control.signal, onProgress: ({ phase }) => phases.push(phase) })
    expect(failureOf(await second).code).toBe('CONVERSION_CANCELLED')
    expect(failureOf(await jobs.run(job(''), { signal: AbortSignal.abort() })).code).toBe('CONVERSION_CANCELLED')
    await jobs.close()
    expect(failureOf(await first).what).toBe('The conversion of net.py ended with the build.')
    expect(phases).toEqual([])
  })

  it('ends at once when it is closed, busy or not, and starts anew', async () => {
    const jobs = jobsWith()
    const before = pidOf(await jobs.run(job('')))
    await jobs.close()
    expect(isGone(before)).toBe(true)
    const outcomes = [jobs.run(job('sleep'), { onProgress: () => { void jobs.close() } }), jobs.run(job(''))]
    const codes = (await Promise.all(outcomes)).map((outcome) => failureOf(outcome).code)
    expect(codes).toEqual(['CONVERSION_CANCELLED', 'CONVERSION_CANCELLED'])
    expect(pidOf(await jobs.run(job('')))).not.toBe(before)
  })

  it('may be closed before Python has started', async () => {
    const jobs = jobsWith()
    const outcome = jobs.run(job(''))
    await jobs.close()
    expect(failureOf(await outcome).code).toBe('CONVERSION_CANCELLED')
    resultOf(await jobs.run(job('')))
  })

  it('replaces the worker when another Python is to be used', async () => {
    let key = 'a'
    const launch: JobsOptions['launch'] = async () => ({ command: PYTHON!, args: [SPEAKER], cwd: folder, env: process.env, key })
    const jobs = jobsWith('', { launch })
    const before = pidOf(await jobs.run(job('')))
    key = 'b'
    expect(pidOf(await jobs.run(job('')))).not.toBe(before)
    expect(isGone(before)).toBe(true)
  })

  it('ends a worker that has had nothing to do for a while', async () => {
    const jobs = jobsWith('', { idleMs: 50 })
    const before = pidOf(await jobs.run(job('')))
    await delay(500)
    expect(isGone(before)).toBe(true)
    resultOf(await jobs.run(job('')))
  })
})

describe.skipIf(PYTHON === undefined)('Node and its worker', () => {
  let code: string | undefined
  afterAll(() => { if (code !== undefined) rmSync(code, { recursive: true, force: true }) })

  /** A Node process that runs one job, and says the number of its worker. */
  async function node(entry: string, after: string): Promise<{ child: ReturnType<typeof spawn>; worker: () => Promise<number> }> {
    code ??= await bundle({ jobs: 'src/pytorch/jobs.ts' })
    const script = join(folder, 'run.mjs')
    await writeFile(script, `
      import { createJobs } from ${JSON.stringify(join(code, 'jobs.js'))}
      const jobs = createJobs({ timeLimit: 30, onOutput: (line) => console.log(line), launch: async () => (
        { command: ${JSON.stringify(PYTHON)}, args: [${JSON.stringify(SPEAKER)}], cwd: '.', env: process.env, key: '' }) })
      const job = ${JSON.stringify(job(''))}
      const { result } = await jobs.run(job)
      console.log('worker ' + result.facts.why)
      const entry = ${JSON.stringify(entry)}
      if (entry !== '') void jobs.run({ ...job, entry }, { onProgress: () => console.log('busy') })
      ${after}
    `)
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString() })
    const worker = async (): Promise<number> => {
      const awaited = entry === '' ? /worker/ : /busy/
      while (!awaited.test(text)) await delay(20)
      return Number(/worker (\d+)/.exec(text)![1])
    }
    return { child, worker }
  }

  async function isGoneSoon(pid: number): Promise<boolean> {
    for (let left = 100; left > 0 && !isGone(pid); left--) await delay(20)
    return isGone(pid)
  }

  it('a worker without work does not keep Node running, and ends with it', async () => {
    const { child, worker } = await node('', '')
    const [status] = await once(child, 'exit') as [number]
    expect(status).toBe(0)
    expect(await isGoneSoon(await worker())).toBe(true)
  }, 20_000)

  it.each([
    ['sleep', 'SIGKILL'], ['loop', 'SIGKILL'], ['loop', 'SIGINT'],
  ] as const)('no worker is left when Node is killed: %s, %s', async (entry, signal) => {
    const { child, worker } = await node(entry, '')
    const pid = await worker()
    expect(isGone(pid)).toBe(false)
    child.kill(signal)
    await once(child, 'exit')
    expect(await isGoneSoon(pid)).toBe(true)
  }, 20_000)

  it('no worker is left when Node exits amid a job', async () => {
    const { child, worker } = await node('loop', 'setTimeout(() => process.exit(5), 500)')
    const [status] = await once(child, 'exit') as [number]
    expect(status).toBe(5)
    expect(await isGoneSoon(await worker())).toBe(true)
  }, 20_000)
})
