import { getCurrentInstance, type MaybeRefOrGetter, onMounted, onScopeDispose, type ShallowRef, shallowRef, toValue, watch } from 'vue'
import { followModel, IDLE, type Loadable, type ModelState, type UseModelOptions } from './bindings.ts'
import type { Model } from './model.ts'

export type { ModelState, UseModelOptions } from './bindings.ts'

/** The parts of a {@link ModelState}, each to be watched. */
export type ModelRefs<M extends Model = Model> = { readonly [Part in keyof ModelState]: Readonly<ShallowRef<ModelState<M>[Part]>> }

/**
 * Loads a model for a component: `const { status, progress, error, model } = useModel(net)`. Loading begins when the component is mounted, so
 * never on a server, and is aborted when its scope ends first. The handle may be a ref or a getter: another handle loads another model, none
 * loads nothing. Components with the same handle share the model.
 */
export function useModel<M extends Model = Model>(handle: MaybeRefOrGetter<Loadable<M> | null | undefined>, options: UseModelOptions = {}): ModelRefs<M> {
  const refs = {
    status: shallowRef<ModelState['status']>('idle'), progress: shallowRef<ModelState['progress']>(), error: shallowRef<Error>(), model: shallowRef<M>(),
  }
  const tell = ({ status, progress, error, model }: ModelState<M>): void => {
    refs.model.value = model
    refs.error.value = error
    refs.progress.value = progress
    refs.status.value = status
  }
  let stop: (() => void) | undefined
  const follow = (): void => {
    watch(() => toValue(handle), (next) => {
      stop?.()
      stop = undefined
      if (next) stop = followModel(next, options, tell)
      else tell(IDLE)
    }, { immediate: true })
  }
  if (getCurrentInstance()) onMounted(follow)
  else follow()
  onScopeDispose(() => stop?.(), true)
  return refs
}
