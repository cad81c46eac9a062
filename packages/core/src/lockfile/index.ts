export { changed, lockDifferences } from './compare.ts'
export { type Lock, LOCKFILE, type LockedModel, readLock, requestName, writeLock } from './lockfile.ts'
