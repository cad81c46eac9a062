/** Runs a task when its turn comes. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>

/** Runs at most `atOnce` of the tasks given to it at the same time, in the order they came. */
export function createLimit(atOnce: number): Limit {
  const waiting: (() => void)[] = []
  let running = 0
  return async (task) => {
    if (running >= atOnce) await new Promise<void>((start) => waiting.push(start))
    else running++
    try {
      return await task()
    } finally {
      // A waiting task takes over this one's place, so the count stays as it is.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
