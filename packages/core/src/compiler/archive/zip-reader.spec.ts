import { describe, expect, test } from 'vitest'
import { collect, errorCode, fixture, forgeZip, type ForgedEntry } from '../../../test/support/archive.ts'
import { bytesSource, type ByteSource } from './byte-source.ts'
import { crc32 } from './crc32.ts'
import { openArchive, requireRecord } from './zip-reader.ts'
import { layoutZip } from './zip-writer.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const open = (entries: readonly ForgedEntry[], end = {}): ReturnType<typeof openArchive> => openArchive(bytesSource(forgeZip(entries, end)))

/** A source that counts what is read of it. */
function counting(bytes: Uint8Array): ByteSource & { reads: number; bytesRead: number } {
  return {
    size: bytes.length, reads: 0, bytesRead: 0,
    async read(begin, end) {
      if (begin < 0 || end > bytes.length) throw new RangeError('outside')
      this.reads++
      this.bytesRead += end - begin
      return bytes.subarray(begin, end)
    },
  }
}

test.each(['values.pt', 'quantized.pt', 'optimized.ptl', 'state-dict-2.pt', 'exported.pt2'])('reads all of %s', async (name) => {
  const archive = await openArchive(bytesSource(fixture(`archive/${name}`)))
  expect(archive.root).not.toBe('')
  for (const record of archive.records.values()) {
    const bytes = await record.read()
    expect(bytes.length).toBe(record.size)
    expect(crc32(bytes)).toBe(record.crc32)
    expect(await collect(record.stream())).toEqual(bytes)
    expect(await record.range(record.size >> 2, record.size >> 1)).toEqual(bytes.subarray(record.size >> 2, record.size >> 1))
  }
})

test('reads no more than it needs', async () => {
  const weights = new Uint8Array(3_000_000).fill(1)
  const source = counting(await collect(layoutZip('net', [
    { name: 'data/0', size: weights.length, content: weights }, { name: 'data.pkl', size: 5, content: text('hello') },
  ]).stream()))
  const archive = await openArchive(source)
  expect(source.bytesRead).toBeLessThan(70_000)
  expect(source.reads).toBeLessThanOrEqual(3)
  source.reads = source.bytesRead = 0
  expect(await archive.records.get('data.pkl')!.read()).toEqual(text('hello'))
  expect(source.reads).toBe(1)
  source.reads = source.bytesRead = 0
  await archive.records.get('data/0')!.range(2_000_000, 2_000_100)
  expect(source.bytesRead).toBeLessThan(1000)
})

test('takes any zip program\'s archive: deflated, unaligned, with folders and extra fields', async () => {
  const extra = new Uint8Array([0x55, 0x54, 3, 0, 1, 2, 3])
  const long = text('abc'.repeat(100_000))
  const archive = await open([
    { name: 'my model/', data: new Uint8Array() },
    { name: 'my model/code/a.py', data: long, deflate: true, localExtra: extra, centralExtra: extra },
    { name: 'my model/data.pkl', data: text('x'), localExtra: new Uint8Array(300) },
    { name: 'my model/empty', data: new Uint8Array(), deflate: true },
  ])
  expect(archive.root).toBe('my model')
  expect([...archive.records.keys()]).toEqual(['code/a.py', 'data.pkl', 'empty'])
  const code = archive.records.get('code/a.py')!
  expect(code.compressed).toBe(true)
  expect(Buffer.from(await code.read()).equals(long)).toBe(true)
  expect(await code.range(299_990, 300_000)).toEqual(long.subarray(299_990))
  expect(await code.range(5, 5)).toEqual(new Uint8Array())
  expect(await archive.records.get('data.pkl')!.read()).toEqual(text('x'))
  expect(await archive.records.get('empty')!.read()).toEqual(new Uint8Array())
})

test('reads a large stream in pieces, and lets go of it early', async () => {
  const weights = new Uint8Array(3_500_001).map((_, i) => i >> 8)
  for (const deflate of [false, true]) {
    const archive = await open([{ name: 'a/data/0', data: weights, deflate }])
    expect(Buffer.from(await collect(archive.records.get('data/0')!.stream())).equals(weights)).toBe(true)
    for await (const piece of archive.records.get('data/0')!.stream()) {
      expect(piece.length).toBeLessThanOrEqual(1 << 20)
      break
    }
  }
})

test('names a record that is missing', async () => {
  const archive = await open([{ name: 'a/b', data: text('x') }])
  expect(() => requireRecord(archive, 'data.pkl', 'which holds the model')).toThrow("no record 'data.pkl', which holds the model")
})

