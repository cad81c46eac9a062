import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  build, type BuildResult, type ConversionJob, createStore, defaultRequest, type Engine, parseDirectives, PetalError, type Store,
} from './index.ts'

// How conversions are stored and found again; what converting is, the specs with a real PyTorch say.

const fixtures = join(import.meta.dirname, '../test/fixtures/build')

let folder: string
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'petal-conversion-')) })
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

const open = (name = 'cache'): Store => createStore({ dir: join(folder, name) })

async function project(name = 'app'): Promise<string> {
  const root = join(folder, name)
  await mkdir(join(root, 'nets'), { recursive: true })
  await writeFile(join(root, 'nets/net.py'), 'from .layers import Layer')
  await writeFile(join(root, 'nets/layers.py'), 'class Layer: pass')
  return root
}

interface FakeEngine extends Engine {
  readonly jobs: ConversionJob[]
  torch: string
  torchvision: string
  failing: boolean
}

/** Takes any source for a model that is a TorchScript file already. */
function fakeEngine(): FakeEngine {
  const fake: FakeEngine = {
    jobs: [],
    torch: '1.13.0',
    torchvision: '0.14.0',
    failing: false,
    identify: async () => ({ torch: fake.torch, python: '3.11.2', packageVersion: async () => fake.torchvision }),
    async convert(job) {
      fake.jobs.push(job)
      const dependencies = [job.source.file, join(dirname(job.source.file), 'layers.py')]
      if (fake.failing) throw new PetalError({ code: 'MODEL_RAISED', message: 'It fails.', dependencies })
      await copyFile(join(fixtures, 'net.pt'), job.output)
      return {
        dependencies,
        facts: { method: 'script', torch: fake.torch, python: '3.11.2' },
        packages: { torchvision: fake.torchvision },
        warnings: [{ message: 'Careful.', location: { file: dependencies[1]!, line: 1 } }],
      }
    },
    close: async () => {},
  }
  return fake
}

const python = (root: string, store: Store, engine?: Engine, written: [string, string][] = []): Promise<BuildResult> =>
  build({ ...parseDirectives(written), file: join(root, 'nets/net.py') }, { store, root, ...engine && { engine } })

const failure = async (work: Promise<unknown>): Promise<unknown> =>
  await work.then(() => { throw new Error('was accepted') }, (error: unknown) => error)

describe('a Python source', () => {
  it('is converted with what the import says, and compiled', async () => {
    const root = await project()
    const engine = fakeEngine()
    const result = await python(root, open(), engine, [['convert', 'script'], ['weights', '../net.pth'], ['input', '1x3x8x8']])
    expect(engine.jobs).toMatchObject([{
      source: { kind: 'python', file: join(root, 'nets/net.py') }, root, convert: 'script', weights: join(root, 'net.pth'), entry: '', trust: false,
      input: [{ kind: 'tensor', dtype: 'float32', shape: [1, 3, 8, 8] }],
    }])
    expect(result).toMatchObject({
      conversion: { method: 'script', torch: '1.13.0' }, source: { name: 'net.py', bytes: 25 }, fromCache: false,
      dependencies: [join(root, 'nets/net.py'), join(root, 'nets/layers.py')],
      warnings: [{ message: 'Careful.', location: { file: join(root, 'nets/layers.py'), line: 1 } }],
    })
    expect(result.facts.inputs).toEqual([{ name: 'image', type: 'Tensor', dtype: 'float32', shape: [null, 3, 8, 8] }])
    expect(result.facts.check).toMatchObject({ inputs: ['1x3x8x8', '2x3x8x8'] })
    expect(result.file).toMatch(/net\.ptl$/)
    expect(await readdir(join(folder, 'cache/v1/tmp'))).toEqual([])
  })

  it('is converted once, in a second process and without Python, too', async () => {
    const root = await project()
    const engine = fakeEngine()
    const [first, second] = await Promise.all([python(root, open(), engine), python(root, open(), engine)])
    expect(engine.jobs).toHaveLength(1)
    expect(second!.sha256).toBe(first!.sha256)
    const store = open()
    const warm = await python(root, store, engine)
    expect(warm).toEqual({ ...first, fromCache: true })
    expect(await python(root, open())).toEqual(warm)
    expect(store.stats).toMatchObject({ computed: 0, converted: 0 })
    expect(engine.jobs).toHaveLength(1)
  })

  it('is converted once for what differs in compiling', async () => {
    const root = await project()
    const engine = fakeEngine()
    const plain = await python(root, open(), engine)
    const blocked = await python(root, open(), engine, [['block', 'conv_bn_fusion']])
    expect(blocked.sha256).not.toBe(plain.sha256)
    expect(engine.jobs).toHaveLength(1)
  })

  it('is found from another checkout', async () => {
    const engine = fakeEngine()
    await python(await project('a'), open(), engine)
    const root = await project('b/c')
    const found = await python(root, open(), engine)
    expect(found).toMatchObject({ dependencies: [join(root, 'nets/net.py'), join(root, 'nets/layers.py')], fromCache: true })
    expect(found.warnings[0]!.location!.file).toBe(join(root, 'nets/layers.py'))
    expect(engine.jobs).toHaveLength(1)
  })

  it('is another one in another place, where it imports other files', async () => {
    const engine = fakeEngine()
    const [here, there] = [await project('a'), await project('b')]
    await writeFile(join(there, 'nets/layers.py'), 'class Layer: other = 1')
    const store = open()
    await Promise.all([python(here, store, engine), python(there, store, engine), python(here, store, engine)])
    expect(engine.jobs.map(({ source }) => source.file).toSorted()).toEqual([join(here, 'nets/net.py'), join(there, 'nets/net.py')])
  })

  it('is converted anew when something it was made from changes, and remembered from before when that changes back', async () => {
    const root = await project()
    const engine = fakeEngine()
    const ask = async (): Promise<number> => {
      await python(root, open(), engine)
      return engine.jobs.length
    }
    expect(await ask()).toBe(1)
    await writeFile(join(root, 'nets/layers.py'), 'class Layer: other = 1')
    expect(await ask()).toBe(2)
    await writeFile(join(root, 'nets/layers.py'), 'class Layer: pass')
    expect(await ask()).toBe(2)
    engine.torch = '2.15.0'
    expect(await ask()).toBe(3)
    engine.torchvision = '0.29.2'
    expect(await ask()).toBe(4)
    engine.torch = '1.13.0'
    engine.torchvision = '0.14.0'
    expect(await ask()).toBe(4)
    await rm(join(folder, 'cache/v1/content'), { recursive: true })
    expect(await ask()).toBe(5)
  })

  it('that was edited while it was converted is converted once more', async () => {
    const root = await project()
    const engine = fakeEngine()
    const { convert } = engine
    engine.convert = async (job) => {
      const answer = await convert(job)
      // File systems take the time from a clock that ticks every few milliseconds.
      await new Promise((resolve) => setTimeout(resolve, 20))
      if (engine.jobs.length === 1) await writeFile(join(root, 'nets/layers.py'), 'class Layer: edited = True')
      return answer
    }
    await python(root, open(), engine)
    await python(root, open(), engine)
    await python(root, open(), engine)
    expect(engine.jobs).toHaveLength(2)
  })

  it('that fails tells what it read, and is tried again when one of those files changes', async () => {
    const root = await project()
    const engine = fakeEngine()
    const store = open()
    engine.failing = true
    expect(await failure(python(root, store, engine))).toMatchObject({
      code: 'MODEL_RAISED', dependencies: [join(root, 'nets/net.py'), join(root, 'nets/layers.py')],
    })
    await failure(python(root, store, engine))
    expect(engine.jobs).toHaveLength(1)
    engine.failing = false
    await writeFile(join(root, 'nets/layers.py'), 'class Layer: mended = True')
    await python(root, store, engine)
    expect(engine.jobs).toHaveLength(2)
    expect(await readdir(join(folder, 'cache/v1/tmp'))).toEqual([])
  })

  it('needs an engine, and has to be there', async () => {
    const root = await project()
    expect(await failure(python(root, open()))).toMatchObject({ code: 'NO_ENGINE' })
    expect(await failure(build({ ...defaultRequest, file: join(root, 'gone.py') }, { store: open(), engine: fakeEngine() })))
      .toMatchObject({ code: 'FILE_NOT_FOUND' })
    expect(await failure(build({ ...defaultRequest, file: root }, { store: open(), engine: fakeEngine() }))).toMatchObject({ code: 'NOT_A_FILE' })
  })
})

