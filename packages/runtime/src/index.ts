import { openResponse } from './download.ts'
import { families } from './families.ts'
import type { ImageSpec } from './image-spec.ts'
import { loadOnce, locate } from './load.ts'
import type { LoadOptions, Model } from './model.ts'
import type { Source } from './open.ts'

export { RuntimeError, type RuntimeErrorCode } from './errors.ts'
export type { ImageSpec } from './image-spec.ts'
export type { MemoryUse } from './engine.ts'
export type { ModelFacts, ModelPort, ModelSignature } from './facts.ts'
export type { ModelHandle } from './handle.ts'
export type { CallOptions, Input, LoadOptions, LoadProgress, Model, RunResult } from './model.ts'
export type { CacheMode } from './open.ts'
export type { Output } from './outputs.ts'
export type { ImageInput, ImageSource } from './pictures.ts'
export type { TopEntry } from './results.ts'
export type { MethodSignature } from './session.ts'
export { type NestedArray, type TensorData, type TensorLike, TensorValue } from './tensor-value.ts'

/** How a file is loaded of which the build knows nothing. */
export interface LoadModelOptions extends LoadOptions {
  /** `sha256-…`, base64. With it the file is verified, and kept in the browser's cache. */
  readonly integrity?: string | undefined
  /** Size of the file, where the server does not tell it, for progress. */
  readonly bytes?: number | undefined
  /** How pictures become the model's input, unless its extra file `image.json` says so. */
  readonly image?: ImageSpec | undefined
}

/**
 * Loads a model that was not imported: any file for PyTorch's lite interpreter, PyTorch's own included. `source` is an address, an answer of
 * `fetch`, or the file itself; in Node also a path. All operators of the runtime come with it. Throws a RuntimeError.
 */
export async function loadModel(
  source: string | URL | Response | Blob | ArrayBuffer | Uint8Array, { integrity, bytes, image, ...options }: LoadModelOptions = {},
): Promise<Model> {
  return await loadOnce({ ...sourceOf(source, bytes), integrity, bytes }, families, { image }, options)
}

function sourceOf(source: string | URL | Response | Blob | ArrayBuffer | Uint8Array, bytes: number | undefined): Source {
  if (source instanceof Response) return { incoming: openResponse(source, source.url, bytes), name: 'response' }
  if (source instanceof Uint8Array) return { data: source, name: 'bytes' }
  if (source instanceof ArrayBuffer) return { data: new Uint8Array(source), name: 'bytes' }
  if (source instanceof Blob) return { data: source, name: 'file' }
  const place = locate(source)
  // Versions of a file differ in what follows the name: net-4f2a9c.ptl, net.ptl?v=2.
  return { ...place, name: (place.url ?? place.path!).replace(/[?#].*$/, '').replace(/[-.][\w-]{8,}(?=\.\w+$)/, '') }
}
