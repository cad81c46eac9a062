import { editDistance } from '../compiler/ir/ops/nearest.ts'

/** Words longer than this are not worth a suggestion; it bounds the quadratic distance. */
const LONGEST_WORD = 64

const simplified = (word: string): string => word.toLowerCase().replaceAll(/[-. ]/g, '_')

/**
 * The candidate the writer most likely meant, or undefined when none is close: at most a third of its letters off,
 * or one is the beginning or the end of the other (`conv_bn` for `conv_bn_fusion`).
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = simplified(word)
  if (wanted.length === 0 || wanted.length > LONGEST_WORD) return undefined
  let best: string | undefined
  let bestDistance = Infinity
  for (const candidate of candidates) {
    const offered = simplified(candidate)
    const contained = wanted.length >= 3 && (offered.startsWith(wanted) || offered.endsWith(wanted) || wanted.startsWith(offered))
    const distance = contained ? 1 : editDistance(wanted, offered)
    if (distance > Math.max(1, Math.floor(offered.length / 3)) || distance >= bestDistance) continue
    best = candidate
    bestDistance = distance
  }
  return best
}
