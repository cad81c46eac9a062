import { basename, resolve } from 'node:path'
import type { CompileOptions } from './compiler/artifact.ts'
import { lintWarnings } from './compiler/report/lint-policy.ts'
import {
  type ConversionOptions, convertibleKind, type ConvertibleKind, findConverted, isPythonFile, resolveConverted, type StoredConverted,
} from './conversion.ts'
import { PetalError } from './errors.ts'
import type { BuiltArtifact, BuiltFacts } from './facts.ts'
import { fileVersion } from './file-version.ts'
import { createLimit, type Limit } from './limit.ts'
import type { MakeOptions, Model } from './model.ts'
import type { ConversionFacts, Engine, Warning } from './pytorch/engine.ts'
import { canonicalRequest, givenDirectives, type ModelRequest } from './request/index.ts'
import { type FileDigest, modelName, type Store, type Stored } from './store/index.ts'

/** What a build needs besides the request. */
export interface BuildOptions {
  /** Where results are kept; see `createStore`. */
  readonly store: Store
  /** What converts Python sources, `createPyTorch`; without it they are refused unless they are stored. */
  readonly engine?: Engine
  /** The project's folder: what Python reads from it is a dependency. The working directory when left out. */
  readonly root?: string
  /** Ends a conversion in Python that is under way. */
  readonly signal?: AbortSignal
  /** Called now and then while a model is converted and compiled; never for one that is already stored. */
  readonly onProgress?: CompileOptions['onProgress']
  /** Bounds how many models are compiled at once; two in a process when left out. */
  readonly limit?: Limit
}

/** A compiled model, ready to be handed to a bundler. */
export interface BuildResult {
  /** Absolute path of the compiled file in the store, `…/net.ptl`. */
  readonly file: string
  /** SHA-256 of the compiled file, in hexadecimal. */
  readonly sha256: string
  /** Size of the compiled file. */
  readonly bytes: number
  /** Names what it was made from: the model's bytes, the directives and the compiling code. */
  readonly key: string
  readonly facts: BuiltFacts
  /** How Python became TorchScript; absent for sources that are TorchScript. */
  readonly conversion?: ConversionFacts
  /** The model file: its name without folders, its size and SHA-256. */
  readonly source: { readonly name: string; readonly bytes: number; readonly sha256: string }
  /** Absolute paths of all files that it was made from: the model file first. */
  readonly dependencies: readonly string[]
  /** Things the user should know; each a sentence or two. */
  readonly warnings: readonly Warning[]
  /** False when this call compiled it. */
  readonly fromCache: boolean
}

/** What to build: a request, and the model's path. */
export type BuildRequest = ModelRequest & { readonly file: string }

/**
 * From a model file to a compiled file in the store: the one path that every adapter takes.
 * Throws a PetalError for each model or request that is refused, and for files that cannot be read or written; its `dependencies`
 * say which files besides the model were read.
 */
export async function build(request: BuildRequest, options: BuildOptions): Promise<BuildResult> {
  const file = resolve(request.file)
  const version = await fileVersion(file)
  const job: Job = { request: { ...request, file }, version, name: modelName(file, request.format), options }
  const attempt = JSON.stringify([file, version, canonicalRequest(request), canonicalRequest(request, 'conversion')])
  return await rememberingFailure(options.store, attempt, async () => await fromStore(job) ?? await fromSource(job))
}

interface Job {
  readonly request: BuildRequest
  /** The model file's, when the work began. */
  readonly version: string
  /** Of the stored file. */
  readonly name: string
  readonly options: BuildOptions
}

/** The answer when neither the model nor the tool changed: nothing but a few small files is read, and no Python runs. */
async function fromStore(job: Job): Promise<BuildResult | undefined> {
  const { request, name, options: { store } } = job
  const source = await store.knownDigest(request.file)
  if (!source) return undefined
  if (givenDirectives(request, 'conversion').length === 0 && !isPythonFile(request.file)) {
    const stored = await store.find({ source, request: requestKey(request), name })
    if (stored) return await resultOf(job, source, stored)
  }
  const converted = await findConverted(request, source, store, conversionOptions(job))
  const stored = converted && await store.find({ source: converted.output, request: requestKey(request, converted), name })
  return stored && await resultOf(job, source, stored, converted)
}

async function fromSource(job: Job): Promise<BuildResult> {
  if (isPythonFile(job.request.file)) return await fromPython(job, 'python')
  const { openSource, usableModel } = await maker()
  const source = await openSource(job.request.file)
  try {
    const kind = convertibleKind(source.kind, job.request)
    if (kind !== undefined) return await fromPython(job, kind)
    return await limitOf(job)(() => compiled(job, usableModel(source, job.request)))
  } finally {
    await source.close()
  }
}

