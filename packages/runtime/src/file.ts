import type { Incoming } from './download.ts'
import { RuntimeError } from './errors.ts'

/** A file in Node, by its path or `file:` address. */
export function fromFile(path: string): Incoming {
  const fs = globalThis.process.getBuiltinModule('node:fs')
  let file: number
  try {
    file = fs.openSync(path.startsWith('file:') ? new URL(path) : path, 'r')
  } catch (cause) {
    throw new RuntimeError('DOWNLOAD', `The model could not be read from ${path}: ${(cause as Error).message}.`, { cause })
  }
  const close = (): void => fs.closeSync(file)
  return {
    from: path, total: fs.fstatSync(file).size,
    next: async () => {
      const piece = new Uint8Array(PIECE)
      const size = fs.readSync(file, piece, 0, PIECE, null)
      if (size > 0) return piece.subarray(0, size)
      close()
      return undefined
    },
    cancel: close,
  }
}

/** Bytes read from a file at once. */
const PIECE = 1 << 20