describe('another source', () => {
  it('with code in it is given to Python only where that is trusted', async () => {
    const engine = fakeEngine()
    const file = join(folder, 'checkpoint.pt')
    await copyFile(join(fixtures, 'checkpoint.pt'), file)
    const error = await failure(build({ ...defaultRequest, file }, { store: open(), engine })) as PetalError
    expect(error.code).toBe('EAGER_CHECKPOINT')
    expect(error.fix).toContain('"./checkpoint.pt?mobile&trust"')
    expect(engine.jobs).toEqual([])
    expect(await failure(build({ ...parseDirectives([['trust', undefined]]), file }, { store: open() }))).toMatchObject({ code: 'NO_ENGINE' })
    const result = await build({ ...parseDirectives([['trust', undefined]]), file }, { store: open(), engine })
    expect(engine.jobs).toMatchObject([{ source: { kind: 'checkpoint', file }, trust: true }])
    expect(result.conversion).toBeDefined()
    // What was trusted in one import is not in another.
    expect(await failure(build({ ...defaultRequest, file }, { store: open(), engine }))).toMatchObject({ code: 'EAGER_CHECKPOINT' })
  })

  it('that is an exported program is given to Python where that is trusted', async () => {
    const engine = fakeEngine()
    const file = join(folder, 'exported.pt2')
    await copyFile(join(fixtures, '../archive/exported.pt2'), file)
    expect(await failure(build({ ...defaultRequest, file }, { store: open(), engine }))).toMatchObject({ code: 'EXPORTED_PROGRAM' })
    expect(engine.jobs).toEqual([])
    await build({ ...parseDirectives([['trust', undefined]]), file }, { store: open(), engine })
    expect(engine.jobs).toMatchObject([{ source: { kind: 'exported-program', file } }])
  })

  it('that is TorchScript takes no directive about Python, also when it is stored', async () => {
    const file = join(folder, 'net.pt')
    await copyFile(join(fixtures, 'net.pt'), file)
    await build({ ...defaultRequest, file }, { store: open() })
    const engine: Engine = { ...fakeEngine(), identify: async () => { throw new Error('Python is looked for') } }
    await build({ ...parseDirectives([['block', 'conv_bn_fusion']]), file }, { store: open(), engine })
    const error = await failure(build({ ...parseDirectives([['convert', 'trace']]), file }, { store: open(), engine }))
    expect(error).toMatchObject({ code: 'NOT_PYTHON', what: 'net.pt is TorchScript already, so "convert" cannot apply to it.' })
  })
})
