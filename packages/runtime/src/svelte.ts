import { readable, type Readable } from 'svelte/store'
import { followModel, IDLE, type Loadable, type ModelState, type UseModelOptions } from './bindings.ts'
import type { Model } from './model.ts'

export type { ModelState, UseModelOptions } from './bindings.ts'

/**
 * Loads a model for a component, as a store: `const net = useModel(handle)`, then `$net.status`, `$net.progress`, `$net.error`, `$net.model`.
 * Loading begins with the first subscriber, in browsers only, and is aborted when the last one leaves first. Components with the same handle
 * share the model.
 */
export function useModel<M extends Model = Model>(handle: Loadable<M> | null | undefined, options: UseModelOptions = {}): Readable<ModelState<M>> {
  return readable<ModelState<M>>(IDLE, (set) => {
    // Servers subscribe, too, while they render.
    if (!handle || typeof document === 'undefined') return undefined
    return followModel(handle, options, set)
  })
}
