import { PetalError } from '../errors.ts'

/** One text record of `code/`: its record name and its text. */
export interface SourceFile {
  readonly name: string
  readonly text: string
}

/** Lines shown on either side of the one a message is about. */
const FRAME_CONTEXT = 2

/** No line of a frame is printed wider than this: generated code has lines of any length. */
const FRAME_WIDTH = 120

/** The lines around `line` (from 1), numbered, the line itself marked with `>`. */
export function codeFrame(source: SourceFile, line: number): string {
  const lines = source.text.split('\n')
  const first = Math.max(1, line - FRAME_CONTEXT)
  const last = Math.min(lines.length, line + FRAME_CONTEXT)
  const width = String(last).length
  const frame: string[] = []
  for (let number = first; number <= last; number++) {
    const text = lines[number - 1]!
    const shown = text.length > FRAME_WIDTH ? `${text.slice(0, FRAME_WIDTH)}…` : text
    frame.push(`${number === line ? '>' : ' '} ${String(number).padStart(width)} | ${shown}`)
  }
  return frame.join('\n')
}

/** An error at a line of TorchScript code. `code` is the stable name, `UNSUPPORTED_SYNTAX` and the like. */
export function sourceError(
  source: SourceFile, line: number, code: string, message: string, help: { cause?: string; fix?: string } = {},
): PetalError {
  return new PetalError({ code, message, ...help, location: { file: source.name, line, frame: codeFrame(source, line) } })
}

/** Text that is not in the grammar of serialized TorchScript. */
export function syntaxError(source: SourceFile, line: number, message: string): PetalError {
  return sourceError(source, line, 'UNSUPPORTED_SYNTAX', `${source.name}:${line}: ${message}`, {
    cause: 'The model\'s code is damaged, or was written by a PyTorch release with syntax that is not known here.',
    fix: 'Save the model again with torch.jit.save.',
  })
}

/** Code that is in the grammar but whose types or names do not fit. */
export function invalidCode(source: SourceFile, line: number, message: string): PetalError {
  return sourceError(source, line, 'INVALID_MODEL_CODE', `${source.name}:${line}: ${message}`, {
    cause: 'The model\'s code does not type-check, so the file is damaged or was not written by torch.jit.save.',
    fix: 'Save the model again with torch.jit.save.',
  })
}

/**
 * Runs `body`; what it throws is said to have happened at `line`: plain Errors say what is wrong with the code, and PetalErrors that
 * know no place, or show none, get this one.
 */
export function located<T>(source: SourceFile, line: number, body: () => T): T {
  try {
    return body()
  } catch (error) {
    if (error instanceof PetalError && error.location?.frame === undefined && (error.location?.file ?? source.name) === source.name) {
      const place = error.location?.line ?? line
      throw error.at({ file: source.name, line: place, frame: codeFrame(source, place) })
    }
    if (error instanceof Error && error.constructor === Error) throw invalidCode(source, line, error.message)
    throw error
  }
}
