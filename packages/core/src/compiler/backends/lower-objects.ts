import { lowerEnums } from '../passes/lower-enums.ts'
import { lowerImmutableObjects } from '../passes/lower-immutable-objects.ts'
import { lowerMutableObjects } from '../passes/lower-mutable-objects.ts'
import { removeInferenceContexts } from '../passes/remove-inference-contexts.ts'
import { graphsOf } from '../program.ts'
import type { StageState } from './backend.ts'
import { freezeCompletely } from './freeze.ts'

/**
 * Replaces what is left of enums and objects by numbers and tuples, where that can be, and simplifies again what has changed. Contexts
 * that mean nothing to a compiled model go, which can be told now that their objects are gone.
 */
export function lowerObjects(state: StageState): void {
  if (lowerLanguage(state)) freezeCompletely(state)
}

/** {@link lowerObjects} and nothing else, for methods that stay as they were saved. True when something has changed. */
export function lowerLanguage(state: StageState): boolean {
  removeInferenceContexts(graphsOf(state), state.root, state.log)
  let hasChanged = false
  for (const pass of [lowerEnums, lowerImmutableObjects, lowerMutableObjects]) {
    const copies = pass({ graphs: graphsOf(state), root: state.root, preserved: state.preserved }, state.log)
    if (copies === undefined) continue
    state.root = copies.get(state.root)!
    state.preserved = new Map([...state.preserved].map(([object, names]) => [copies.get(object) ?? object, names]))
    hasChanged = true
  }
  return hasChanged
}
