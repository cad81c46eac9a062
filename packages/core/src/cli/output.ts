import type { Hash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { PetalError } from '../errors.ts'
// Not through the store's index: it brings hashing, locks and their parts of Node, which take as long to start as a small model to compile.
import { writeFailure } from '../store/failure.ts'
import { moveInto, temporaryName, writeStream } from '../store/write.ts'

/** Throws unless `output` is a place where a new file may be put: never over the model, never over a device or a folder. */
export async function checkOutput(model: string, output: string): Promise<void> {
  const existing = await stat(output, { bigint: true }).catch(() => undefined)
  if (existing === undefined) return
  const source = await stat(model, { bigint: true })
  if (existing.ino === source.ino && existing.dev === source.dev) {
    throw new PetalError({
      code: 'OUTPUT_IS_INPUT',
      message: `${output} is the model itself and would be overwritten.`,
      fix: 'Name another file with -o.',
    })
  }
  if (!existing.isFile()) {
    throw new PetalError({
      code: 'BAD_OUTPUT',
      message: `${output} is ${existing.isDirectory() ? 'a directory' : 'not a plain file'}.`,
      fix: existing.isDirectory() ? `Name the file in it: -o ${join(output, 'model.ptl')}` : 'Name a file with -o.',
    })
  }
}

/** Signals that ask to end, with the exit code that says so. */
export const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

/** Writes all of a stream to `output`, or nothing: beside it first, then into its place in one step; also when interrupted. */
export async function writeOutput(output: string, stream: AsyncIterable<Uint8Array>, hash?: Hash): Promise<number> {
  const folder = dirname(resolve(output))
  const temporary = join(folder, `.${temporaryName()}`)
  const stop = (signal: NodeJS.Signals): void => {
    rmSync(temporary, { force: true })
    process.exit(SIGNALS[signal])
  }
  for (const signal of Object.keys(SIGNALS)) process.once(signal, stop)
  try {
    const bytes = await writeStream(temporary, stream, hash && { hash })
    await moveInto(temporary, output)
    return bytes
  } catch (error) {
    throw writeFailure(error, folder, 'Choose another folder with -o, or make room in this one.')
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.off(signal, stop)
  }
}
