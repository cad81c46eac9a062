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

/** Insertions, deletions, substitutions that make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
