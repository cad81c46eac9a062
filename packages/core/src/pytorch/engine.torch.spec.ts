import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundle } from '../../test/support/bundle.ts'
import { torchPythons } from '../../test/support/torch.ts'
import type { PetalError } from '../errors.ts'
import { createPyTorch, type PyTorchOptions } from './create.ts'
import type { ConversionJob, Engine } from './engine.ts'

let folder: string
let output: string[]
const engines: Engine[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'petal-engine-'))
  output = []
})
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
  rmSync(folder, { recursive: true, force: true })
})

const NET = `import torch

class Net(torch.nn.Module):
    def forward(self, x):
        BODY
        return torch.relu(x) + SHIFT

model = Net()
`

/** A model whose `forward` does `body` first. */
function source(name: string, body = 'pass', shift = 1): string {
  const file = join(folder, name)
  writeFileSync(file, NET.replace('BODY', body.replaceAll('\n', '\n        ')).replace('SHIFT', String(shift)))
  return file
}

const job = (file: string, options: Partial<ConversionJob> = {}): ConversionJob => ({
  source: { kind: 'python', file }, root: folder, output: `${file}.pt`, convert: 'trace', entry: '', args: [],
  input: [{ kind: 'tensor', dtype: 'float32', shape: [1, 3] }], weights: '', script: [], trace: [], check: 'auto', quantize: 'none',
  trust: false, ...options,
})

function refusalOf(work: Promise<unknown>): Promise<PetalError> {
  return work.then(() => { throw new Error('converted') }, (error: PetalError) => error)
}

/** The workers that are running in the spec's folder, out of all processes. */
function workers(): number[] {
  const { stdout } = spawnSync('pgrep', ['-f', 'pytorch/worker/main.py'], { encoding: 'utf8' })
  const isOurs = (pid: number): boolean => spawnSync('readlink', [`/proc/${pid}/cwd`], { encoding: 'utf8' }).stdout.trim() === folder
  return stdout.split('\n').filter(Boolean).map(Number).filter(isOurs)
}

describe.skipIf(torchPythons.length === 0).each(torchPythons)('the engine on $name', ({ executable, version }) => {
  function engineWith(options: Partial<PyTorchOptions> = {}): Engine {
    const engine = createPyTorch({ root: folder, python: executable, onOutput: (line) => output.push(line), ...options })
    engines.push(engine)
    return engine
  }

  it('says what it is without starting it', async () => {
    const memo = join(folder, 'memo')
    const identity = (await engineWith({ memo }).identify())!
    expect(identity).toMatchObject({ torch: version, python: expect.stringMatching(/^3\.\d+\.\d+$/) })
    expect(await identity.packageVersion('numpy')).toMatch(/^\d/)
    expect(await identity.packageVersion('no-such-package')).toBeUndefined()
    expect(await engineWith({ memo }).identify()).toMatchObject({ torch: version })
    expect(workers()).toEqual([])
  })

  it('imports torch once for ten models', async () => {
    const engine = engineWith()
    const phases: string[] = []
    const seen = new Set<number>()
    await Promise.all(Array.from({ length: 10 }, async (_, number) => {
      const file = source(`net${number}.py`, 'pass', number)
      const { facts, dependencies } = await engine.convert(job(file, { convert: number % 2 ? 'script' : 'trace' }), {
        onProgress({ phase }) {
          phases.push(phase)
          for (const pid of workers()) seen.add(pid)
        },
      })
      expect(facts).toMatchObject({ method: number % 2 ? 'script' : 'trace', torch: version })
      expect(dependencies).toEqual([file])
      expect(statSync(`${file}.pt`).size).toBeGreaterThan(500)
    }))
    expect(phases.filter((phase) => phase === 'importing torch')).toHaveLength(1)
    expect(seen.size).toBe(1)
  })

  it('passes on what a model prints', async () => {
    const file = source('net.py', 'print("hello from the model")\nimport os\nos.system("echo from a child")')
    await engineWith().convert(job(file, { check: 'none' }))
    expect(output).toContain('hello from the model')
    expect(output).toContain('from a child')
  })

  it('tries again when its process is killed amid a job', async () => {
    const file = source('net.py')
    let killed: number[] = []
    await engineWith().convert(job(file), {
      onProgress() {
        if (killed.length > 0) return
        killed = workers()
        for (const pid of killed) process.kill(pid, 'SIGKILL')
      },
    })
    expect(killed).toHaveLength(1)
    expect(existsSync(`${file}.pt`)).toBe(true)
  })

  it('tells of a crash in native code with its place, and lives', async () => {
    const engine = engineWith()
    const file = source('net.py', 'import ctypes\nctypes.string_at(0)')
    const error = await refusalOf(engine.convert(job(file)))
    expect(error).toMatchObject({ code: 'WORKER_CRASHED', location: { file, line: 6 }, dependencies: [file] })
    expect(error.location!.frame).toContain('ctypes.string_at(0)')
    expect(error.message).toContain('Python was ended by SIGSEGV')
    expect(error.message).toContain('Fatal Python error: Segmentation fault')
    expect(error.message).not.toMatch(/\n\s+at /)
    expect(existsSync(`${file}.pt`)).toBe(false)
    await engine.convert(job(source('fine.py')))
  })

  it('ends a loop at the time limit, and lives', async () => {
    const engine = engineWith()
    await engine.convert(job(source('fine.py')))
    const quick = engineWith({ timeLimit: 15 })
    const file = source('net.py', 'while True:\n    pass')
    const error = await refusalOf(quick.convert(job(file)))
    expect(error).toMatchObject({ code: 'CONVERSION_TIMEOUT', dependencies: [file], location: { file } })
    // The loop's own line, or the one of its body.
    expect(error.location!.frame).toContain('while True')
    expect(error.message).toContain('Converting net.py took longer than 15 s')
    expect(error.message).toContain('timeLimit')
    expect(workers()).toHaveLength(1)
    await engine.convert(job(source('fine.py')))
  })

  it.each([
    ['ends itself', 'import sys\nsys.exit(3)', /exit/i], ['needs a missing package', 'import no_such_package', /no_such_package/],
    ['raises', 'raise ValueError("not today")', /not today/],
  ])('tells of a model that %s', async (_, body, message) => {
    const engine = engineWith()
    const file = source('net.py', body)
    const error = await refusalOf(engine.convert(job(file)))
    expect(error.name).toBe('PetalError')
    expect(error.message).toMatch(message)
    expect(error.location).toMatchObject({ file })
    expect(error.dependencies).toContain(file)
    await engine.convert(job(source('fine.py')))
  })

  it('leaves nothing in the project besides the archive', async () => {
    const file = source('net.py')
    await engineWith().convert(job(file))
    expect(readdirSync(folder).toSorted()).toEqual(['net.py', 'net.py.pt'])
  })
})

