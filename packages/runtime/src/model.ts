import type { MemoryUse } from './engine.ts'
import { aborted, RuntimeError } from './errors.ts'
import type { ModelPort } from './facts.ts'
import type { ImageSpec } from './image-spec.ts'
import type { AnyMethods, CallInputs, MethodName, MethodTypes, Outputs } from './method-types.ts'
import type { CacheMode } from './open.ts'
import { type Output, revive } from './outputs.ts'
import type { ImageInput, ImageSource } from './pictures.ts'
import type { LoadProgress } from './progress.ts'
import { DISPOSED, type MethodSignature, type Session } from './session.ts'
import type { TensorData, TensorLike, TensorValue } from './tensor-value.ts'

export type { LoadProgress } from './progress.ts'

/** How a model is loaded. */
export interface LoadOptions {
  /** Hears how far it is: the first and the last step of each load, and at most one per frame in between. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
  /** Gives up. Others who wait for the same model go on. */
  readonly signal?: AbortSignal | undefined
  /** Which copy of the file is taken. Default: `auto`. */
  readonly cache?: CacheMode | undefined
  /**
   * True: everything happens in a worker of the model's own, and the page stays smooth. Default: false. Where there are no workers
   * (Node), it runs in this thread.
   */
  readonly worker?: boolean | undefined
  /** What runs the model. Default: `auto`, which is `wasm`: there is no other one. */
  readonly backend?: 'auto' | 'wasm' | undefined
}

/** What can be passed for an input, by its TorchScript type. */
export type Input =
  | null | boolean | number | bigint | string
  | TensorLike | TensorData | ImageSource | ImageInput
  | readonly Input[] | ReadonlyMap<unknown, Input> | { readonly [name: string]: Input }

/** Outputs by name. */
export interface RunResult {
  /** Of a model with one output. */
  readonly output: TensorValue
  // Others depend on the model; `run<{ boxes: TensorValue }>(…)` tells of them.
  readonly [name: string]: Output
}

/** How a method is called. */
export interface CallOptions {
  /** Gives up waiting; a run that has begun is not stopped. */
  readonly signal?: AbortSignal | undefined
  /** How pictures become tensors, instead of what the import or the model says. */
  readonly image?: ImageSpec | undefined
  /** With a worker: hand arrays and bitmaps over instead of copying them. The caller has them no more. Default: false. */
  readonly transfer?: boolean | undefined
}

/**
 * A model that can be run. What it gives are copies, so nothing has to be freed but the model itself, and that only to be early.
 * `Methods` are the types of its methods, where a declaration file tells them.
 */
export interface Model<Methods extends MethodTypes = AnyMethods> extends Disposable {
  /**
   * Runs `forward`. Inputs by position (`run(x, mask)`) or by name (`run({ x, mask })`), as tensors `{ data, dims }`, typed arrays, nested
   * arrays, numbers, strings, pictures. Calls are carried out one after the other; do not write to an array before its call is done.
   */
  run<Result = Methods['forward']['outputs']>(...inputs: Methods['forward']['positional']): Promise<Result>
  run<Result = Methods['forward']['outputs']>(inputs: Methods['forward']['named']): Promise<Result>
  /** Runs any method that the model exports; inputs in an array, or by name in an object. */
  call<Name extends MethodName<Methods>>(method: Name, inputs: CallInputs<Methods[Name]>, options?: CallOptions): Promise<Outputs<Methods[Name]>>
  /** The same, with the type of what it gives. */
  call<Result>(method: MethodName<Methods>, inputs: CallInputs<Methods[MethodName<Methods>]>, options?: CallOptions): Promise<Result>
  /** What the model exports, by name. */
  readonly methods: Readonly<Record<string, MethodSignature>>
  /** Of `forward`. */
  readonly inputs: readonly ModelPort[]
  readonly outputs: readonly ModelPort[]
  /** How pictures become its input, where the import or the model says so. */
  readonly image: ImageSpec | undefined
  /** Bytes that it takes: after the last call, in a worker. */
  readonly memory: MemoryUse
  /** Brings a model that keeps state back to its beginning. */
  reset(): Promise<void>
  /** Lets the model go, for all who loaded it. Loading it again gives a new one. */
  dispose(): void
  readonly disposed: boolean
}

/** Sessions whose models nobody has any more: a worker would go on without end. */
const abandoned = new FinalizationRegistry<Session>((session) => session.dispose())

/** The model of a session. `onDispose` hears of its end. */
export function createModel(session: Session, onDispose: () => void = () => undefined): Model {
  const { methods, image } = session.info
  let { memory } = session.info
  let disposed = false
  const alive = (): void => {
    if (disposed) throw new RuntimeError('DISPOSED', DISPOSED)
  }
  const call = async (
    method: string, inputs: CallInputs<AnyMethods[string]>, { signal, image: said, transfer = false }: CallOptions = {},
  ): Promise<unknown> => {
    alive()
    if (!Object.hasOwn(methods, method)) throw new RuntimeError('WRONG_INPUT', `The model has no method "${method}"; it has ${Object.keys(methods).join(', ')}.`)
    const args = Array.isArray(inputs) ? inputs as readonly unknown[] : [inputs]
    const result = await abortable(session.call({ method, args, image: said }, transfer), signal)
    memory = result.memory
    return Object.fromEntries(result.outputs.map(([name, output]) => [name, revive(output)]))
  }
  const dispose = (): void => {
    if (disposed) return
    disposed = true
    abandoned.unregister(model)
    session.dispose()
    onDispose()
  }
  const model: object = {
    call, dispose, methods, image,
    run: (...inputs: AnyMethods['forward']['positional']) => call('forward', inputs),
    inputs: methods['forward']?.inputs ?? [],
    outputs: methods['forward']?.outputs ?? [],
    get memory() { return memory },
    get disposed() { return disposed },
    async reset() {
      alive()
      await session.reset()
    },
    // Engines without explicit resource management have no such symbol; compilers that stand in for it use this one.
    [Symbol.dispose as symbol | undefined ?? Symbol.for('Symbol.dispose')]: dispose,
  }
  // Frozen also because frameworks leave frozen objects as they are, instead of making all of a model reactive.
  Object.freeze(model)
  // `dispose` refers to the model, so that it lives as long as any of its functions, and as long as a call is under way.
  abandoned.register(model, session, model)
  return model as Model
}

/** Settles as `promise` does, or when the signal says so. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await promise
  let stop: (() => void) | undefined
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(aborted('The call', signal))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
  })
  try {
    return await Promise.race([promise, stopped])
  } finally {
    signal.removeEventListener('abort', stop!)
  }
}
