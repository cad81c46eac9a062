import { crc32 as zlibCrc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { crc32 } from './crc32.ts'

const bytes = new Uint8Array(5000).map((_, i) => (i * 2654435761) >>> 11)

test('equals zlib at every length and alignment', () => {
  for (let length = 0; length < 200; length++) {
    for (let offset = 0; offset < 5; offset++) {
      const part = bytes.subarray(offset, offset + length)
      expect(crc32(part)).toBe(zlibCrc32(part))
    }
  }
  expect(crc32(bytes)).toBe(zlibCrc32(bytes))
})

test('goes on from a seed', () => {
  for (const cut of [0, 1, 63, 64, 65, 2500, 4999]) {
    expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes))
  }
})
