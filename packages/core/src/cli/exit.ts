import colors from 'picocolors'
import { PetalError } from '../errors.ts'
import { plain, printJson } from './terminal.ts'

/** What the process says with its exit code. */
export const EXIT = {
  ok: 0,
  /** The model was refused; the message says why. */
  refused: 1,
  /** The command line was not understood. */
  usage: 2,
  /** The machine was in the way: permissions, a full disk. */
  environment: 3,
  /** Petal has a defect. */
  defect: 4,
} as const

const CODES: Readonly<Record<string, number>> = {
  USAGE: EXIT.usage, UNKNOWN_COMMAND: EXIT.usage, UNKNOWN_OPTION: EXIT.usage, OUTPUT_IS_INPUT: EXIT.usage, BAD_OUTPUT: EXIT.usage,
  NO_FOLDER: EXIT.usage, UNKNOWN_VALUE: EXIT.usage, BAD_VALUE: EXIT.usage, EMPTY_DIRECTIVE: EXIT.usage, DUPLICATE_DIRECTIVE: EXIT.usage,
  NO_LOCKFILE: EXIT.usage, BAD_LOCKFILE: EXIT.usage, BAD_REMOTE: EXIT.usage,
  NOT_WRITABLE: EXIT.environment, NOT_READABLE: EXIT.environment, DISK_FULL: EXIT.environment, DISK_ERROR: EXIT.environment,
  TOO_MANY_FILES: EXIT.environment, NO_PYTORCH: EXIT.environment, UNSUPPORTED_PYTORCH: EXIT.environment,
  NO_PYTHON: EXIT.environment, SETUP_FAILED: EXIT.environment, WORKER_NOT_STARTED: EXIT.environment,
  INTERNAL: EXIT.defect,
}

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  return error instanceof PetalError ? CODES[error.code] ?? EXIT.refused : EXIT.defect
}

/** Prints an error for people, or as JSON on standard output for programs. */
export function report(error: unknown, json: boolean): void {
  if (json) printJson({ error: errorJson(error) })
  else process.stderr.write(`${errorText(error)}\n`)
  if (!process.env['PETAL_DEBUG'] || !(error instanceof Error)) return
  const origin = error.cause instanceof Error ? error.cause : error
  process.stderr.write(`${origin.stack ?? ''}\n`)
}

function errorJson(error: unknown): Record<string, unknown> {
  if (!(error instanceof PetalError)) return { code: 'DEFECT', message: defect(error), fix: REPORT_IT }
  const { code, what, likelyCause, fix, location } = error
  return { code, message: what, cause: likelyCause, fix, location }
}

const REPORT_IT = 'This is a defect of petal: please report it, with the output that PETAL_DEBUG=1 gives.'

const defect = (error: unknown): string => `Something unexpected happened: ${error instanceof Error ? error.message : String(error)}`

function errorText(error: unknown): string {
  const title = colors.bold(colors.red('error:'))
  if (!(error instanceof PetalError)) return `${title} ${plain(defect(error))}\n\n  ${REPORT_IT}`
  const { what, likelyCause, fix, location } = error
  const place = location?.file && [location.file, location.line, location.column].filter((part) => part !== undefined).join(':')
  const details = [
    place && colors.cyan(`in ${plain(place)}`),
    location?.frame && plain(location.frame),
    likelyCause && plain(likelyCause),
    fix && plain(fix),
  ].filter((detail): detail is string => Boolean(detail))
  return [`${title} ${plain(what)}`, ...details.map((detail) => detail.replaceAll(/^/gm, '  '))].join('\n\n')
}
