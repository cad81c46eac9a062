import type { Mark } from '../../frame.ts'

/** A message of TorchScript's compiler, taken apart. */
export interface Message {
  /** What is said, without the places. */
  readonly text: string
  /** Where, the innermost call first. */
  readonly places: readonly MessagePlace[]
}

export interface MessagePlace {
  readonly file: string
  readonly mark: Mark
  /** The marked line as PyTorch shows it, its indentation perhaps another than in the file; empty where it marks none. */
  readonly shown: string
}

/** Messages list every overload of an operator and every value of an unpickled object: what comes after this says nothing new. */
const LONGEST_MESSAGE = 100_000
/** Constants are printed with all their values. */
const LONGEST_LINE = 4_000

/**
 * Takes a message apart. A place in it looks so, a row of tildes under each marked line:
 *
 *     File "net.py", line 8
 *         def forward(self, x):
 *             return self.missing + x
 *                    ~~~~~~~~~~~~ <--- HERE
 *
 * The line number is that of the first marked line.
 */
export function parseMessage(message: string): Message {
  const lines = message.slice(0, LONGEST_MESSAGE).replaceAll('\r', '').split('\n').map((line) => line.slice(0, LONGEST_LINE))
  const first = lines.findIndex((line) => PLACE.test(line) || CALL.test(line))
  const text = (first < 0 ? lines : lines.slice(0, first)).filter((line) => !BACKTRACE.test(line)).join('\n').trim()
  return { text, places: lines.flatMap((line, at) => place(line, lines.slice(at + 1, at + 1 + LONGEST_PLACE))) }
}

const PLACE = /^\s*File "(.+)", line (\d+)(?:, in .*)?$/
/** Lines that C++ adds: `Exception raised from …`, `frame #3: torch::jit::…`, `INTERNAL ASSERT FAILED at "../torch/…"`. */
const BACKTRACE = /^\s*(?:Exception raised from |frame #\d+: |#\d+ 0x|\(no backtrace available\))/
/** How calls are listed in a trace: `net.py(19): forward`. */
const CALL = /^(.+\.py)\((\d+)\): [\w<>]+$/
const LONGEST_PLACE = 40

function place(line: string, after: readonly string[]): MessagePlace[] {
  const call = CALL.exec(line)
  if (call !== null) return [{ file: call[1]!, mark: { line: Number(call[2]) }, shown: '' }]
  const [, file, number] = PLACE.exec(line) ?? []
  if (file === undefined) return []
  const own = after.slice(0, Math.max(0, after.findIndex((other) => PLACE.test(other) || other.includes('<--- HERE')) + 1))
  const row = own.findIndex((other) => /^\s*~+(?: <--- HERE)?$/.test(other))
  const shown = own[row - 1]
  if (shown === undefined) return [{ file, mark: { line: Number(number) }, shown: '' }]
  const [tildes] = /~+/.exec(own[row]!)!
  return [{ file, mark: { line: Number(number), column: own[row]!.indexOf('~') + 1, width: tildes.length }, shown }]
}
