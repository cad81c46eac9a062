import { rmSync } from 'node:fs'
import { mkdtemp, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { PetalError } from './errors.ts'
import type { Conversion, ConversionControl, ConversionJob, Engine, EngineIdentity } from './pytorch/engine.ts'
import { canonicalRequest, type ModelRequest } from './request/index.ts'
import { refusal, type SourceKind } from './source/kinds.ts'
import type { ConversionRecord, ConversionSteps, FileDigest, Store } from './store/index.ts'

/** What has to be converted before it can be compiled. */
export type ConvertibleKind = ConversionJob['source']['kind']

/** A source as TorchScript. */
export interface Converted extends Omit<Conversion, 'packages'> {
  /** The archive; only there as long as whoever converted it says. */
  readonly file: string
}

/** A converted source in a store, where the archive stays. */
export interface StoredConverted extends Converted {
  readonly output: FileDigest
  readonly fromCache: boolean
}

/** What a conversion needs besides the request. */
export interface ConversionOptions {
  /** What converts; where there is none, Python sources are refused. */
  readonly engine: Engine | undefined
  /** The project's folder. */
  readonly root: string
  readonly control?: ConversionControl
}

/** What a request asks to be converted. */
export type ConversionSource = ModelRequest & { readonly file: string }

/** Whether a file is Python, as far as its name tells. */
export const isPythonFile = (file: string): boolean => /\.py$/i.test(file)

/**
 * How a file of that kind is converted; undefined for what is TorchScript or of no use.
 * Throws a PetalError for one whose reading may run code, unless the request trusts it.
 */
export function convertibleKind(kind: SourceKind, { file, trust }: ConversionSource): ConvertibleKind | undefined {
  if (kind.kind !== 'checkpoint' && kind.kind !== 'exported-program') return undefined
  if (!trust) throw refusal(kind, basename(file))
  return kind.kind
}

/** The stored conversion of a source, if all that it was made from is as it was. Runs nothing. */
export async function findConverted(
  request: ConversionSource, source: FileDigest, store: Store, { engine }: ConversionOptions,
): Promise<StoredConverted | undefined> {
  const found = await store.findConversion(wantedOf(request, source), acceptor(request, store, engine))
  return found && { ...answerOf(found, request.file), file: found.file, output: found.output, fromCache: true }
}

/** The stored conversion of a source, or a new one. Throws a PetalError. */
export async function resolveConverted(
  request: ConversionSource, kind: ConvertibleKind, source: FileDigest, store: Store, options: ConversionOptions,
): Promise<StoredConverted> {
  const steps: ConversionSteps = {
    path: request.file,
    accept: acceptor(request, store, options.engine),
    produce: async (output) => {
      const started = Date.now()
      return await recordOf(await convert(request, kind, output, options), request.file, store, started)
    },
  }
  const stored = await store.resolveConversion(wantedOf(request, source), steps)
  return { ...answerOf(stored, request.file), file: stored.file, output: stored.output, fromCache: stored.fromCache }
}

/** Converts without a store; `use` has the archive as long as it runs. */
export async function withConverted<T>(
  request: ConversionSource, kind: ConvertibleKind, options: ConversionOptions, use: (converted: Converted) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'petal-'))
  const clean = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', clean)
  try {
    const file = join(folder, `${basename(request.file)}.pt`)
    return await use({ ...await convert(request, kind, file, options), file })
  } finally {
    process.off('exit', clean)
    clean()
  }
}

async function convert(request: ConversionSource, kind: ConvertibleKind, output: string, options: ConversionOptions): Promise<Conversion> {
  const { engine, root, control } = options
  const { file, convert, entry, args, input, weights, script, trace, check, quantize, trust } = request
  await mustBeFile(file)
  if (engine === undefined) {
    throw new PetalError({
      code: 'NO_ENGINE', message: `${basename(file)} needs PyTorch to be converted, and this program gave none.`,
      fix: 'Give build() an engine: createPyTorch({ root }).',
    })
  }
  return await engine.convert({
    source: { kind, file }, root, output, convert, entry, args, input, weights: weights && resolve(dirname(file), weights), script, trace, check,
    quantize, trust,
  }, control)
}

