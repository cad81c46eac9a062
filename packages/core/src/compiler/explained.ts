import type { Archive } from './archive/zip-reader.ts'
import { PetalError } from './errors.ts'
import { codeFrame } from './script/source.ts'

/**
 * Runs `work`, and makes a PetalError of whatever else it throws, so that a user never meets a bare stack trace. The original is the
 * error's `cause`.
 */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof PetalError || isSystemError(error)) throw error
    throw Object.assign(isStackOverflow(error) ? tooDeep() : internal(error), { cause: error })
  }
}

/** Runs `work`, and shows the code around the place that a PetalError names, where that is in a record of the archive. */
export async function withFrame<T>(archive: Archive, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { file, line, frame } = (error instanceof PetalError && error.location) || {}
    const record = file === undefined ? undefined : archive.records.get(file)
    if (record === undefined || line === undefined || frame !== undefined) throw error
    const text = new TextDecoder().decode(await record.read())
    throw (error as PetalError).at({ frame: codeFrame({ name: record.name, text }, line) })
  }
}

/** Reading failed: whoever opened the source knows best how to say it. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && /call stack/i.test(error.message)
}

function tooDeep(): PetalError {
  return new PetalError({
    code: 'TOO_DEEP',
    message: 'The code of the model nests too deeply to be compiled.',
    cause: 'No model that people write does, so the file is damaged, or a program wrote it.',
    fix: 'Split the expressions or blocks that nest.',
  })
}

function internal(error: unknown): PetalError {
  const refusal = new PetalError({
    code: 'INTERNAL',
    message: `The compiler failed: ${error instanceof Error ? error.message : String(error)}.`,
    cause: 'This is a mistake in Petal and not in the model.',
    fix: 'Please report it, with the model or with what `petal inspect` says of it; blocking optimizations may help until then.',
  })
  refusal.cause = error
  return refusal
}
