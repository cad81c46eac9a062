import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findNginx, startNginx } from '../test/support/nginx.mjs'
import { build, type BuildResult } from './build.ts'
import { LOCKFILE, writeLock } from './lockfile/index.ts'
import { openStore, type OpenStoreOptions } from './open-store.ts'
import type { Engine } from './pytorch/index.ts'
import { defaultRequest } from './request/index.ts'

const fixtures = join(import.meta.dirname, '../test/fixtures/build')

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'petal-open-'))
  await mkdir(join(root, 'nets'))
  await writeFile(join(root, 'package.json'), '{}')
  await copyFile(join(fixtures, 'net.pt'), join(root, 'net.pt'))
  await writeFile(join(root, 'nets/net.py'), 'from .layers import Layer')
  await writeFile(join(root, 'nets/layers.py'), 'class Layer: pass')
})
afterEach(async () => { await rm(root, { recursive: true, force: true }) })

const run = async (file: string, options: OpenStoreOptions = {}, engine?: Engine): Promise<BuildResult> =>
  await build({ ...defaultRequest, file: join(root, file) }, { store: openStore({ root, env: {}, ...options }), root, ...engine && { engine } })

const lockOf = ({ source, key, sha256, bytes }: BuildResult): Parameters<typeof writeLock>[1] =>
  ({ 'net.pt': { source: source.sha256, key, sha256, bytes } })

/** Takes any source for a model that is a TorchScript file already; without a Python there is none. */
const engine: Engine = {
  identify: async () => undefined,
  async convert({ source, output }) {
    await copyFile(join(fixtures, 'net.pt'), output)
    const dependencies = [source.file, join(dirname(source.file), 'layers.py')]
    return { dependencies, facts: { method: 'script', torch: '1.13.0', python: '3.11.2' }, packages: {}, warnings: [] }
  },
  close: async () => {},
}

describe('a store with a lock file', () => {
  it('gives what is locked, and what is not only where nothing is frozen', async () => {
    const made = await run('net.pt')
    await writeLock(root, lockOf(made))
    expect((await run('net.pt', { frozen: true })).sha256).toBe(made.sha256)
    await writeLock(root, {})
    expect((await run('net.pt')).sha256).toBe(made.sha256)
    await expect(run('net.pt', { env: { PETAL_FROZEN: 'true' } })).rejects.toMatchObject({ code: 'NOT_LOCKED' })
  })

  it('refuses what is not as locked, whoever stored it', async () => {
    const made = await run('net.pt')
    await writeLock(root, lockOf({ ...made, sha256: 'a'.repeat(64) }))
    await expect(run('net.pt')).rejects.toMatchObject({ code: 'LOCK_MISMATCH', message: expect.stringContaining(made.sha256) })
    await expect(run('net.pt', { dir: 'another' })).rejects.toMatchObject({ code: 'LOCK_MISMATCH' })
    await writeFile(join(root, LOCKFILE), '{')
    await expect(run('net.pt')).rejects.toMatchObject({ code: 'BAD_LOCKFILE' })
    expect((await run('net.pt', { isLocked: false })).sha256).toBe(made.sha256)
  })
})

describe('a frozen store', () => {
  it('says of a Python source which of its files is another, and runs no Python', async () => {
    await expect(run('nets/net.py', { frozen: true }, engine)).rejects.toMatchObject({
      code: 'FROZEN_MISS', likelyCause: 'The store has no conversion of these bytes with these directives.',
    })
    const made = await run('nets/net.py', {}, engine)
    expect(await run('nets/net.py', { frozen: true })).toMatchObject({ sha256: made.sha256, fromCache: true })
    await writeFile(join(root, 'nets/layers.py'), 'class Layer: ...')
    await expect(run('nets/net.py', { frozen: true }, engine)).rejects.toMatchObject({
      code: 'FROZEN_MISS', likelyCause: expect.stringMatching(/^It was converted when layers\.py was another \([\da-f]{12} -> [\da-f]{12}\)\.$/),
    })
  })

  it('writes nothing where nothing is stored', async () => {
    await expect(run('net.pt', { frozen: true })).rejects.toMatchObject({ likelyCause: expect.stringContaining('is empty') })
    expect(await readdir(join(root, 'node_modules/.cache/petal/v1/content')).catch(() => [])).toEqual([])
  })
})

describe.skipIf(!findNginx())('a remote store', () => {
  it('gives conversions to machines without Python, as long as their files are the same', async () => {
    const nginx = await startNginx()
    const reader: OpenStoreOptions = { remote: { url: nginx.url, token: nginx.reader }, frozen: true }
    try {
      const made = await run('nets/net.py', { dir: 'a', remote: { url: nginx.url, token: nginx.writer, write: true } }, engine)
      const got = await run('nets/net.py', { dir: 'b', ...reader })
      expect(got).toMatchObject({ sha256: made.sha256, conversion: made.conversion, dependencies: made.dependencies, fromCache: true })

      const text = await readFile(join(root, 'nets/layers.py'))
      await writeFile(join(root, 'nets/layers.py'), 'class Layer: ...')
      await expect(run('nets/net.py', { dir: 'c', ...reader })).rejects.toMatchObject({ code: 'FROZEN_MISS' })
      await writeFile(join(root, 'nets/layers.py'), text)

      const notes: string[] = []
      for (const name of await readdir(join(nginx.files, 'cas'))) await writeFile(join(nginx.files, 'cas', name), 'poison')
      await expect(run('nets/net.py', { dir: 'd', ...reader, note: (line) => notes.push(line) })).rejects.toMatchObject({ code: 'FROZEN_MISS' })
      expect(notes).toEqual([expect.stringMatching(/has a wrong file for .*net\.py, which is refused: it has 6 bytes, and not \d+\.$/)])
    } finally {
      await nginx.stop()
    }
  })
})