async function fromPython(job: Job, kind: ConvertibleKind): Promise<BuildResult> {
  const { request, name, options: { store } } = job
  // A missing file is for the conversion to tell.
  const source = await store.digest(request.file).catch(() => ({ sha256: '', bytes: 0 }))
  const converted = await resolveConverted(request, kind, source, store, conversionOptions(job))
  try {
    return await limitOf(job)(async () => {
      const { makeArtifact, openModel } = await maker()
      const model = await openModel(converted.file)
      try {
        const make = async (): Promise<BuiltArtifact> =>
          await makeArtifact({ ...model, name: basename(request.file) }, request, { ...progress(job), examples: converted.facts.inputs })
        const stored = await store.resolve({ source: converted.output, request: requestKey(request, converted), name }, make)
        return await resultOf(job, source, { ...stored, fromCache: stored.fromCache && converted.fromCache }, converted)
      } finally {
        await model.close()
      }
    })
  } catch (error) {
    throw error instanceof PetalError ? error.with({ dependencies: converted.dependencies }) : error
  }
}

function conversionOptions({ options: { engine, root, signal, onProgress } }: Job): ConversionOptions {
  return { engine, root: resolve(root ?? ''), control: { ...signal && { signal }, ...onProgress && { onProgress } } }
}

async function compiled(job: Job, model: Model): Promise<BuildResult> {
  const { request, name, options: { store } } = job
  const source = await store.digest(request.file)
  const stored = await store.resolve({ source, request: requestKey(request), name }, async () =>
    guardChange(await (await maker()).makeArtifact(model, request, progress(job)), job))
  return await resultOf(job, source, stored)
}

/** The compiler is loaded when something is not stored: a warm build goes without. */
const maker = (): Promise<typeof import('./model.ts')> => import('./model.ts')

const progress = ({ options: { onProgress } }: Job): MakeOptions => ({ ...onProgress && { onProgress } })

/** What the stored file and what is known of it depend on, beside the source: examples of a conversion are what it is tried on. */
function requestKey(request: BuildRequest, converted?: StoredConverted): string {
  const examples = request.input.length > 0 ? undefined : converted?.facts.inputs
  return [canonicalRequest(request), canonicalRequest(request, 'examples'), ...examples ? [`examples=${examples.join(';')}`] : []].join('&')
}

/** The artifact, with a stream that fails at its end when the model was overwritten meanwhile: its digest would be wrong. */
function guardChange(artifact: BuiltArtifact, { request: { file }, version }: Job): BuiltArtifact {
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

async function resultOf(
  { request, request: { file } }: Job, source: FileDigest, stored: Stored, converted?: StoredConverted,
): Promise<BuildResult> {
  const warnings = [...stored.warnings.map((message): Warning => ({ message })), ...lintWarnings(stored.facts.lints, request.lint)]
  const refused = request.requires === 'web' ? (await import('./coverage.ts')).notOnWeb(stored.facts.runtime, basename(file)) : undefined
  if (refused) throw refused
  // Most models take no pictures; what knows about them is not loaded for those.
  const isAsked = stored.facts.image !== undefined || givenDirectives(request, 'import').length > 0
  const image = isAsked ? (await import('./image-request.ts')).imageOf(request, stored.facts.image) : undefined
  return {
    ...stored,
    facts: { ...stored.facts, ...image && { image } },
    source: { name: basename(file), bytes: source.bytes, sha256: source.sha256 },
    dependencies: [...new Set([file, ...converted?.dependencies ?? []])],
    warnings: [...converted?.warnings ?? [], ...warnings],
    ...converted && { conversion: converted.facts },
  }
}

/** Bundlers load all imports at once, and a compile keeps one core busy: a few at a time are as quick as all, in less memory. */
const limited = createLimit(2)

const limitOf = ({ options: { limit = limited } }: Job): Limit => limit

/** Bundlers ask twice for an import that failed (a pre-transform, then the request itself). */
const FAILURE_MEMORY_MS = 2_000

interface Failure {
  readonly error: unknown
  /** Files besides the model that had a part in it, as they were. */
  readonly versions: readonly (readonly [file: string, version: string])[]
}

const failures = new WeakMap<Store, Map<string, Failure>>()

async function rememberingFailure<T>(store: Store, attempt: string, work: () => Promise<T>): Promise<T> {
  const remembered = failures.get(store) ?? new Map<string, Failure>()
  failures.set(store, remembered)
  const failure = remembered.get(attempt)
  if (failure && await isUnchanged(failure)) throw failure.error
  try {
    return await work()
  } catch (error) {
    const files = error instanceof PetalError ? error.dependencies : []
    const versions = await Promise.all(files.map(async (path) => [path, await fileVersion(path)] as const))
    remembered.set(attempt, { error, versions })
    setTimeout(() => remembered.delete(attempt), FAILURE_MEMORY_MS).unref()
    throw error
  }
}

async function isUnchanged({ versions }: Failure): Promise<boolean> {
  for (const [file, version] of versions) if (await fileVersion(file) !== version) return false
  return true
}
