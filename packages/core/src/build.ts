import { basename, resolve } from 'node:path'
import type { Artifact, CompileOptions } from './compiler/artifact.ts'
import type { Facts } from './compiler/facts.ts'
import { PetalError } from './errors.ts'
import { createLimit } from './limit.ts'
import { fileVersion, makeArtifact, openModel } from './model.ts'
import { canonicalRequest, type ModelRequest } from './request/index.ts'
import { type FileDigest, modelName, type Store, type Stored } from './store/index.ts'

/** What a build needs besides the request. */
export interface BuildOptions {
  /** Where results are kept; see `createStore`. */
  readonly store: Store
  /** Called now and then while a model is compiled; never for one that is already stored. */
  readonly onProgress?: CompileOptions['onProgress']
}

/** A compiled model, ready to be handed to a bundler. */
export interface BuildResult {
  /** Absolute path of the compiled file in the store, `…/net.ptl`. */
  readonly file: string
  /** SHA-256 of the compiled file, in hexadecimal. */
  readonly sha256: string
  /** Size of the compiled file. */
  readonly bytes: number
  readonly facts: Facts
  /** The model file: its name without folders, its size and SHA-256. */
  readonly source: { readonly name: string; readonly bytes: number; readonly sha256: string }
  /** Things the user should know; each a sentence or two. */
  readonly warnings: readonly string[]
  /** False when this call compiled it. */
  readonly fromCache: boolean
}

/** What to build: a request, and the model's path. */
export type BuildRequest = ModelRequest & { readonly file: string }

/**
 * From a model file to a compiled file in the store: the one path that every adapter takes.
 * Throws a PetalError for each model or request that is refused, and for files that cannot be read or written.
 */
export async function build(request: BuildRequest, options: BuildOptions): Promise<BuildResult> {
  const file = resolve(request.file)
  const version = await fileVersion(file)
  const job: Job = { ...request, file, version, canonical: canonicalRequest(request), name: modelName(file) }
  return await rememberingFailure(options.store, JSON.stringify([file, version, job.canonical]), async () =>
    await fromStore(job, options) ?? await limited(() => fromModel(job, options)))
}

type Job = BuildRequest & { version: string; canonical: string; name: string }

/** The answer when neither the model nor the tool changed: nothing but a few small files is read. */
async function fromStore({ file, canonical, name }: Job, { store }: BuildOptions): Promise<BuildResult | undefined> {
  const source = await store.knownDigest(file)
  const stored = source && await store.find({ source, request: canonical, name })
  return stored && resultOf(file, source!, stored)
}

async function fromModel(job: Job, { store, onProgress }: BuildOptions): Promise<BuildResult> {
  const model = await openModel(job.file)
  try {
    const source = await store.digest(job.file)
    const stored = await store.resolve({ source, request: job.canonical, name: job.name }, async () =>
      guardChange(await makeArtifact(model, job, onProgress), job))
    return resultOf(job.file, source, stored)
  } finally {
    await model.close()
  }
}

/** The artifact, with a stream that fails at its end when the model was overwritten meanwhile: its digest would be wrong. */
function guardChange(artifact: Artifact, { file, version }: Job): Artifact {
  return {
    ...artifact,
    async *stream() {
      yield* artifact.stream()
      if (await fileVersion(file) === version) return
      throw new PetalError({
        code: 'FILE_CHANGED',
        message: `${basename(file)} changed while it was being compiled.`,
        fix: 'Try again when it is completely written.',
      })
    },
  }
}

function resultOf(file: string, source: FileDigest, stored: Stored): BuildResult {
  return { ...stored, source: { name: basename(file), bytes: source.bytes, sha256: source.sha256 } }
}

/** Bundlers load all imports at once, and a compile keeps one core busy: a few at a time are as quick as all, in less memory. */
const limited = createLimit(2)

/** Bundlers ask twice for an import that failed (a pre-transform, then the request itself). */
const FAILURE_MEMORY_MS = 2_000

const failures = new WeakMap<Store, Map<string, unknown>>()

async function rememberingFailure<T>(store: Store, attempt: string, work: () => Promise<T>): Promise<T> {
  const remembered = failures.get(store) ?? new Map<string, unknown>()
  failures.set(store, remembered)
  if (remembered.has(attempt)) throw remembered.get(attempt)
  try {
    return await work()
  } catch (error) {
    remembered.set(attempt, error)
    setTimeout(() => remembered.delete(attempt), FAILURE_MEMORY_MS).unref()
    throw error
  }
}
