import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { fromBuffer, type Entry, type ZipFile } from 'yauzl'
import { collect, fixture } from '../../../test/support/archive.ts'
import { bytesSource, type ByteSource } from './byte-source.ts'
import { openArchive } from './zip-reader.ts'
import { layoutZip, type ZipInput } from './zip-writer.ts'

const GIB = 2 ** 30
const content = (size: number): Uint8Array => new Uint8Array(size).map((_, i) => i * 7 + size)
const input = (name: string, size: number): ZipInput => ({ name, size, content: content(size) })

test('equals the bytes of PyTorch\'s own writer', async () => {
  const names: [string, number][] = [['data/0', 1000], ['empty', 0], ['data.pkl', 77], ['x/é', 1], ['aligned', 4096], ['version', 2]]
  const zip = layoutZip('records', names.map(([name, size]) => input(name, size)))
  const bytes = await collect(zip.stream())
  expect(Buffer.from(bytes).equals(fixture('archive/records.zip'))).toBe(true)
  expect(zip.size).toBe(bytes.length)
  expect(Buffer.from(await collect(zip.stream())).equals(bytes)).toBe(true)
})

test('is read by another zip library', async () => {
  const bytes = await collect(layoutZip('net', [input('data/0', 100_000), input('empty', 0), input('data.pkl', 5)]).stream())
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromBuffer(Buffer.from(bytes), { lazyEntries: false, strictFileNames: true }, (error, file) => error ? reject(error) : resolve(file))
  })
  const read: Record<string, Promise<Uint8Array>> = {}
  await new Promise<void>((resolve, reject) => {
    zip.on('entry', (entry: Entry) => {
      read[entry.fileName] = new Promise((done, failed) => {
        zip.openReadStream(entry, (error, stream) => error ? failed(error) : done(collect(stream)))
      })
    })
    zip.on('end', resolve)
    zip.on('error', reject)
  })
  expect(Object.keys(read)).toEqual(['net/data/0', 'net/empty', 'net/data.pkl'])
  expect(await read['net/data/0']).toEqual(content(100_000))
  expect(await read['net/data.pkl']).toEqual(content(5))
})

test('believes a given checksum and counts bytes', async () => {
  const wrong = layoutZip('net', [{ ...input('a', 10), crc32: 1 }])
  const archive = await openArchive(bytesSource(await collect(wrong.stream())))
  expect(archive.records.get('a')!.crc32).toBe(1)
  await expect(archive.records.get('a')!.read()).rejects.toMatchObject({ code: 'BROKEN_RECORD' })
  await expect(collect(layoutZip('net', [{ name: 'a', size: 9, content: content(10) }]).stream())).rejects.toThrow('announced')
  await expect(collect(layoutZip('net', [{ name: 'a', size: 11, content: content(10) }]).stream())).rejects.toThrow('announced')
})

test('writes and reads archives beyond 4 GiB', async () => {
  const piece = new Uint8Array(1 << 20)
  async function* zeros(size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; at += piece.length) yield piece.subarray(0, Math.min(piece.length, size - at))
  }
  const sizes = [2.5 * GIB, 4.5 * GIB, 2 ** 32 - 1, 2 ** 32 - 2]
  const zip = layoutZip('huge', [
    ...sizes.map((size, i) => ({ name: `data/${i}`, size, crc32: 0x12345678, content: () => zeros(size) })), input('version', 5),
  ])
  // What is not zeros, by offset: the file itself would not fit into memory.
  const written: { at: number; bytes: Uint8Array }[] = []
  let at = 0
  for await (const bytes of zip.stream()) {
    if (bytes.buffer !== piece.buffer) written.push({ at, bytes: bytes.slice() })
    at += bytes.length
  }
  expect(at).toBe(zip.size)
  const source: ByteSource = {
    size: zip.size,
    async read(begin, end) {
      const result = new Uint8Array(end - begin)
      for (const { at, bytes } of written) {
        const from = Math.max(begin, at)
        const to = Math.min(end, at + bytes.length)
        if (from < to) result.set(bytes.subarray(from - at, to - at), from - begin)
      }
      return result
    },
  }
  const { records } = await openArchive(source)
  expect([...records.values()].map((record) => record.size)).toEqual([...sizes, 5])
  expect([...records.values()].map((record) => record.crc32)).toEqual([...sizes.map(() => 0x12345678), crc32(content(5))])
  expect(await records.get('version')!.read()).toEqual(content(5))
  expect(await records.get('data/1')!.range(4.5 * GIB - 3, 4.5 * GIB)).toEqual(new Uint8Array(3))
})
