import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile, cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundle } from '../../test/support/bundle.ts'
import type { BuiltArtifact, BuiltFacts } from '../facts.ts'
import { PetalError } from '../errors.ts'
import { verify } from './verify.ts'
import { createStore, modelName, type Store, type StoreOptions, type StoreRequest } from './index.ts'

let folder: string
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'petal-store-')) })
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

const REQUEST = 'backend=cpu&block=&format=ptl'

const facts: BuiltFacts = {
  format: 'ptl', backend: 'cpu', bytecodeVersion: 8, operatorVersion: 16, inputs: [], outputs: [], operators: { before: {}, after: {} },
  optimizations: [], parameters: 0, bytes: { before: 0, after: 0 }, signature: { inputs: [], outputs: [] },
  runtime: { families: [], unsupported: [] }, imports: {}, check: { skipped: 'there is nothing to try it on' },
}

function artifact(text: string, pieces = 3): BuiltArtifact {
  const bytes = new TextEncoder().encode(text)
  return {
    facts, warnings: ['mind the gap'], size: bytes.length,
    async *stream() {
      const step = Math.ceil(bytes.length / pieces)
      for (let begin = 0; begin < bytes.length; begin += step) yield bytes.slice(begin, begin + step)
    },
  }
}

const open = (options: StoreOptions = {}): Store => createStore({ dir: join(folder, 'cache'), tool: 'tool-1', ...options })

async function wanted(store: Store, file: string, request = REQUEST): Promise<StoreRequest> {
  return { source: await store.digest(file), request, name: modelName(file) }
}

async function model(text: string, name = 'net.pt'): Promise<string> {
  const file = join(folder, name)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, text)
  return file
}

const never = async (): Promise<BuiltArtifact> => { throw new Error('was computed again') }

/** Files below `path`, sorted; empty when there is none. */
async function files(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1)).toSorted()
}

/** What a process printed last. */
async function answer(child: ChildProcess): Promise<{ file: string; sha256: string; bytes: number; computed: number }> {
  let text = ''
  child.stdout!.on('data', (piece: Buffer) => { text += piece })
  await once(child, 'close')
  return JSON.parse(text.trim().split('\n').at(-1)!) as never
}

