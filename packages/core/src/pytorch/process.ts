import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { lineReader } from './lines.ts'
import { PROTOCOL, type WorkerMessage, type WorkerRequest } from './protocol.ts'

/** What to start. Nothing in it is read by a shell. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** How a worker ended. */
export interface WorkerEnd {
  /** `SIGSEGV`; where a signal ended it. */
  readonly signal?: string
  readonly exitCode?: number
  /** Why it could not be started, or was ended from here. */
  readonly reason?: string
  /** The last lines that it printed. */
  readonly lastWords: readonly string[]
}

export interface WorkerListener {
  /** Said once. */
  onHello(): void
  onMessage(message: Exclude<WorkerMessage, { hello: unknown }>): void
  /** A line that Python printed. */
  onOutput(line: string): void
  /** Said once, the last of all. */
  onEnd(end: WorkerEnd): void
}

/** A running worker. */
export interface WorkerProcess {
  send(request: WorkerRequest): void
  /** Ends the process and what it started; resolves when it is gone. */
  kill(reason?: string): Promise<void>
  /** Asks for the stack of every thread, which comes as output; the process may end of it. */
  interrogate(): void
  /** Whether it keeps Node from exiting by itself. */
  hold(busy: boolean): void
}

/** A message longer than this is a defect of the worker or somebody else's writing: facts and warnings are a few kB. */
const MESSAGE_LIMIT = 64 << 20

/** Printed lines are cut here: a model that prints a tensor without line ends must not fill the memory. */
const OUTPUT_LIMIT = 16 << 10

/** How many printed lines are kept for the report of a crash. */
const LAST_WORDS = 400

/** A grandchild may hold the pipes open; what the worker itself said has arrived by then. */
const DRAIN_MS = 500

/** A process that the system cannot end (it waits for a broken disk) is given up. */
const KILL_MS = 5000

const WINDOWS = process.platform === 'win32'

const alive = new Set<ChildProcess>()
const killAll = (): void => { for (const child of alive) killTree(child) }

/** Starts a worker. Everything that happens afterwards, failing to start included, is told to `listener`. */
export function startWorker(launch: Launch, listener: WorkerListener): WorkerProcess {
  const child = spawn(launch.command, launch.args, {
    cwd: launch.cwd, env: launch.env, shell: false, windowsHide: true, stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own, so that a signal reaches what a model starts as well.
    detached: !WINDOWS,
  })
  if (alive.size === 0) process.on('exit', killAll)
  alive.add(child)

  const lastWords: string[] = []
  let greeted = false
  let reason: string | undefined
  const output = (line: string): void => {
    lastWords.push(line)
    if (lastWords.length > LAST_WORDS) lastWords.shift()
    listener.onOutput(line)
  }
  const printed = lineReader(OUTPUT_LIMIT, output)
  const spoken = lineReader(MESSAGE_LIMIT, (line, whole) => {
    // What still lay in the pipe of a worker that is being ended counts no more.
    if (reason !== undefined) return
    const message = whole ? messageIn(line) : undefined
    if (!whole && greeted) {
      stop(`it sent a message of more than ${MESSAGE_LIMIT >> 20} MB`)
    } else if (message === undefined || ('hello' in message) === greeted) {
      output(line.slice(0, OUTPUT_LIMIT))
    } else if (!('hello' in message)) {
      listener.onMessage(message)
    } else if (message.hello.protocol === PROTOCOL) {
      greeted = true
      listener.onHello()
    } else {
      stop(`it speaks protocol ${message.hello.protocol}, not ${PROTOCOL}`)
    }
  })
  const stop = (why: string): void => {
    reason ??= why
    killTree(child)
    setTimeout(end, KILL_MS, null, null).unref()
  }

  let finish: () => void
  const gone = new Promise<void>((resolve) => { finish = resolve })
  let ended = false
  const end = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
    if (ended) return
    ended = true
    alive.delete(child)
    if (alive.size === 0) process.off('exit', killAll)
    printed.end()
    for (const stream of child.stdio) stream?.destroy()
    listener.onEnd({
      ...signal !== null && { signal }, ...exitCode !== null && { exitCode }, ...reason !== undefined && { reason }, lastWords,
    })
    finish()
  }
  child.on('error', (error) => {
    reason ??= error.message
    if (child.pid === undefined) end(null, null)
  })
  child.on('exit', (exitCode, signal) => {
    killTree(child)
    setTimeout(end, DRAIN_MS, exitCode, signal)
  })
  child.on('close', end)
  // A worker that is gone says so by its exit.
  for (const stream of child.stdio) stream?.on('error', () => {})
  const [stdin, stdout, stderr] = child.stdio as unknown as [Writable, Readable, Readable]
  stdout.on('data', (chunk: Uint8Array) => { spoken.push(chunk) })
  stderr.on('data', (chunk: Uint8Array) => { printed.push(chunk) })

  const hold = (busy: boolean): void => {
    for (const part of [child, ...child.stdio]) {
      const handle = part as { ref?: () => void; unref?: () => void }
      if (busy) handle.ref?.()
      else handle.unref?.()
    }
  }

  return {
    send(request) { stdin.write(`${JSON.stringify(request)}\n`) },
    kill(why) {
      // Whoever waits for the end of an idle worker has nothing else that keeps Node from leaving.
      if (!ended) {
        hold(true)
        stop(why ?? 'it was not needed any more')
      }
      return gone
    },
    interrogate() { if (!WINDOWS && child.exitCode === null) child.kill('SIGUSR1') },
    hold,
  }
}

/** The message in a line; undefined where it is none. */
function messageIn(line: string): WorkerMessage | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value = JSON.parse(line) as Record<string, unknown>
    if (typeof value['hello'] === 'object' && value['hello'] !== null) return value as WorkerMessage
    const known = ['progress', 'result', 'failure'].some((key) => typeof value[key] === 'object' && value[key] !== null)
    return known && typeof value['id'] === 'number' ? value as WorkerMessage : undefined
  } catch {
    return undefined
  }
}

/** Kills a process and all that it started. Processes that are gone already are no failure. */
function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return
  if (WINDOWS) {
    if (child.exitCode === null) spawn('taskkill', ['/pid', String(child.pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true }).unref()
    child.kill('SIGKILL')
    return
  }
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}
