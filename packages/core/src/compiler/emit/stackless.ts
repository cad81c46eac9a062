/** A computation that waits for others by yielding them: recursion without the call stack, as deep as a model nests. */
export type Step<T> = Generator<Step<any>, T, any>

/** Runs a computation and all it waits for, and gives its result. */
export function run<T>(root: Step<T>): T {
  const waiting: Step<unknown>[] = [root]
  let result: unknown
  while (waiting.length > 0) {
    const { value, done } = waiting[waiting.length - 1]!.next(result)
    if (done === true) {
      waiting.pop()
      result = value
    } else {
      waiting.push(value)
      result = undefined
    }
  }
  return result as T
}
