import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ByteSource } from './compiler/archive/byte-source.ts'
import type { Artifact, CompileOptions } from './compiler/artifact.ts'
import { compile } from './compiler/compile.ts'
import { readLite } from './compiler/report/inspect.ts'
import { type CheckJob, type CheckResult, checkModel } from './check/index.ts'
import { inFormat, lackOf, runtimeFact, runtimeImports } from './coverage.ts'
import { PetalError } from './errors.ts'
import type { BuiltArtifact, ModelRuntime } from './facts.ts'
import { imageOfModel } from './image.ts'
import { defaultRequest, givenDirectives, type ModelRequest, parseDirectives } from './request/index.ts'
import { identifySource, openFileSource, refusal, type SourceKind } from './source/index.ts'

/** The kinds of file that something can be made of. */
export type ModelKind = Extract<SourceKind, { kind: 'torchscript' | 'lite' }>

/** A model file, open for reading. */
export interface Model {
  /** The file's name without folders. */
  readonly name: string
  readonly kind: ModelKind
  readonly source: ByteSource
  close(): Promise<void>
}

/** Any file, open for reading, and what it turned out to be. */
export interface Source extends Omit<Model, 'kind'> {
  readonly kind: SourceKind
}

/** Opens a file and finds out what it is. Throws a PetalError where it cannot be read, or is damaged or dangerous to read on. */
export async function openSource(file: string): Promise<Source> {
  const name = basename(file)
  // Opening a named pipe would wait for its writer.
  const stats = await stat(file).catch(() => undefined)
  if (stats && !stats.isFile() && !stats.isDirectory()) {
    throw new PetalError({ code: 'NOT_A_FILE', message: `${file} is not a plain file.`, fix: 'Copy the model to a plain file.' })
  }
  const source = await openFileSource(file)
  try {
    return { name, kind: await identifySource(source, name), source, close: () => source.close() }
  } catch (error) {
    await source.close()
    throw error
  }
}

/** A source that can be compiled as it is. Throws a PetalError for any other, and for directives that need Python. */
export function usableModel({ kind, ...rest }: Source, request: ModelRequest): Model {
  if (kind.kind !== 'torchscript' && kind.kind !== 'lite') throw refusal(kind, rest.name)
  const [given] = givenDirectives(request, 'conversion')
  if (given !== undefined) {
    throw new PetalError({
      code: 'NOT_PYTHON',
      message: `${rest.name} is ${kind.kind === 'lite' ? 'compiled' : 'TorchScript'} already, so "${given}" cannot apply to it.`,
      cause: 'Tracing, scripting and quantizing need the Python source of a model.',
      fix: `Leave "${given}" out, or import the Python file.`,
    })
  }
  return { kind, ...rest }
}

/** Opens a file that can be compiled as it is. Throws a PetalError for any other. */
export async function openModel(file: string, request: ModelRequest = defaultRequest): Promise<Model> {
  const source = await openSource(file)
  try {
    return usableModel(source, request)
  } catch (error) {
    await source.close()
    throw error
  }
}

/** What making an artifact takes besides model and request. */
export interface MakeOptions {
  readonly onProgress?: CompileOptions['onProgress']
  /** Example inputs that a conversion was made with, each as `input=` writes it. */
  readonly examples?: readonly string[] | undefined
}

/**
 * What the request makes of the model: compiled and tried, or as it is where it was compiled before. Throws a PetalError for a model that cannot
 * be compiled, and for one that gives something else once it is.
 */
export async function makeArtifact(model: Model, request: ModelRequest, options: MakeOptions = {}): Promise<BuiltArtifact> {
  const { needs, ...artifact } = model.kind.kind === 'lite' ? await passThrough(model, request) : await compileModel(model, request, options)
  const runtime = inFormat(runtimeFact(needs), artifact.facts.format)
  const image = await imageOfModel(model.source)
  const { check, ...ports } = await tried(model, request, { ...artifact, needs }, runtime, options)
  const { inputs, outputs, ...facts } = { ...artifact.facts, ...ports }
  const lack = lackOf(runtime)
  return {
    ...artifact,
    facts: { ...facts, inputs, outputs, signature: { inputs, outputs }, ...image && { image }, runtime, imports: runtimeImports(needs, facts.operatorVersion), check },
    // Who asks for another engine or another file does not mean the web.
    warnings: [...artifact.warnings, ...lack && facts.backend === 'cpu' && facts.format === 'ptl' ? [lack.message] : []],
  }
}

