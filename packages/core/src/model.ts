import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ByteSource } from './compiler/archive/byte-source.ts'
import type { Artifact, CompileOptions } from './compiler/artifact.ts'
import { compile } from './compiler/compile.ts'
import { inspectLite } from './compiler/report/inspect.ts'
import { PetalError } from './errors.ts'
import { DIRECTIVES, type ModelRequest } from './request/index.ts'
import { identifySource, openFileSource, refusal, type SourceKind } from './source/index.ts'
import { systemCode } from './store/index.ts'

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

/** Opens a file and finds out what it is. Throws a PetalError for anything that is not a TorchScript or mobile model. */
export async function openModel(file: string): Promise<Model> {
  await fileVersion(file)
  const name = basename(file)
  const source = await openFileSource(file)
  try {
    const kind = await identifySource(source, name)
    if (kind.kind !== 'torchscript' && kind.kind !== 'lite') throw refusal(kind, name)
    return { name, kind, source, close: () => source.close() }
  } catch (error) {
    await source.close()
    throw error
  }
}

/** What the request makes of the model: compiled, or as it is where it was compiled before. */
export async function makeArtifact(
  model: Model, request: ModelRequest, onProgress?: CompileOptions['onProgress'],
): Promise<Artifact> {
  if (model.kind.kind === 'lite') return await passThrough(model, request)
  const { backend, format, block } = request
  return await compile(model.source, { backend, format, block, ...onProgress && { onProgress } })
}

/** Bytes per read when a file is handed on. */
const PIECE = 1 << 20

async function passThrough(model: Model, request: ModelRequest): Promise<Artifact> {
  const { source, name } = model
  const recompiling = Object.values(DIRECTIVES).filter(
    ({ name, changesBytes, fallback }) => changesBytes && String(request[name]) !== String(fallback),
  )
  if (recompiling.length > 0) {
    throw new PetalError({
      code: 'ALREADY_COMPILED',
      message: `${name} is already compiled, so ${recompiling.map((directive) => `"${directive.name}"`).join(' and ')} cannot apply to it.`,
      cause: 'A file in the mobile format keeps no TorchScript code to compile again.',
      fix: 'Leave the directive out, or import the TorchScript file (torch.jit.save) that it was made from.',
    })
  }
  return {
    facts: await inspectLite(source),
    warnings: [],
    size: source.size,
    async *stream() {
      for (let begin = 0; begin < source.size; begin += PIECE) yield await source.read(begin, Math.min(begin + PIECE, source.size))
    },
  }
}

const UNREADABLE: Readonly<Record<string, { code: string; what: string; fix?: string }>> = {
  ENOENT: { code: 'FILE_NOT_FOUND', what: 'does not exist', fix: 'Check the path; letter case counts.' },
  ENOTDIR: { code: 'FILE_NOT_FOUND', what: 'does not exist', fix: 'Check the path; one of its folders is a file.' },
  ENAMETOOLONG: { code: 'FILE_NOT_FOUND', what: 'does not exist', fix: 'Check the path; it is too long for this system.' },
  ELOOP: { code: 'FILE_NOT_FOUND', what: 'is a link that leads back to itself', fix: 'Check the path.' },
  EACCES: { code: 'NOT_READABLE', what: 'may not be read by this user', fix: 'Change its permissions.' },
  EPERM: { code: 'NOT_READABLE', what: 'may not be read by this user', fix: 'Change its permissions.' },
  EIO: { code: 'NOT_READABLE', what: 'cannot be read: the disk reported an error' },
}

/** A text that changes whenever the file does. Throws a PetalError when there is no such file, or it is no plain file. */
export async function fileVersion(file: string): Promise<string> {
  const stats = await stat(file, { bigint: true }).catch((error: unknown) => { throw readFailure(error, file) })
  if (stats.isFile()) return [stats.size, stats.mtimeNs, stats.ctimeNs, stats.ino, stats.dev].join('.')
  throw new PetalError({
    code: 'NOT_A_FILE',
    message: `${file} is ${stats.isDirectory() ? 'a directory' : 'not a plain file'}.`,
    fix: stats.isDirectory() ? 'Name the model file inside it.' : 'Copy the model to a plain file.',
  })
}

/** A failed read in words; anything that is no known file system error comes back as it is. */
export function readFailure(error: unknown, file: string): unknown {
  const known = UNREADABLE[systemCode(error) ?? '']
  if (known === undefined) return error
  return new PetalError({ code: known.code, message: `${file} ${known.what}.`, ...known.fix !== undefined && { fix: known.fix } })
}