describe.skipIf(torchPythons.length === 0)('petal doctor', () => {
  let code: string | undefined
  afterAll(() => { if (code !== undefined) rmSync(code, { recursive: true, force: true }) })

  async function doctor(env: Readonly<Record<string, string>>, ...args: string[]): Promise<{ status: number; out: string }> {
    code ??= await bundle({ cli: 'src/cli/main.ts' })
    return await new Promise((resolve) => {
      const options = { cwd: folder, env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env } }
      execFile(process.execPath, [join(code!, 'cli.js'), 'doctor', ...args], options, (error, out) => {
        resolve({ status: error ? Number(error.code) : 0, out })
      })
    })
  }

  it.each(torchPythons)('tries $name', async ({ executable, version }) => {
    const { status, out } = await doctor({ PETAL_PYTHON: executable }, '--json')
    const told = JSON.parse(out) as { trials: { trial: string; result?: unknown }[] }
    expect(told).toMatchObject({ ok: true, pythons: [{ command: executable, torch: version, isChosen: true }], problems: [] })
    expect(told.trials.filter(({ result }) => result !== undefined).map(({ trial }) => trial)).toEqual(['trace', 'script', 'quantize'])
    expect(status).toBe(0)
    expect(readdirSync(folder)).toEqual([])
  })

  it('says what to do where nothing can convert', async () => {
    const { status, out } = await doctor({ PETAL_PYTHON: join(folder, 'nothing') })
    expect(status).toBe(1)
    expect(out).toContain('no usable Python')
    expect(out).toMatch(/problem: No Python that can convert was found\.\n.*petal setup/)
  })

  it('needs the worker beside the code', () => {
    const names = readdirSync(join(import.meta.dirname, 'worker/petal_worker')).filter((name) => name.endsWith('.py'))
    expect(readdirSync(join(code!, 'worker/petal_worker')).toSorted()).toEqual(names.toSorted())
    expect(readFileSync(join(code!, 'worker/main.py'), 'utf8')).toBe(readFileSync(join(import.meta.dirname, 'worker/main.py'), 'utf8'))
  })
})
