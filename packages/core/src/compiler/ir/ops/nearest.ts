/** Names longer than this are not compared letter by letter: no operator's is, and the comparison's cost is their product. */
const MAX_NAME_LENGTH = 100

/** Up to `count` of `candidates` that are a slip of the pen away from `name`: closest first, then in the given order. */
export function nearest(name: string, candidates: readonly string[], count: number): string[] {
  if (name.length > MAX_NAME_LENGTH) return []
  const limit = Math.max(1, Math.floor(name.slice(name.indexOf('::') + 1).length / 3))
  return candidates
    .filter((candidate) => Math.abs(candidate.length - name.length) <= limit)
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ candidate }) => candidate)
}

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
