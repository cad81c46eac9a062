import type { Artifact, Call } from '../compiler/artifact.ts'
import { load } from './engine.ts'
import { type Plain, type PlainElements, randomNumbers } from './examples.ts'

/** What is left of a result of an operator: enough to find it among others, and no more than a few numbers. */
interface Print {
  readonly call: Call
  readonly count: number
  /** Largest magnitude. */
  readonly scale: number
  readonly sums: readonly number[]
}

/** Operators with weights, or whose results optimizing keeps: those by which a place in a model is called. */
const ANCHOR = /conv|linear|matmul|mm$|norm|lstm|gru|attention|einsum/

/**
 * The operator of the original model where results begin to differ: the first one with weights whose result, or one computed from it, the
 * optimized model should have had and has not. Results are looked for by their numbers, as optimizing changes operators and their order,
 * but not what the layers give. Undefined where all are found.
 */
export async function firstDifference(original: Artifact, optimized: Artifact, args: readonly Plain[], tolerance: number): Promise<Call | undefined> {
  const expected = await printsOf(original, args)
  const actual = await printsOf(optimized, args)
  let known = -1
  for (const print of actual) {
    const found = indexOfPrint(expected, print, known, tolerance)
    if (found >= 0) known = Math.max(known, found)
    else if (ANCHOR.test(print.call.operator)) return anchorAfter(expected, known)?.call ?? print.call
  }
  return known < expected.length - 1 ? expected[known + 1]?.call : undefined
}

/** The results that follow are the likeliest, so they are looked at first. */
function indexOfPrint(prints: readonly Print[], wanted: Print, from: number, tolerance: number): number {
  const after = prints.findIndex((print, i) => i > from && isSame(print, wanted, tolerance))
  return after >= 0 ? after : prints.findIndex((print) => isSame(print, wanted, tolerance))
}

function isSame(a: Print, b: Print, tolerance: number): boolean {
  if (a.count !== b.count) return false
  const scale = Math.max(a.scale, b.scale)
  // As many errors add up as there are numbers, with either sign.
  const allowed = tolerance * scale * Math.sqrt(a.count)
  return Math.abs(a.scale - b.scale) <= tolerance * scale && a.sums.every((sum, i) => Math.abs(sum - b.sums[i]!) <= allowed)
}

function anchorAfter(prints: readonly Print[], from: number): Print | undefined {
  return prints.find((print, i) => i > from && ANCHOR.test(print.call.operator))
}

async function printsOf(artifact: Artifact, args: readonly Plain[]): Promise<Print[]> {
  // Instructions count anew in each method, and `forward` is the first.
  const calls = new Map(artifact.needs.calls.toReversed().map((call) => [call.instruction, call]))
  const prints: Print[] = []
  const runner = await load(artifact, (instruction, read) => {
    const call = calls.get(instruction)
    const elements = call && read()
    if (call && (elements instanceof Float32Array || elements instanceof Float64Array) && elements.length > 1) prints.push(printOf(call, elements))
  })
  try {
    runner.call('forward', args)
  } catch {
    // What was computed until then tells where.
  }
  return prints
}

/** So many weights that their period is no size of a layer. */
const WEIGHTS = 4093
const PROJECTIONS = 2

const weights: readonly Float64Array[] = Array.from({ length: PROJECTIONS }, (_, n) => {
  const random = randomNumbers(n)
  return Float64Array.from({ length: WEIGHTS }, () => random() * 2 - 1)
})

function printOf(call: Call, elements: Exclude<PlainElements, BigInt64Array>): Print {
  let scale = 0
  const sums = weights.map((weight) => {
    let sum = 0
    for (let i = 0; i < elements.length; i++) sum += elements[i]! * weight[i % WEIGHTS]!
    return sum
  })
  for (let i = 0; i < elements.length; i++) scale = Math.max(scale, Math.abs(elements[i]!))
  return { call, count: elements.length, scale, sums }
}
