import { once } from 'node:events'
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findNginx, type Nginx, startNginx } from '../../test/support/nginx.mjs'
import { build, type BuildResult } from '../build.ts'
import { openStore, type OpenStoreOptions } from '../open-store.ts'
import { defaultRequest } from '../request/index.ts'

const model = join(import.meta.dirname, '../../test/fixtures/build/net.pt')
let folder: string
let notes: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'petal-remote-'))
  await writeFile(join(folder, 'package.json'), '{}')
  await copyFile(model, join(folder, 'net.pt'))
  notes = []
})
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

/** A build on a machine of its own, of which only the remote store is shared. */
async function buildOn(machine: string, remote: OpenStoreOptions['remote'], more: OpenStoreOptions = {}): Promise<BuildResult> {
  const store = openStore({ root: folder, dir: join(folder, machine), remote, env: {}, note: (line) => notes.push(line), ...more })
  return await build({ ...defaultRequest, file: join(folder, 'net.pt') }, { store, root: folder })
}

const filesIn = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).toSorted()

describe.skipIf(!findNginx())('a remote store in nginx', () => {
  let nginx: Nginx
  beforeAll(async () => { nginx = await startNginx() })
  afterAll(async () => { await nginx.stop() })
  afterEach(async () => { for (const file of await filesIn(nginx.files)) await rm(file) })
  const writer = (): OpenStoreOptions['remote'] => ({ url: nginx.url, token: nginx.writer, write: true })
  const reader = (): OpenStoreOptions['remote'] => ({ url: `${nginx.url}/`, token: nginx.reader })

  it('gives one machine what another one made, byte for byte', async () => {
    const made = await buildOn('a', writer())
    expect(await filesIn(nginx.files)).toEqual([join(nginx.files, 'ac', made.key), join(nginx.files, 'cas', made.sha256)])
    const got = await buildOn('b', reader(), { frozen: true })
    const { file, ...same } = got
    expect({ ...same, fromCache: false }).toEqual({ ...made, file: undefined, fromCache: false })
    expect(await readFile(file)).toEqual(await readFile(made.file))
    expect([made.fromCache, got.fromCache, notes]).toEqual([false, true, []])
  })

  it('is only read unless writing is asked for, and asked nothing for what is stored here', async () => {
    await buildOn('a', reader())
    expect(await filesIn(nginx.files)).toEqual([])
    const before = await readFile(nginx.log, 'utf8')
    expect((await buildOn('a', reader())).fromCache).toBe(true)
    expect(await readFile(nginx.log, 'utf8')).toBe(before)
  })

  it('gets what is stored here already, once', async () => {
    await buildOn('a', reader())
    await buildOn('a', writer())
    expect(await filesIn(nginx.files)).toHaveLength(2)
    const before = (await readFile(nginx.log, 'utf8')).split('PUT').length
    await buildOn('a', writer())
    expect((await readFile(nginx.log, 'utf8')).split('PUT').length).toBe(before)
  })

  it('keeps quiet where a token may only read: one note, and a build as without it', async () => {
    await buildOn('a', { url: nginx.url, token: nginx.reader, write: true })
    expect(await filesIn(nginx.files)).toEqual([])
    expect(notes).toEqual([`the remote store ${nginx.url} does not take files (403); nothing more is put there`])
  })

  it('builds without it where the token is refused', async () => {
    expect((await buildOn('a', { url: nginx.url, token: 'nobody' })).fromCache).toBe(false)
    expect(notes).toEqual([`the remote store ${nginx.url} refuses the token (401); going on without it`])
  })

  const poison: Record<string, (record: string, made: BuildResult) => Promise<void> | void> = {
    'bytes of the file': async (_, made) => {
      const file = join(nginx.files, 'cas', made.sha256)
      const bytes = await readFile(file)
      bytes[bytes.length >> 1]! ^= 1
      await writeFile(file, bytes)
    },
    'a file cut off': async (_, made) => {
      const file = join(nginx.files, 'cas', made.sha256)
      await writeFile(file, (await readFile(file)).subarray(0, 1000))
    },
    'a file with more at its end': async (_, made) => { await writeFile(join(nginx.files, 'cas', made.sha256), 'more', { flag: 'a' }) },
    'a byte of the record': async (record, made) => {
      await writeFile(join(nginx.files, 'ac', made.key), record.replace('"warnings":[', '"warnings":["?",'))
    },
    'a page instead of the record': async (_, made) => { await writeFile(join(nginx.files, 'ac', made.key), '<!doctype html><p>Sign in') },
    "another model's record": async (record, made) => {
      await writeFile(join(nginx.files, 'ac', made.key), record.replace(made.key, 'a'.repeat(64)))
    },
    'code in the names of imports': async (record, made) => {
      const { seal } = await import('./records.ts')
      const { record: inner } = JSON.parse(record) as { record: { facts: { imports: Record<string, string[]> } } }
      inner.facts.imports = { 'x"; alert(1); "': ['a } from "x"; alert(2); import { b'] }
      await writeFile(join(nginx.files, 'ac', made.key), seal(made.key, inner))
    },
  }

  it.each(Object.keys(poison))('refuses %s, says so and computes; a writer mends it', async (what) => {
    const made = await buildOn('a', writer())
    const record = await readFile(join(nginx.files, 'ac', made.key), 'utf8')
    await poison[what]!(record, made)
    const again = await buildOn('b', reader())
    expect([again.sha256, again.facts, again.warnings]).toEqual([made.sha256, made.facts, made.warnings])
    expect(await readFile(again.file)).toEqual(await readFile(made.file))
    expect(again.fromCache).toBe(false)
    expect(notes).toHaveLength(1)
    expect(notes[0]).toMatch(/^the remote store http:.* has a wrong (?:file|record) .*, which is refused: /)
    await buildOn('c', writer())
    notes = []
    expect((await buildOn('d', reader())).fromCache).toBe(true)
    expect(notes).toEqual([])
  })

  it('is not believed against the lock file, however right its digests are', async () => {
    const made = await buildOn('a', writer())
    const locked = { source: made.source.sha256, key: made.key, sha256: made.sha256, bytes: made.bytes }
    await writeFile(join(folder, 'petal.lock.json'), JSON.stringify({ version: 1, models: { 'net.pt': locked } }))
    const { seal } = await import('./records.ts')
    const { createHash } = await import('node:crypto')
    const evil = Buffer.from('evil')
    const sha256 = createHash('sha256').update(evil).digest('hex')
    const { record } = JSON.parse(await readFile(join(nginx.files, 'ac', made.key), 'utf8')) as { record: object }
    await writeFile(join(nginx.files, 'ac', made.key), seal(made.key, { ...record, output: { sha256, bytes: 4 } }))
    await writeFile(join(nginx.files, 'cas', sha256), evil)
    expect((await buildOn('b', reader())).sha256).toBe(made.sha256)
    expect(notes[0]).toContain('it names another file than the lock file')
    await expect(buildOn('c', reader(), { frozen: true })).rejects.toMatchObject({ code: 'FROZEN_MISS' })
  })

  it('takes a server that is out of order as one that is not there', async () => {
    expect((await buildOn('a', { url: nginx.url.replace('/petal', '/broken'), write: true })).fromCache).toBe(false)
    expect(notes).toEqual([`the remote store ${nginx.url.replace('/petal', '/broken')} answers with status 503; going on without it`])
  })
})

