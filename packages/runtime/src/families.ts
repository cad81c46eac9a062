import type { Family } from './operator.ts'

/** Every family of operators. */
export const families: readonly Family[] = []
