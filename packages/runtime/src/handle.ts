import type { ModelFacts } from './facts.ts'
import type { AnyMethods, MethodTypes } from './method-types.ts'
import type { LoadOptions, Model } from './model.ts'
import type { Family } from './operator.ts'

export type * from './facts.ts'
export type { ImageSpec } from './image-spec.ts'
export type { Method, MethodTypes, TensorInput } from './method-types.ts'
export type { Input, LoadOptions, LoadProgress, Model } from './model.ts'
export type { Output } from './outputs.ts'
export type { TensorData, TensorValue } from './tensor-value.ts'

/**
 * What `import net from './net.pt?mobile'` gives: the facts, and the URL of the file that ships. Immutable; fetches nothing by itself.
 * It is its URL wherever a string is wanted: `fetch(String(net))`, `` `${net}` ``.
 * `Methods` are the types of the model's methods, where a declaration file tells them.
 */
export interface ModelHandle<Methods extends MethodTypes = AnyMethods> extends ModelFacts {
  /** Where the app finds the file; made by the bundler, like any asset's. */
  readonly url: string
  /**
   * Downloads, verifies and prepares the model. Callers that ask for the same share one download and get the same model, as long as it is
   * not disposed. Throws a RuntimeError, whose `code` tells what went wrong.
   */
  load(options?: LoadOptions): Promise<Model<Methods>>
  toString(): string
}

/** What `load()` imports when it is called first: the loader, and the operators that the model needs. */
export interface RuntimeModule {
  readonly load: (handle: ModelHandle, families: readonly Family[], options: LoadOptions) => Promise<Model>
  readonly families: readonly Family[]
}

/** Makes a handle. Called by the modules that the plugin generates; `runtime` imports the rest of the runtime. */
export function createHandle(url: string, facts: ModelFacts, runtime: () => Promise<RuntimeModule>): ModelHandle {
  return freeze(new PetalModel(url, facts, runtime)) as unknown as ModelHandle
}

class PetalModel {
  readonly #runtime: () => Promise<RuntimeModule>

  constructor(url: string, facts: ModelFacts, runtime: () => Promise<RuntimeModule>) {
    Object.assign(this, { url }, facts)
    this.#runtime = runtime
  }

  toString(): string {
    return (this as unknown as ModelHandle).url
  }

  async load(options: LoadOptions = {}): Promise<Model> {
    const { load, families } = await this.#runtime().catch((cause: unknown) => {
      const error = new Error('The code that runs the model did not arrive. Is the device offline, or was the app deployed anew? Reload the page.', { cause })
      throw Object.assign(error, { name: 'PetalError', code: 'DOWNLOAD' })
    })
    return load(this as unknown as ModelHandle, families, options)
  }
}

function freeze<T extends object>(value: T): T {
  for (const each of Object.values(value)) if (typeof each === 'object' && each) freeze(each)
  return Object.freeze(value)
}