async function compileModel({ source }: Model, request: ModelRequest, { onProgress }: MakeOptions): Promise<Artifact> {
  return await compile(source, { ...compileOptions(request), ...onProgress && { onProgress } })
}

/** What a request says to the compiler. */
function compileOptions({ backend, format, block, preserve, bundle, lint, bytecode, runtime, code, debug }: ModelRequest): CompileOptions {
  return { backend, format, block, preserve, bundle, lint, code, debug, ...bytecode !== 'auto' && { bytecode }, ...runtime !== 'any' && { runtime } }
}

async function tried(
  { name, kind, source }: Model, request: ModelRequest, artifact: Artifact, runtime: ModelRuntime, { examples, onProgress }: MakeOptions,
): Promise<CheckResult> {
  if (kind.kind === 'lite') return { check: { skipped: 'it was compiled before, so there is nothing to compare it with' } }
  if (request.check === 'none') return { check: { skipped: 'the import says "check=none"' } }
  const ownInputs = request.input.length > 0 ? [request.input] : request.bundle.length > 0 ? request.bundle : inputsOf(examples)
  const inputs = ownInputs.length > 0 ? [...ownInputs, ...typeof request.check === 'string' ? [] : request.check] : []
  onProgress?.({ phase: 'checking', share: 1 })
  // What is tried beside the file itself is compiled worse on purpose, which no lint should mind.
  const options: CompileOptions = { ...compileOptions(request), lint: 'off' }
  const readable = await inReadableFormat(source, options, { artifact, runtime })
  if (typeof readable === 'string') return { check: { skipped: readable } }
  return await checkModel({
    name, source, ...readable, inputs, isGiven: request.input.length + request.bundle.length > 0, tolerance: request.tolerance,
  })
}

/** What is tried of a model: the file itself, or the same program in the format that the runtime reads. A text tells why nothing is. */
async function inReadableFormat(
  source: ByteSource, options: CompileOptions, made: Pick<CheckJob, 'artifact' | 'runtime'>,
): Promise<Pick<CheckJob, 'artifact' | 'runtime' | 'options'> | string> {
  if (options.backend !== 'cpu') return `Petal's runtime has no ${options.backend}`
  if (made.artifact.facts.format === 'ptl') return { ...made, options }
  const { bytecode: _, runtime: __, ...rest } = options
  const readable: CompileOptions = { ...rest, format: 'ptl' }
  try {
    const artifact = await compile(source, readable)
    return { artifact, runtime: runtimeFact(artifact.needs), options: readable }
  } catch (error) {
    if (!(error instanceof PetalError)) throw error
    return `the model is no program for the lite interpreter: ${error.what}`
  }
}

/** Inputs that a directive could not say are none. */
function inputsOf(examples: readonly string[] = []): ModelRequest['input'][] {
  if (examples.length === 0) return []
  try {
    return [parseDirectives([['input', examples.join(';')]]).input]
  } catch {
    return []
  }
}

/** Bytes per read when a file is handed on. */
const PIECE = 1 << 20

async function passThrough(model: Model, request: ModelRequest): Promise<Artifact> {
  const { source, name } = model
  const recompiling = [...givenDirectives(request, 'compilation'), ...givenDirectives(request, 'examples')]
  if (recompiling.length > 0) {
    throw new PetalError({
      code: 'ALREADY_COMPILED',
      message: `${name} is already compiled, so ${recompiling.map((directive) => `"${directive}"`).join(' and ')} cannot apply to it.`,
      cause: 'A file in the mobile format keeps no TorchScript code to compile again.',
      fix: 'Leave the directive out, or import the TorchScript file (torch.jit.save) that it was made from.',
    })
  }
  return {
    ...await readLite(source),
    warnings: [],
    size: source.size,
    async *stream() {
      for (let begin = 0; begin < source.size; begin += PIECE) yield await source.read(begin, Math.min(begin + PIECE, source.size))
    },
  }
}
