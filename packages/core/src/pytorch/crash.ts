import { basename, isAbsolute, relative, sep } from 'node:path'
import type { ConversionJob } from './engine.ts'
import type { WorkerEnd } from './process.ts'
import type { WorkerFailure } from './protocol.ts'

/** A place in Python code. */
export interface Frame {
  readonly file: string
  readonly line: number
  readonly name: string
}

/** What a crash prints is often long; these many lines tell a user enough. */
const SHOWN_LINES = 6

/** As Python's `faulthandler` writes them, most recent call first. */
const FRAME = /^ {2}File "(.+)", line (\d+) in (.+)$/

/** Folders of a project that hold others' code. */
const FOREIGN = /[\\/](?:site-packages|dist-packages|node_modules)[\\/]/

/**
 * The most recent frame in the project's own code, out of what `faulthandler` printed last: of the thread that crashed, else of any
 * (libraries start threads, the project's code seldom does).
 */
export function projectFrame(lines: readonly string[], root: string, source: string): Frame | undefined {
  const dump = lines.slice(Math.max(lines.findLastIndex((line) => line.startsWith('Fatal Python error: ')), 0))
  const crashed = dump.findIndex((line) => line.startsWith('Current thread '))
  const end = dump.findIndex((line, at) => at > crashed && line.trim() === '')
  const current = crashed < 0 ? [] : dump.slice(crashed, end < 0 ? undefined : end)
  const isOwn = ({ file }: Frame): boolean => {
    const path = relative(root, file)
    return file === source || isAbsolute(file) && !isAbsolute(path) && path !== '..' && !path.startsWith(`..${sep}`) && !FOREIGN.test(file)
  }
  return framesIn([...current, ...dump]).find(isOwn)
}

function framesIn(lines: readonly string[]): Frame[] {
  return lines.flatMap((line) => {
    const [, file, number, name] = FRAME.exec(line) ?? []
    return file === undefined ? [] : [{ file, line: Number(number), name: name! }]
  })
}

/** As PyTorch's C++ exceptions list them. */
const NATIVE_FRAME = /^frame #\d+: /

/** What of the last words a user can use. */
function usefulLines(lines: readonly string[]): string[] {
  const words = lines.map((line) => line.trim()).filter((line) => line !== '' && !NATIVE_FRAME.test(line))
  const fatal = words.findLastIndex((line) => line.startsWith('Fatal Python error: '))
  // What a C++ exception or an assertion said stands before the dump of the stack.
  const told = fatal < 0 ? words : words.slice(0, fatal + 1)
  return told.slice(-SHOWN_LINES)
}

/** How the process ended, to be read after "Python". */
function ending({ signal, exitCode, reason }: WorkerEnd): string {
  if (reason !== undefined) return `was ended, as ${reason}`
  return signal === undefined ? `ended itself with exit code ${exitCode ?? '?'}` : `was ended by ${signal}`
}

const SIGNALS: Readonly<Record<string, { cause: string; fix: string }>> = {
  SIGSEGV: {
    cause: 'Native code that the model calls read memory that is not its own.',
    fix: 'Run the model in Python by itself; if it crashes there too, look at extensions and at the shapes of the inputs, '
      + 'or use another release of PyTorch.',
  },
  SIGKILL: {
    cause: 'The system ends processes like this when memory runs out; somebody may also have ended it by hand.',
    fix: 'Free some memory, convert a smaller model or smaller example inputs, and build again.',
  },
  SIGABRT: {
    cause: 'PyTorch or another native library gave up; its last words are above.',
    fix: 'Run the model in Python by itself; if it aborts there too, use another release of PyTorch or of that library.',
  },
  SIGILL: {
    cause: 'This PyTorch was built for a newer processor.',
    fix: 'Install a build of PyTorch for this processor, or run "petal setup".',
  },
}

const ANY_END = {
  cause: 'The model, or a library that it uses, ended the process while it was being converted.',
  fix: 'Run the model in Python by itself and mend what ends it, such as a call of os._exit or os.kill.',
}

/** The failure of a job whose worker ended under it, more than once. */
export function crashFailure(job: ConversionJob, end: WorkerEnd, phase: string | undefined): WorkerFailure {
  const frame = projectFrame(end.lastWords, job.root, job.source.file)
  const words = usefulLines(end.lastWords)
  const during = phase === undefined ? '' : ` while ${phase}`
  return {
    code: 'WORKER_CRASHED',
    what: [
      `Python ${ending(end)}${during}, twice, when ${basename(job.source.file)} was converted.`,
      ...words.length === 0 ? [] : ['Its last words:', ...words.map((line) => `  ${line}`)],
    ].join('\n'),
    ...SIGNALS[end.signal ?? ''] ?? ANY_END,
    ...frame && { file: frame.file, line: frame.line },
    dependencies: filesOf(job),
  }
}

/** The failure of a job whose worker could not be started. */
export function startFailure(job: ConversionJob, end: WorkerEnd, command: string): WorkerFailure {
  const words = usefulLines(end.lastWords)
  return {
    code: 'WORKER_NOT_STARTED',
    what: [
      `${command} did not start as a converter: it ${ending(end)}.`,
      ...words.length === 0 ? [] : ['Its last words:', ...words.map((line) => `  ${line}`)],
    ].join('\n'),
    cause: 'This Python installation is damaged, or a variable such as PYTHONPATH leads it to files of another one.',
    fix: 'Run "petal doctor", which tries it and says more.',
    dependencies: filesOf(job),
  }
}

/** What of a job's files is certain to have been read. */
export function filesOf(job: ConversionJob): string[] {
  return [job.source.file, ...job.weights === '' ? [] : [job.weights]]
}
