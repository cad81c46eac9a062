import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Entry } from '../../src/pytorch/diagnostics/entry.ts'
import type { WorkerFailure } from '../../src/pytorch/protocol.ts'

/** Models that PyTorch refuses, and the same ones with the advice applied; one folder for each entry of the catalogue. */
export const FOLDER: string = join(import.meta.dirname, '../script-errors')

/** Names of the folders. */
export const ids: readonly string[] = readdirSync(FOLDER, { withFileTypes: true }).filter((one) => one.isDirectory() && one.name !== '__pycache__').map(({ name }) => name).toSorted()

/** Path and text of a file of an entry's folder. */
export function read(id: string, name: 'before.py' | 'after.py' | 'message.txt'): { path: string; text: string } {
  const path = join(FOLDER, id, name)
  return { path, text: readFileSync(path, 'utf8') }
}

/** The line that an error must point at: the one that ends with `# <- here`. Undefined where no line is to blame. */
export function lineToBlame(id: string): number | undefined {
  const at = read(id, 'before.py').text.split('\n').findIndex((line) => line.endsWith('# <- here'))
  return at < 0 ? undefined : at + 1
}

/** What the worker says of `before.py`: PyTorch's message, and the line that ran, if one did. */
export function failureFor(entry: Entry, what: string, exception: string, line?: number): WorkerFailure {
  const file = read(entry.id, 'before.py').path
  const code = entry.method === 'trace' ? 'TRACE_FAILED' : 'SCRIPT_FAILED'
  return { code, what, exception, dependencies: [file], ...line === undefined ? {} : { file, line } }
}

/** PyTorch's message as it was recorded, its places in the checkout. */
export function recorded(entry: Entry): string {
  const { path } = read(entry.id, 'before.py')
  return read(entry.id, 'message.txt').text.replaceAll('File "before.py"', () => `File "${path}"`).replaceAll(/^before\.py\(/gm, () => `${path}(`)
}
