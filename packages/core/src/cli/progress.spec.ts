import { afterEach, expect, it, vi } from 'vitest'
import { createProgress } from './progress.ts'

afterEach(() => { vi.restoreAllMocks() })

/** A terminal, 30 columns wide, and a clock to set. */
function terminal(isTTY: boolean): { text: string[]; at: (ms: number) => void; stream: NodeJS.WriteStream } {
  const text: string[] = []
  let now = 1000
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const stream = { isTTY, columns: 30, write: (piece: string) => text.push(piece) } as unknown as NodeJS.WriteStream
  return { text, at: (ms) => { now = 1000 + ms }, stream }
}

it('is silent for short work', () => {
  const { text, at, stream } = terminal(true)
  const progress = createProgress('net.pt', stream)
  for (const ms of [0, 100, 400]) {
    at(ms)
    progress.update('reading', ms / 400)
  }
  progress.end()
  expect(text).toEqual([])
})

it('is one line for long work, and gone at the end', () => {
  const { text, at, stream } = terminal(true)
  const progress = createProgress('net.pt', stream)
  for (const ms of [600, 610, 800, 2000]) {
    at(ms)
    progress.update('writing a long way', ms / 1000)
  }
  progress.end()
  expect(text).toEqual([
    ...[' 60 %', ' 80 %', '100 %'].map((share) => `\r\u001b[2K${share}  net.pt: writing a long`), '\r\u001b[2K',
  ])
})

it('is silent where no terminal is', () => {
  const { text, at, stream } = terminal(false)
  const progress = createProgress('net.pt', stream)
  at(5000)
  progress.update('writing', 0.5)
  progress.end()
  expect(text).toEqual([])
})
