import { createHash } from 'node:crypto'
import { mkdtemp, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createStore, type Store } from './index.ts'

let folder: string
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'petal-digest-')) })
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

const open = (): Store => createStore({ dir: join(folder, 'cache'), tool: 'tool-1' })

async function model(text: string): Promise<string> {
  const file = join(folder, 'net.pt')
  await writeFile(file, text)
  return file
}

const past = new Date(Date.now() - 60_000)

it('are read once for a file that does not change', async () => {
  const file = await model('weights')
  // The change time cannot be set back, so the file is old only to a clock that is ahead.
  const store = open()
  const now = Date.now
  Date.now = () => now() + 10_000
  try {
    const digest = await store.digest(file)
    expect(store.stats.bytesHashed).toBe(7)
    expect(await open().knownDigest(file)).toEqual(digest)
    expect(await store.digest(file)).toEqual(digest)
    expect(store.stats.bytesHashed).toBe(7)
  } finally {
    Date.now = now
  }
})

it('are read again for a file changed a moment ago, whose times cannot tell', async () => {
  const file = await model('weights')
  const store = open()
  const before = await store.digest(file)
  const times = await stat(file)
  await writeFile(file, 'WEIGHTS')
  await utimes(file, times.atime, times.mtime)
  expect((await store.digest(file)).sha256).not.toBe(before.sha256)
})

it('never answer with bytes that were there before, however soon they changed', async () => {
  const file = await model('weights 000')
  const store = open()
  const { atime, mtime } = await stat(file)
  for (let round = 0; round < 300; round++) {
    const text = `weights ${String(round).padStart(3, '0')}`
    if (round % 2 === 0) {
      await writeFile(file, text)
    } else {
      // An editor's way: another file takes its name.
      await writeFile(`${file}.new`, text)
      await rename(`${file}.new`, file)
    }
    await utimes(file, atime, mtime)
    const expected = createHash('sha256').update(text).digest('hex')
    expect((await store.knownDigest(file))?.sha256 ?? expected).toBe(expected)
    expect(await store.digest(file)).toEqual({ sha256: expected, bytes: text.length })
  }
})

it('are of one version of a file that is written while it is read', async () => {
  const file = await model('')
  const versions = ['a', 'b'].map((letter) => letter.repeat(4 << 20))
  const digests = versions.map((text) => createHash('sha256').update(text).digest('hex'))
  await writeFile(file, versions[0]!)
  const store = open()
  const digest = store.digest(file)
  await writeFile(file, versions[1]!)
  // What is read in the middle of a change is read again once it is over.
  await digest
  expect(digests).toContain((await store.digest(file)).sha256)
  expect((await open().digest(file)).sha256).toBe(digests[1])
})

it('notice other bytes under old times', async () => {
  const file = await model('weights')
  await utimes(file, past, past)
  const store = open()
  const now = Date.now
  Date.now = () => now() + 10_000
  const before = await store.digest(file).finally(() => { Date.now = now })
  await writeFile(file, 'WEIGHTS')
  await utimes(file, past, past)
  expect((await store.digest(file)).sha256).not.toBe(before.sha256)
})
