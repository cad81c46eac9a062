/** Work shorter than this needs no progress line. */
const QUIET_MS = 500

/** Time between two drawings of the line. */
const REDRAW_MS = 100

/** One line on standard error that says how far the work is; on a terminal only. */
export interface Progress {
  update(phase: string, share: number): void
  /** Removes the line. */
  end(): void
}

/** A progress line titled `title`, silent for short work and where nobody looks. */
export function createProgress(title: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  const started = performance.now()
  let drawn = 0
  return {
    update(phase, share) {
      const now = performance.now()
      if (!stream.isTTY || now - started < QUIET_MS || now - drawn < REDRAW_MS) return
      drawn = now
      const percent = `${Math.floor(Math.min(Math.max(share, 0), 1) * 100)} %`.padStart(5)
      const line = `${percent}  ${title}: ${phase}`
      stream.write(`\r\x1b[2K${[...line].slice(0, Math.max((stream.columns || 80) - 1, 10)).join('')}`)
    },
    end() {
      if (drawn > 0) stream.write('\r\x1b[2K')
    },
  }
}
