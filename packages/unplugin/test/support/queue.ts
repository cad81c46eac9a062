/** Events that are awaited one by one, in order. */
export interface Queue<T> {
  push(settle: Promise<T>): void
  next(): Promise<T>
}

export function createQueue<T>(): Queue<T> {
  const ready: Promise<T>[] = []
  const waiting: ((settled: Promise<T>) => void)[] = []
  return {
    push(settle) {
      settle.catch(() => {})
      const taker = waiting.shift()
      if (taker) taker(settle)
      else ready.push(settle)
    },
    next: () => ready.shift() ?? new Promise((resolve) => waiting.push(resolve)),
  }
}
