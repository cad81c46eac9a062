import { describe, expect, it } from 'vitest'
import { announced, type Clock, seconds } from '../src/waiting.ts'

/** A clock that is put forward by hand. */
function clockByHand(): Clock & { pass(milliseconds: number): void } {
  let time = 0
  const timers = new Set<{ at: number; action: () => void }>()
  return {
    now: () => time,
    later(milliseconds, action) {
      const timer = { at: time + milliseconds, action }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    pass(milliseconds) {
      time += milliseconds
      for (const timer of timers) {
        if (timer.at > time) continue
        timers.delete(timer)
        timer.action()
      }
    },
  }
}

/** What is said of work that reports two phases, and takes so long in the second. */
async function said(milliseconds: number, isLast: boolean): Promise<string[]> {
  const clock = clockByHand()
  const lines: string[] = []
  const work = announced('net.pt', async (onProgress) => {
    onProgress({ phase: 'reading' })
    clock.pass(100)
    onProgress({ phase: 'optimizing' })
    clock.pass(milliseconds)
    return 'done'
  }, { say: (line) => lines.push(line), isLast, clock })
  expect(await work).toBe('done')
  clock.pass(10_000)
  return lines
}

describe('work on a model', () => {
  it('is not mentioned when it is quick', async () => {
    expect(await said(399, true)).toEqual([])
  })

  it('is told of once, with what is being done, when it takes longer than half a second', async () => {
    expect(await said(400, false)).toEqual(['net.pt: optimizing …'])
  })

  it('is told to be done where no other line will', async () => {
    expect(await said(2_150, true)).toEqual(['net.pt: optimizing …', 'net.pt: done in 2.25 s'])
  })

  it('that fails says no more', async () => {
    const clock = clockByHand()
    const lines: string[] = []
    const failing = announced('net.pt', async () => { throw new Error('no') }, { say: (line) => lines.push(line), isLast: true, clock })
    await expect(failing).rejects.toThrow('no')
    clock.pass(10_000)
    expect(lines).toEqual([])
  })
})

it('prints seconds', () => {
  expect([4, 999, 9_990, 12_345].map(seconds)).toEqual(['0.00 s', '1.00 s', '9.99 s', '12.3 s'])
})
