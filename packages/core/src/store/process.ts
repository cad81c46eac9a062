import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { systemCode } from './failure.ts'

/** What is known of a process from what it wrote down about itself. */
export type ProcessState = 'alive' | 'gone' | 'unknown'

let own: string | undefined

/** A line that names this process among all of the machines that may share a folder, and among all that had or will have its number. */
export function ownProcess(): string {
  own ??= JSON.stringify([process.pid, machine(), startOf(process.pid)])
  return own
}

/** Whether the process that wrote such a line still runs; unknown for those of other machines and containers. */
export function processState(line: string): ProcessState {
  const [pid, where, started] = parse(line)
  if (pid === undefined || where !== machine()) return 'unknown'
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return 'gone'
  }
  const startsNow = startOf(pid)
  if (started === '' || startsNow === '') return 'unknown'
  return started === startsNow ? 'alive' : 'gone'
}

function parse(line: string): [pid?: number, machine?: string, started?: string] {
  try {
    const parts: unknown = JSON.parse(line)
    if (!Array.isArray(parts)) return []
    const [pid, where, started] = parts as unknown[]
    // Zero and negative numbers are groups of processes.
    return Number.isSafeInteger(pid) && Number(pid) > 0 ? [Number(pid), String(where), String(started)] : []
  } catch {
    return []
  }
}

/** Containers may share a host's name and count processes on their own. */
function machine(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

/** When a process started, in the system's own count; empty where it does not tell. Tells a process from a later one of the same number. */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is a name in parentheses, which may hold blanks and parentheses; the start time is the 22nd.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
