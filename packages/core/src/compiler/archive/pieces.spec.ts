import { expect, test } from 'vitest'
import { readAhead } from './pieces.ts'

async function* counted(log: string[], last: number, failAt = Infinity): AsyncGenerator<Uint8Array> {
  try {
    for (let i = 0; i < last; i++) {
      log.push(`make ${i}`)
      await Promise.resolve()
      if (i === failAt) throw new Error(`broken at ${i}`)
      yield new Uint8Array([i])
    }
  } finally {
    log.push('end')
  }
}

const settle = (): Promise<void> => new Promise((done) => { setTimeout(done, 5) })

test('makes the next piece while one is in use, and no more', async () => {
  const log: string[] = []
  for await (const piece of readAhead(counted(log, 4))) {
    await settle()
    log.push(`use ${piece[0]}`)
  }
  expect(log).toEqual(['make 0', 'make 1', 'use 0', 'make 2', 'use 1', 'make 3', 'use 2', 'end', 'use 3'])
})

test('tells a failure to whoever asks for the next piece, however late', async () => {
  const seen: number[] = []
  const pieces = async (): Promise<void> => {
    for await (const piece of readAhead(counted([], 4, 2))) {
      seen.push(piece[0]!)
      // The failure happens now; an unhandled rejection would end the process.
      await settle()
    }
  }
  await expect(pieces()).rejects.toThrow('broken at 2')
  expect(seen).toEqual([0, 1])
})

test('ends its source when its reader stops early', async () => {
  const log: string[] = []
  for await (const piece of readAhead(counted(log, 4))) {
    if (piece[0] === 1) break
  }
  expect(log.at(-1)).toBe('end')
})
