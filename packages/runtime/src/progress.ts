/** What a load is doing. */
export interface LoadProgress {
  /** `download` gets the file, from the network or the cache; `verify` compares it with what the build made; `prepare` packs its weights. */
  readonly phase: 'download' | 'verify' | 'prepare'
  /** Bytes of the file that are there. */
  readonly loaded: number
  /** Bytes of the whole file, by the build's own count; 0 while that is not known (files that were not imported). */
  readonly total: number
  /** Of the whole load, from 0 to 1; never goes back. */
  readonly fraction: number
  /** True when the file is in the browser's cache. */
  readonly fromCache: boolean
}

/** Which part of the load a phase is, as a share of the whole. Downloading is what takes time. */
const SHARES: Readonly<Record<LoadProgress['phase'], readonly [begin: number, end: number]>> = {
  download: [0, 0.9], verify: [0.9, 0.92], prepare: [0.92, 1],
}

/** Takes steps of the work, `done` being the part of the phase, from 0 to 1. */
export type Report = (phase: LoadProgress['phase'], done: number, state: Pick<LoadProgress, 'loaded' | 'total' | 'fromCache'>) => void

/** Makes progress of steps: of all phases together, never going back. */
export function reporter(listener: (progress: LoadProgress) => void): Report {
  let reached = 0
  return (phase, done, state) => {
    const [begin, end] = SHARES[phase]
    reached = Math.max(reached, begin + (end - begin) * Math.min(done, 1))
    listener({ phase, ...state, fraction: reached })
  }
}

/** Passes on the first event of each phase and the last one at once, and of those in between the latest of each frame. */
export function throttled(listener: (progress: LoadProgress) => void): (progress: LoadProgress) => void {
  let phase: string | undefined
  let latest: LoadProgress | undefined
  let waiting = false
  const flush = (): void => {
    waiting = false
    const event = latest
    latest = undefined
    if (event) listener(event)
  }
  return (progress) => {
    if (progress.phase !== phase || progress.fraction === 1) {
      phase = progress.phase
      latest = undefined
      listener(progress)
      return
    }
    latest = progress
    if (waiting) return
    waiting = true
    // Workers, Node, and pages that nobody sees have no frames.
    if (globalThis.document?.hidden === false) requestAnimationFrame(flush)
    else setTimeout(flush, FRAME)
  }
}

/** Milliseconds. */
const FRAME = 16