describe('a store', () => {
  it('creates nothing before there is something to write', async () => {
    const store = open()
    expect(await store.knownDigest(join(folder, 'missing'))).toBeUndefined()
    expect(await readdir(folder)).toEqual([])
  })

  it('computes once, and gives the same bytes and facts cold, warm and in the next process', async () => {
    const file = await model('weights')
    const first = open()
    const cold = await first.resolve(await wanted(first, file), async () => artifact('compiled weights'))
    const warm = await first.resolve(await wanted(first, file), never)
    const second = open()
    const later = await second.resolve(await wanted(second, file), never)
    expect(cold.fromCache).toBe(false)
    expect(warm).toEqual({ ...cold, fromCache: true })
    expect(later).toEqual(warm)
    expect(cold.file.endsWith(join(cold.sha256, 'net.ptl'))).toBe(true)
    expect(await readFile(cold.file, 'utf8')).toBe('compiled weights')
    expect(cold).toMatchObject({ bytes: 16, facts, warnings: ['mind the gap'] })
    expect(first.stats).toMatchObject({ hits: 1, misses: 1, computed: 1, bytesWritten: 16 })
    expect(second.stats).toMatchObject({ hits: 1, misses: 0, computed: 0, bytesWritten: 0 })
    expect(await files(join(folder, 'cache/v1/tmp'))).toEqual([])
    expect(await files(join(folder, 'cache/v1/locks'))).toEqual([])
  })

  it('computes once for everybody who asks at the same time', async () => {
    const file = await model('weights')
    const store = open()
    const ask = await wanted(store, file)
    let calls = 0
    const all = await Promise.all(Array.from({ length: 12 }, () => store.resolve(ask, async () => {
      calls++
      return artifact('compiled')
    })))
    expect(calls).toBe(1)
    expect(new Set(all.map((stored) => stored.file)).size).toBe(1)
    expect(all.filter((stored) => !stored.fromCache)).toHaveLength(1)
    expect(store.stats).toMatchObject({ hits: 11, misses: 1, computed: 1 })
  })

  it('keeps different requests, models and tools apart', async () => {
    const file = await model('weights')
    const store = open()
    await store.resolve(await wanted(store, file), async () => artifact('one'))
    const blocked = await store.resolve(await wanted(store, file, 'backend=cpu&block=conv_bn_fusion&format=ptl'), async () => artifact('two'))
    const changed = await store.resolve(await wanted(store, await model('other weights')), async () => artifact('three'))
    const upgraded = open({ tool: 'tool-2' })
    const renewed = await upgraded.resolve(await wanted(upgraded, await model('weights')), async () => artifact('four'))
    const contents = await Promise.all([blocked, changed, renewed].map((stored) => readFile(stored.file, 'utf8')))
    expect(contents).toEqual(['two', 'three', 'four'])
    expect([blocked, changed, renewed].some((stored) => stored.fromCache)).toBe(false)
  })

  it('has one entry for the same model at two paths, and one file on disk under two names', async () => {
    const store = open()
    const here = await store.resolve(await wanted(store, await model('weights', 'a/net.pt')), async () => artifact('compiled'))
    const there = await store.resolve(await wanted(store, await model('weights', 'b/net.pt')), never)
    const renamed = await store.resolve(await wanted(store, await model('weights', 'b/other name.pt')), never)
    expect(there.file).toBe(here.file)
    expect(renamed.file.endsWith('/other_name.ptl')).toBe(true)
    expect((await stat(renamed.file)).ino).toBe((await stat(here.file)).ino)
    expect(await files(join(folder, 'cache/v1/actions'))).toHaveLength(1)
  })

  it('finds and names what is stored where a cache service kept no empty folders', async () => {
    const store = open()
    await store.resolve(await wanted(store, await model('weights')), async () => artifact('compiled'))
    for (const name of ['tmp', 'locks', 'memo']) await rm(join(folder, 'cache/v1', name), { recursive: true })
    const restored = open()
    expect((await restored.resolve(await wanted(restored, await model('weights', 'renamed.pt')), never)).fromCache).toBe(true)
  })

  it('stores equal outputs of two requests once', async () => {
    const store = open()
    const file = await model('weights')
    const one = await store.resolve(await wanted(store, file), async () => artifact('compiled'))
    const two = await store.resolve(await wanted(store, file, 'other'), async () => artifact('compiled'))
    expect(two.file).toBe(one.file)
  })

  it.each([
    ['shorter', (file: string) => truncate(file, 3)],
    ['gone', (file: string) => rm(file)],
    ['other bytes of the same length', (file: string) => writeFile(file, 'c0mpiled')],
  ])('never gives content that is damaged: %s', async (_, damage) => {
    const file = await model('weights')
    const store = open()
    const cold = await store.resolve(await wanted(store, file), async () => artifact('compiled'))
    await damage(cold.file)
    await damage(join(cold.file, '../blob'))
    const again = open()
    const repaired = await again.resolve(await wanted(again, file), async () => artifact('compiled'))
    expect(again.stats.computed).toBe(1)
    expect(repaired.file).toBe(cold.file)
    expect(await readFile(repaired.file, 'utf8')).toBe('compiled')
    const third = open()
    expect((await third.resolve(await wanted(third, file), never)).fromCache).toBe(true)
  })

  it.each(['', '{', '{}', 'null', '{"output":{"sha256":"../../x","bytes":1},"source":{},"facts":{},"warnings":[]}'])(
    'takes a damaged record for none: %s', async (text) => {
      const file = await model('weights')
      const store = open()
      await store.resolve(await wanted(store, file), async () => artifact('compiled'))
      const actions = join(folder, 'cache/v1/actions')
      await writeFile(join(actions, (await files(actions))[0]!), text)
      const again = await store.resolve(await wanted(store, file), async () => artifact('compiled'))
      expect(again.fromCache).toBe(false)
    },
  )

  it.each([
    ['a changed fact', (text: string) => text.replace('"bytecodeVersion": 8', '"bytecodeVersion": 9')],
    ['another file of its size', (text: string) => text.replace(/("output": \{\s+"sha256": ")[\da-f]{64}/, `$1${'0'.repeat(64)}`)],
    ['a warning less', (text: string) => text.replace('"mind the gap"', '')],
    ['its end gone', (text: string) => text.slice(0, -30)],
  ])('refuses a record with %s', async (_, damage) => {
    const file = await model('weights')
    const store = open()
    await store.resolve(await wanted(store, file), async () => artifact('compiled'))
    const record = join(folder, 'cache/v1/actions', (await files(join(folder, 'cache/v1/actions')))[0]!)
    const text = await readFile(record, 'utf8')
    expect(damage(text)).not.toBe(text)
    await writeFile(record, damage(text))
    expect(await store.find(await wanted(store, file))).toBeUndefined()
    expect(await store.resolve(await wanted(store, file), async () => artifact('compiled'))).toMatchObject({ facts, fromCache: false })
    expect(await readFile(record, 'utf8')).toBe(text)
  })

  it("refuses another model's record under its own key", async () => {
    const store = open()
    const [good, bad] = [await model('weights', 'good.pt'), await model('other weights', 'bad.pt')]
    await store.resolve(await wanted(store, good), async () => artifact('compiled'))
    await store.resolve(await wanted(store, bad), async () => artifact('poison'))
    const actions = join(folder, 'cache/v1/actions')
    const [one, two] = (await files(actions)).map((name) => join(actions, name))
    const texts = [await readFile(one!, 'utf8'), await readFile(two!, 'utf8')]
    await writeFile(one!, texts[1]!)
    await writeFile(two!, texts[0]!)
    expect(await store.find(await wanted(store, good))).toBeUndefined()
    const again = await store.resolve(await wanted(store, good), async () => artifact('compiled'))
    expect(await readFile(again.file, 'utf8')).toBe('compiled')
  })

  it.each([
    ['a link to a file elsewhere', async (file: string) => { await rm(file); await symlink(join(folder, 'elsewhere'), file) }],
    ['a link to nothing', async (file: string) => { await rm(file); await symlink(join(folder, 'nowhere'), file) }],
    ['a folder', async (file: string) => { await rm(file); await mkdir(join(file, 'deep'), { recursive: true }) }],
    ['another file of its size', async (file: string) => { await rm(file); await writeFile(file, 'c0mpiled') }],
  ])('gives a plain file of its own where there is %s', async (_, damage) => {
    const file = await model('weights')
    await writeFile(join(folder, 'elsewhere'), 'compiled')
    const store = open()
    const { file: stored } = await store.resolve(await wanted(store, file), async () => artifact('compiled'))
    await damage(stored)
    // The blob is another name of the same bytes, so nothing is computed.
    expect(await open().resolve(await wanted(store, file), never)).toMatchObject({ file: stored, fromCache: true })
    expect((await lstat(stored)).isFile()).toBe(true)
    expect(await readFile(stored, 'utf8')).toBe('compiled')
    await damage(stored)
    await rm(join(stored, '../blob'))
    await damage(join(stored, '../blob')).catch(() => {})
    const computed = await open().resolve(await wanted(store, file), async () => artifact('compiled'))
    expect(await readFile(computed.file, 'utf8')).toBe('compiled')
    expect((await lstat(computed.file)).isFile()).toBe(true)
    expect((await verify(join(folder, 'cache'), false)).damage).toEqual([])
  })

  it('leaves nothing to read when the work fails half way', async () => {
    const file = await model('weights')
    const store = open()
    const broken = { ...artifact('compiled'), async *stream() { yield new Uint8Array(4); throw new Error('the model is broken') } }
    const ask = await wanted(store, file)
    await expect(store.resolve(ask, async () => broken)).rejects.toThrow('the model is broken')
    await expect(store.resolve(ask, async () => { throw new Error('refused') })).rejects.toThrow('refused')
    expect(await files(join(folder, 'cache/v1/actions'))).toEqual([])
    expect(await files(join(folder, 'cache/v1/content'))).toEqual([])
    expect(await files(join(folder, 'cache/v1/tmp'))).toEqual([])
    expect(await readdir(join(folder, 'cache/v1/locks'))).toEqual([])
    expect(store.stats).toMatchObject({ misses: 2, computed: 0 })
    expect((await store.resolve(ask, async () => artifact('compiled'))).fromCache).toBe(false)
  })

  it('refuses an artifact that streams another size than it says', async () => {
    const store = open()
    const ask = await wanted(store, await model('weights'))
    await expect(store.resolve(ask, async () => ({ ...artifact('compiled'), size: 5 }))).rejects.toThrow('5 bytes streamed 8')
    expect(await files(join(folder, 'cache/v1/actions'))).toEqual([])
  })

  it('says so when its folder cannot be written', async () => {
    await writeFile(join(folder, 'cache'), 'a file')
    const store = open()
    const error = await store.resolve(await wanted(store, await model('weights')), async () => artifact('x')).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(PetalError)
    expect(error).toMatchObject({ code: 'NOT_WRITABLE' })
    expect((error as PetalError).message).toContain('PETAL_CACHE_DIR')
  })

  it('goes on after its folder was deleted', async () => {
    const file = await model('weights')
    const store = open()
    await store.resolve(await wanted(store, file), async () => artifact('compiled'))
    await rm(join(folder, 'cache'), { recursive: true })
    const again = await store.resolve(await wanted(store, file), async () => artifact('compiled'))
    expect(await readFile(again.file, 'utf8')).toBe('compiled')
  })
})

describe('names', () => {
  it.each([
    ['/a/net.pt', 'net'], ['net', 'net'], ['net.v2.pt', 'net.v2'], ['my net (1).pt', 'my_net__1_'], ['.hidden.pt', 'hidden'], ['...', 'model'],
    ['mode\u0301le.pt', 'mod\u00e9le'], ['con.pt', '_con'], [`${'x'.repeat(200)}.pt`, 'x'.repeat(48)], ['a\nb.pt', 'a_b'],
  ])('%s -> %s', (file, name) => {
    expect(modelName(file)).toBe(`${name}.ptl`)
  })
})

describe('between processes', () => {
  let code: string
  beforeAll(async () => { code = await bundle({ store: 'src/store/index.ts' }) }, 30_000)
  afterAll(async () => { await rm(code, { recursive: true, force: true }) })

  /** A process that resolves one request slowly, and prints what became of it. */
  const WORKER = `
    import { setTimeout as sleep } from 'node:timers/promises'
    const [code, dir, file, pace] = process.argv.slice(2)
    const { createStore, modelName } = await import(code + '/store.js')
    const store = createStore({ dir, tool: 'tool-1' })
    const ask = { source: await store.digest(file), request: ${JSON.stringify(REQUEST)}, name: modelName(file) }
    const pieces = Array.from({ length: 10 }, (_, i) => new Uint8Array(1 << 20).fill(i))
    const stored = await store.resolve(ask, async () => ({
      facts: {}, warnings: [], size: 10 << 20,
      async *stream() {
        for (const piece of pieces) { console.log('writing'); await sleep(Number(pace)); yield piece }
      },
    }))
    console.log(JSON.stringify({ ...stored, computed: store.stats.computed }))
  `

  const start = async (file: string, pace: number): Promise<ChildProcess> => {
    const script = join(folder, 'worker.mjs')
    await writeFile(script, WORKER)
    return spawn(process.execPath, [script, code, join(folder, 'cache'), file, String(pace)], { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  it('each build of the tool has its own results, and the same build the same', async () => {
    const file = await model('weights')
    const script = join(folder, 'identity.mjs')
    await writeFile(script, `
      const { createStore, modelName } = await import(process.argv[2] + '/store.js')
      const store = createStore({ dir: process.argv[3] })
      const ask = { source: await store.digest(process.argv[4]), request: 'r', name: 'net.ptl' }
      const artifact = { facts: {}, warnings: [], size: 1, async *stream() { yield new Uint8Array(1) } }
      console.log(JSON.stringify({ ...await store.resolve(ask, async () => artifact), computed: store.stats.computed }))
    `)
    const changed = join(folder, 'changed')
    await cp(code, changed, { recursive: true })
    const run = async (version: string): Promise<number> => {
      const child = spawn(process.execPath, [script, version, join(folder, 'cache'), file], { stdio: ['ignore', 'pipe', 'inherit'] })
      return (await answer(child)).computed
    }
    expect([await run(code), await run(changed)]).toEqual([1, 0])
    await appendFile(join(changed, 'store.js'), '\n// patched\n')
    expect(await run(changed)).toBe(1)
  })

  it('two that want the same compute it once', async () => {
    const file = await model('weights')
    const answers = await Promise.all((await Promise.all([start(file, 30), start(file, 30), start(file, 30)])).map(answer))
    expect(answers.map(({ computed }) => computed).toSorted()).toEqual([0, 0, 1])
    expect(new Set(answers.map((one) => one.file)).size).toBe(1)
    expect((await stat(answers[0]!.file)).size).toBe(10 << 20)
  }, 20_000)

  it('one killed while it writes leaves nothing to read, and its lock holds nobody up', async () => {
    const file = await model('weights')
    const victim = await start(file, 200)
    let seen = 0
    for await (const _ of victim.stdout!) if (++seen === 3) break
    victim.kill('SIGKILL')
    await once(victim, 'exit')
    expect(await readdir(join(folder, 'cache/v1/locks'))).toHaveLength(1)
    expect(await files(join(folder, 'cache/v1/tmp'))).toHaveLength(1)
    expect(await files(join(folder, 'cache/v1/actions'))).toEqual([])
    expect(await files(join(folder, 'cache/v1/content'))).toEqual([])
    const started = Date.now()
    const next = await answer(await start(file, 0))
    expect(next).toMatchObject({ computed: 1, bytes: 10 << 20 })
    expect(Date.now() - started).toBeLessThan(5000)
  }, 20_000)
})
