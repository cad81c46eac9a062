import type { Lock, LockedModel } from './lockfile.ts'

/** How what is locked and what is asked for differ, each in a sentence. Empty where they are the same. */
export function lockDifferences(locked: Lock, current: Lock): string[] {
  const names = [...new Set([...Object.keys(locked), ...Object.keys(current)])].toSorted()
  return names.flatMap((name) => {
    const [before, now] = [locked[name], current[name]]
    if (before === undefined) return [`${name} is imported and not in the lock file.`]
    if (now === undefined) return [`${name} is in the lock file and imported nowhere.`]
    const difference = modelDifference(before, now)
    return difference === undefined ? [] : [`${name}: ${difference}`]
  })
}

/** The first of these that differs explains the others. */
function modelDifference(before: LockedModel, now: LockedModel): string | undefined {
  if (before.source !== now.source) return `the model's bytes changed (${changed(before.source, now.source)}).`
  const isSame = before.sha256 === now.sha256
  const bytes = changed(before.sha256, now.sha256)
  if (before.key === now.key) {
    return isSame ? undefined : `the same request gave other bytes (${bytes}); the store or the remote store holds a wrong file.`
  }
  const what = 'petal itself, or a file that the model is converted with, changed'
  return isSame ? `${what} (${changed(before.key, now.key)}); the result did not.` : `${what}, and with it the result (${bytes}).`
}

/** Two digests, as short as they tell them apart. */
export const changed = (before: string, now: string): string => `${before.slice(0, 12)} -> ${now.slice(0, 12)}`
