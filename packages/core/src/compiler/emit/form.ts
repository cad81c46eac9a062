import type { CompileOptions, RuntimeVersion } from '../artifact.ts'
import { PetalError } from '../errors.ts'
import { BYTECODE_VERSION, FLATBUFFER_VERSION, type ZipBytecodeVersion } from './bytecode-form.ts'
import { runtimeNamed } from './runtimes/index.ts'

/** The version of bytecode that a `ptl` is written with, and the runtime it is for. */
export interface LiteForm {
  readonly bytecode: ZipBytecodeVersion
  readonly runtime?: RuntimeVersion
}

/**
 * What was asked for, or the newest that the runtime loads, or what all runtimes since 1.12 do. Throws `BYTECODE_TOO_NEW` when the
 * runtime does not load what was asked for.
 */
export function liteForm({ bytecode, runtime }: Pick<CompileOptions, 'bytecode' | 'runtime'>): LiteForm {
  if (runtime === undefined) return { bytecode: bytecode === undefined || bytecode === FLATBUFFER_VERSION ? BYTECODE_VERSION : bytecode }
  const [oldest, newest] = runtimeNamed(runtime).bytecode
  const wanted = bytecode === FLATBUFFER_VERSION ? BYTECODE_VERSION : bytecode ?? newest
  if (wanted < oldest || wanted > newest) {
    throw new PetalError({
      code: 'BYTECODE_TOO_NEW',
      message: `The lite interpreter of PyTorch ${runtime} does not load bytecode of version ${wanted}, but of ${oldest} to ${newest}.`,
      fix: `Leave out bytecode=${wanted}; runtime=${runtime} picks the version.`,
    })
  }
  return { bytecode: wanted as ZipBytecodeVersion, runtime }
}
