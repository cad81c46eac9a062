/**
 * Steps between two words: insertions, deletions, replacements and swaps of neighbours
 * (optimal string alignment, the restricted Damerau-Levenshtein distance).
 */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let best = Math.min(previous[j]! + 1, current[j - 1]! + 1, replaced)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) best = Math.min(best, beforePrevious[j - 2]! + 1)
      current.push(best)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.length]!
}

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
