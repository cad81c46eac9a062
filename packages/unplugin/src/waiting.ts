/** What tells the time, so that tests can. */
export interface Clock {
  /** In milliseconds. */
  now(): number
  /** Calls back once, that much later, unless the function it gives is called before. Keeps no process alive. */
  later(milliseconds: number, action: () => void): () => void
}

/** The machine's. */
export const CLOCK: Clock = {
  now: () => performance.now(),
  later(milliseconds, action) {
    const timer = setTimeout(action, milliseconds).unref()
    return () => clearTimeout(timer)
  },
}

/** Nobody wonders before. */
const PATIENCE_MS = 500

/** What work calls as it goes on. */
export type OnProgress = (progress: { readonly phase: string }) => void

/**
 * Does work on a model. When it takes longer than half a second, `say` hears once of which model it is and what is being done; with `isLast`,
 * also of the end, where no other line will tell.
 */
export async function announced<T>(
  name: string, work: (onProgress: OnProgress) => Promise<T>, { say, isLast, clock }: { say: (line: string) => void; isLast: boolean; clock: Clock },
): Promise<T> {
  const began = clock.now()
  let phase = 'reading'
  let wasSaid = false
  const stop = clock.later(PATIENCE_MS, () => {
    wasSaid = true
    say(`${name}: ${phase} …`)
  })
  try {
    const result = await work((progress) => { phase = progress.phase })
    if (wasSaid && isLast) say(`${name}: done in ${seconds(clock.now() - began)}`)
    return result
  } finally {
    stop()
  }
}

/** `0.04 s`, `12.3 s` */
export function seconds(milliseconds: number): string {
  const value = milliseconds / 1000
  return `${value.toFixed(value < 9.995 ? 2 : 1)} s`
}