async function mustBeFile(file: string): Promise<void> {
  const stats = await stat(file).catch(() => undefined)
  if (stats?.isFile()) return
  throw new PetalError(stats === undefined
    ? { code: 'FILE_NOT_FOUND', message: `${file} does not exist.`, fix: 'Check the path; letter case counts.' }
    : { code: 'NOT_A_FILE', message: `${file} is not a plain file.`, fix: 'Name the model file.' })
}

function wantedOf(request: ConversionSource, source: FileDigest): { source: FileDigest; request: string } {
  return { source, request: canonicalRequest(request, 'conversion') }
}

/** `Date.now()` drops what is below a millisecond, and times of files do not. */
const CLOCK_STEP_MS = 1

/** In place of a digest; equal to none. */
const CHANGED = 'changed while it was converted'

/** What a record keeps beside digests. Paths are relative to the source, so that checkouts can share it. */
interface Details extends Omit<Conversion, 'dependencies'> {}

async function recordOf(conversion: Conversion, file: string, store: Store, started: number): Promise<Omit<ConversionRecord, 'output'>> {
  const folder = dirname(file)
  const { dependencies, warnings, ...rest } = conversion
  const digests = await Promise.all(dependencies.map(async (path) => {
    // What the model itself wrote, read and removed is gone by now.
    const stats = await stat(path).catch(() => undefined)
    const digest = stats && await store.digest(path).catch(() => undefined)
    if (!digest) return []
    // Nobody knows what Python has read of a file that changed meanwhile, so the record must not hold for its new content.
    const changed = Math.max(stats.mtimeMs, stats.ctimeMs) >= started + CLOCK_STEP_MS
    return [[portable(folder, path), changed ? CHANGED : digest.sha256] as const]
  }))
  const details: Details = { ...rest, warnings: warnings.map((warning) => relocated(warning, (path) => portable(folder, path))) }
  return { dependencies: Object.fromEntries(digests.flat()), details }
}

function answerOf({ dependencies, details }: ConversionRecord, file: string): Omit<Converted, 'file'> {
  const folder = dirname(file)
  const { facts, warnings } = details as Details
  return {
    facts,
    warnings: warnings.map((warning) => relocated(warning, (path) => resolve(folder, path))),
    dependencies: Object.keys(dependencies).map((path) => resolve(folder, path)),
  }
}

function relocated(warning: Conversion['warnings'][number], move: (path: string) => string): Conversion['warnings'][number] {
  const { location } = warning
  return location?.file === undefined ? warning : { ...warning, location: { ...location, file: move(location.file) } }
}

function portable(folder: string, path: string): string {
  const near = relative(folder, path).replaceAll('\\', '/')
  return isAbsolute(near) ? path : near
}

/**
 * Whether a record still holds. The engine is only asked where there is a record: apps whose models are TorchScript never look for
 * a Python. Without an engine any engine's answer is good: an app can be built from a store where there is no Python.
 */
function acceptor({ file }: ConversionSource, store: Store, engine: Engine | undefined): ConversionSteps['accept'] {
  let identity: Promise<EngineIdentity | undefined> | undefined
  return async (record) => {
    const { facts, packages } = record.details as Details
    for (const [path, sha256] of Object.entries(record.dependencies)) {
      const digest = await store.digest(resolve(dirname(file), path)).catch(() => undefined)
      if (digest?.sha256 !== sha256) return false
    }
    const current = await (identity ??= engine?.identify())
    if (current === undefined) return true
    if (current.torch !== facts.torch || current.python !== facts.python) return false
    for (const [name, version] of Object.entries(packages)) {
      if (await current.packageVersion(name) !== version) return false
    }
    return true
  }
}
