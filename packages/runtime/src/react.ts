import { useEffect, useRef, useState } from 'react'
import { followModel, IDLE, type Loadable, type ModelState, type UseModelOptions } from './bindings.ts'
import type { Model } from './model.ts'

export type { ModelState, UseModelOptions } from './bindings.ts'

/**
 * Loads a model for a component: `const { status, progress, error, model } = useModel(net)`. Loading begins when the component is mounted, so
 * never on a server, and is aborted when it is unmounted first. Components with the same handle share the model. Without a handle nothing is
 * loaded. Other options than those of the first render count when `worker`, `cache` or `backend` change.
 */
export function useModel<M extends Model = Model>(handle: Loadable<M> | null | undefined, options: UseModelOptions = {}): ModelState<M> {
  const [state, setState] = useState<ModelState<M>>(IDLE)
  const { worker, cache, backend } = options
  const onProgress = useRef(options.onProgress)
  useEffect(() => { onProgress.current = options.onProgress })
  useEffect(() => {
    if (!handle) {
      setState(IDLE)
      return undefined
    }
    return followModel(handle, { worker, cache, backend, onProgress: (progress) => onProgress.current?.(progress) }, setState)
  }, [handle, worker, cache, backend])
  return state
}
