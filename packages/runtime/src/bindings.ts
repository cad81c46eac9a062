import type { LoadOptions, LoadProgress, Model } from './model.ts'

/** What can be loaded: a handle. `M` is the type of its model. */
export interface Loadable<M extends Model> {
  load(options?: LoadOptions): Promise<M>
}

/** A model in a component: where its loading is. */
export interface ModelState<M extends Model = Model> {
  /** `idle` on a server, and while there is no handle. */
  readonly status: 'idle' | 'loading' | 'ready' | 'error'
  readonly progress: LoadProgress | undefined
  /** A RuntimeError mostly. */
  readonly error: Error | undefined
  readonly model: M | undefined
}

/** What `useModel` takes; the signal is the component's life. */
export type UseModelOptions = Omit<LoadOptions, 'signal'>

/** Before anything was loaded. */
export const IDLE: ModelState<never> = { status: 'idle', progress: undefined, error: undefined, model: undefined }

/**
 * Loads a model and tells each new state. What it gives ends that: a load that nobody else waits for is aborted; a loaded model stays, as
 * others may use it.
 */
export function followModel<M extends Model>(handle: Loadable<M>, options: UseModelOptions, tell: (state: ModelState<M>) => void): () => void {
  const controller = new AbortController()
  const { signal } = controller
  let state: ModelState<M> = { ...IDLE, status: 'loading' }
  const change = (changes: Partial<ModelState<M>>): void => {
    if (signal.aborted) return
    state = { ...state, ...changes }
    tell(state)
  }
  const onProgress = (progress: LoadProgress): void => {
    change({ progress })
    options.onProgress?.(progress)
  }
  change({})
  handle.load({ ...options, onProgress, signal }).then(
    (model) => change({ status: 'ready', model }),
    (error: unknown) => change({ status: 'error', error: error instanceof Error ? error : new Error(String(error)) }),
  )
  return () => controller.abort()
}