describe('refuses', () => {
  const x: ForgedEntry = { name: 'a/x', data: text('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') }
  const y: ForgedEntry = { name: 'a/y', data: text('y') }
  const boundless = new Uint8Array(20).fill(255)
  boundless.set([1, 0, 16, 0])

  test.each<[string, string, readonly ForgedEntry[], object?]>([
    ['no root folder', 'NO_ROOT_FOLDER', [{ name: 'x', data: text('x') }]],
    ['two root folders', 'NO_ROOT_FOLDER', [x, { name: 'b/y', data: text('x') }]],
    ['duplicate names', 'BROKEN_ARCHIVE', [x, x]],
    ['overlapping entries', 'BROKEN_ARCHIVE', [x, { ...y, offset: 10 }]],
    ['an entry behind the directory', 'BROKEN_ARCHIVE', [x, { ...y, offset: 0xfffffff }]],
    ['encryption', 'UNSUPPORTED_ARCHIVE', [{ ...x, flags: 1 }]],
    ['another compression', 'UNSUPPORTED_ARCHIVE', [{ ...x, method: 93 }]],
    ['two sizes for stored data', 'BROKEN_ARCHIVE', [{ ...x, size: 10 }]],
    ['missing zip64 sizes', 'BROKEN_ARCHIVE', [{ ...x, size: 0xffffffff, compressedSize: 0xffffffff }]],
    ['zip64 sizes beyond all files', 'BROKEN_ARCHIVE', [{ ...x, size: 0xffffffff, compressedSize: 0xffffffff, centralExtra: boundless }]],
    ['a long name', 'ARCHIVE_LIMIT', [{ name: `a/${'x'.repeat(600)}`, data: text('x') }]],
    ['a name with a zero byte', 'BROKEN_ARCHIVE', [{ name: 'a/\0', data: text('x') }]],
    ['a wrong count', 'BROKEN_ARCHIVE', [x], { count: 2 }],
    ['a huge count', 'BROKEN_ARCHIVE', [x], { count: 60_000 }],
    ['a huge directory', 'ARCHIVE_LIMIT', [x], { directorySize: 0x7fffffff }],
    ['a directory outside of the file', 'BROKEN_ARCHIVE', [x], { directoryOffset: 0x7fffffff }],
    ['several disks', 'UNSUPPORTED_ARCHIVE', [x], { disk: 1 }],
  ])('%s', async (_, code, entries, end) => {
    expect(await errorCode(() => open(entries, end))).toBe(code)
  })

  test('a name that is not UTF-8', async () => {
    const bytes = forgeZip([x])
    const at = Buffer.from(bytes).lastIndexOf('a/x')
    bytes[at + 2] = 0xff
    expect(await errorCode(() => openArchive(bytesSource(bytes)))).toBe('BROKEN_ARCHIVE')
  })

  test('bytes that are no zip file', async () => {
    for (const bytes of [new Uint8Array(), text('PK'), new Uint8Array(100_000).fill(80)]) {
      expect(await errorCode(() => openArchive(bytesSource(bytes)))).toBe('ARCHIVE_END_MISSING')
    }
  })

  test('a wrong checksum, stored and deflated', async () => {
    for (const deflate of [false, true]) {
      const record = (await open([{ ...x, crc: 1, deflate }])).records.get('x')!
      expect(await errorCode(() => record.read())).toBe('BROKEN_RECORD')
      if (deflate) expect(await errorCode(() => collect(record.stream()))).toBe('BROKEN_RECORD')
    }
  })

  test('compressed data that is damaged, too short or too long', async () => {
    const data = new Uint8Array(300_000).map((_, i) => (i * i) >> 3)
    for (const entry of [{ size: 299_999 }, { size: 300_001 }, { size: 10 }, { size: 0 }]) {
      const record = (await open([{ name: 'a/x', data, deflate: true, ...entry }])).records.get('x')!
      expect(await errorCode(() => record.read()), JSON.stringify(entry)).toBe('BROKEN_RECORD')
      expect(await errorCode(() => collect(record.stream()))).toBe('BROKEN_RECORD')
    }
    const zip = forgeZip([{ name: 'a/x', data, deflate: true }])
    zip.fill(0xff, 100, 200)
    expect(await errorCode(async () => (await openArchive(bytesSource(zip))).records.get('x')!.read())).toBe('BROKEN_RECORD')
  })

  test('a zip bomb, by what it claims and by what it is', async () => {
    const zeros = new Uint8Array(100 << 20)
    expect(await errorCode(() => open([{ name: 'a/x', data: zeros, deflate: true }]))).toBe('ARCHIVE_LIMIT')
    const record = (await open([{ name: 'a/x', data: zeros, deflate: true, size: 1000 }])).records.get('x')!
    expect(await errorCode(() => record.read())).toBe('BROKEN_RECORD')
    expect(await errorCode(() => record.range(0, 10))).toBe('BROKEN_RECORD')
  })
})

test('hands on what the source fails with', async () => {
  const data = new Uint8Array(4 << 20).map((_, i) => Math.imul(i, 2654435761) >>> 13)
  for (const deflate of [false, true]) {
    const whole = bytesSource(forgeZip([{ name: 'a/x', data, deflate }]))
    let reads = Infinity
    const failing: ByteSource = {
      size: whole.size,
      async read(begin, end) {
        if (reads-- === 0) throw new Error('the disk is gone')
        return whole.read(begin, end)
      },
    }
    const record = (await openArchive(failing)).records.get('x')!
    // The header is still read.
    reads = 1
    const size = collect(record.stream()).then((bytes) => bytes.length)
    await expect(size).rejects.toThrow('the disk is gone')
  }
})
