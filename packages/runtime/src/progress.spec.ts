import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type LoadProgress, reporter, throttled } from './progress.ts'

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

function record(): { heard: LoadProgress[]; report: ReturnType<typeof reporter> } {
  const heard: LoadProgress[] = []
  return { heard, report: reporter(throttled((progress) => heard.push(progress))) }
}
const state = { loaded: 0, total: 100, fromCache: false }

it('gives the first and the last step at once, and in between the latest of each frame', () => {
  const { heard, report } = record()
  for (let loaded = 0; loaded <= 100; loaded += 10) report('download', loaded / 100, { ...state, loaded })
  expect(heard.map(({ loaded }) => loaded)).toEqual([0])
  vi.advanceTimersByTime(16)
  expect(heard.map(({ loaded }) => loaded)).toEqual([0, 100])
  report('verify', 0, state)
  report('prepare', 0, state)
  report('prepare', 0.5, state)
  report('prepare', 1, state)
  vi.advanceTimersByTime(100)
  expect(heard.slice(2).map(({ phase, fraction }) => [phase, fraction])).toEqual([['verify', 0.9], ['prepare', 0.92], ['prepare', 1]])
})

it('never goes back, also when a download begins anew', () => {
  const { heard, report } = record()
  report('download', 1, state)
  report('verify', 0, state)
  report('download', 0, state)
  expect(heard.map(({ fraction }) => fraction)).toEqual([0.9, 0.9, 0.9])
})