describe('a remote store that does not answer', () => {
  let server: Server | undefined
  afterEach(() => { server?.closeAllConnections(); server?.close() })
  const serve = async (listener: RequestListener): Promise<string> => {
    server = createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `http://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('is left alone after one note where nothing listens', async () => {
    const url = await serve(() => {})
    server!.close()
    await once(server!, 'close')
    expect((await buildOn('a', { url, write: true })).fromCache).toBe(false)
    expect(notes).toHaveLength(1)
    expect(notes[0]).toMatch(/^the remote store http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\); going on without it$/)
    expect(notes[0]).not.toContain('secret')
  })

  it('is given up when it is silent, at once or in the middle of a file, and asked no more', async () => {
    let asked = 0
    const silent = await serve(() => { asked++ })
    expect((await buildOn('a', { url: silent, write: true, timeout: 100 })).fromCache).toBe(false)
    expect([asked, notes.length]).toEqual([1, 1])
    expect(notes[0]).toContain('is too slow')
    server!.closeAllConnections()
    server!.close()

    const files = new Map<string, Buffer>()
    let isStuck = false
    const slow = await serve((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece)).on('end', () => {
        if (request.method === 'PUT') files.set(request.url!, Buffer.concat(pieces))
        const file = files.get(request.url!)
        if (!file || request.method !== 'GET') return response.writeHead(file ? 200 : 404).end()
        response.writeHead(200)
        if (isStuck && request.url!.startsWith('/cas/')) response.write(file.subarray(0, 100))
        else response.end(file)
      })
    })
    const made = await buildOn('b', { url: slow, write: true })
    expect([...files.keys()].toSorted()).toEqual([`/ac/${made.key}`, `/cas/${made.sha256}`])
    isStuck = true
    notes = []
    const again = await buildOn('c', { url: slow, timeout: 100 })
    expect([again.sha256, again.fromCache, notes.length]).toEqual([made.sha256, false, 1])
  })

  it('is refused where its address is none', async () => {
    await expect(buildOn('a', { url: 'ftp://cache' })).rejects.toMatchObject({ code: 'BAD_REMOTE' })
    expect(() => openStore({ root: folder, env: { PETAL_FROZEN: 'perhaps' } })).toThrow('PETAL_FROZEN')
  })
})
