import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorCode } from '../../test/support/archive.ts'
import { openFileSource } from './file-source.ts'

let folder: string
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'petal-')) })
afterAll(() => rm(folder, { recursive: true }))

test('reads complete ranges, also beyond 2 GiB', async () => {
  const path = join(folder, 'large.bin')
  await writeFile(path, 'hello')
  const size = 3 * 2 ** 30
  await truncate(path, size)
  const source = await openFileSource(path)
  try {
    expect(source.size).toBe(size)
    expect(await source.read(0, 5)).toEqual(new Uint8Array(Buffer.from('hello')))
    expect(await source.read(size - 3, size)).toEqual(new Uint8Array(3))
    expect(await source.read(9, 9)).toEqual(new Uint8Array())
    const target = new Uint8Array(4)
    await source.readInto!(target, 1)
    expect(target).toEqual(new Uint8Array(Buffer.from('ello')))
    await expect(source.read(size - 1, size + 1)).rejects.toThrow(RangeError)
    await expect(source.read(-1, 1)).rejects.toThrow(RangeError)
    await expect(source.readInto!(target, size - 3)).rejects.toThrow(RangeError)
  } finally {
    await source.close()
  }
})

test('notices a file that shrinks', async () => {
  const path = join(folder, 'shrinks.bin')
  await writeFile(path, new Uint8Array(1000))
  const source = await openFileSource(path)
  await truncate(path, 500)
  expect(await errorCode(() => source.read(0, 1000))).toBe('FILE_CHANGED')
  await source.close()
})

test('inflates exactly what was announced', async () => {
  const path = join(folder, 'some.bin')
  await writeFile(path, 'x')
  const source = await openFileSource(path)
  const data = new Uint8Array(1000).fill(7)
  const compressed = deflateRawSync(data)
  expect(source.inflateRaw!(compressed, 1000)).toEqual(data)
  for (const size of [0, 999, 1001]) expect(() => source.inflateRaw!(compressed, size)).toThrow()
  expect(() => source.inflateRaw!(compressed.subarray(3), 1000)).toThrow()
  await source.close()
})

test('names what cannot be opened', async () => {
  expect(await errorCode(() => openFileSource(folder))).toBe('NOT_A_FILE')
  expect(await errorCode(() => openFileSource(join(folder, 'missing.pt')))).toBe('FILE_NOT_FOUND')
  await writeFile(join(folder, 'file'), '')
  expect(await errorCode(() => openFileSource(join(folder, 'file', 'net.pt')))).toBe('FILE_NOT_FOUND')
})
