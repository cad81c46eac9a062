import { spawn, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script: string = fileURLToPath(new URL('cases.py', import.meta.url))

/** What cases.py says of an operator: where its cases are, or what went wrong. */
export interface Produced {
  readonly operator: string
  readonly family: string
  readonly index: string
  readonly blob: string
  /** This PyTorch has no such operator. */
  readonly absent?: boolean
  readonly error?: string
}

/** Where the command keeps cases between runs. */
export const CASES_FOLDER: string = join(tmpdir(), 'petal-operator-cases')

/** Names of all operators that there are cases for. */
export function listOperators(python: string, patterns: readonly string[] = []): string[] {
  const { stdout, stderr, status } = spawnSync(python, [script, '--list', ...only(patterns)], { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`cases.py --list failed:\n${stderr}`)
  return stdout.split('\n').filter(Boolean)
}

/** Those of the names that a PyTorch has operators of. */
export function knownOperators(python: string, names: readonly string[]): string[] {
  const { stdout, stderr, status } = spawnSync(python, [script, '--known'], { encoding: 'utf8', input: names.join('\n') })
  if (status !== 0) throw new Error(`cases.py --known failed:\n${stderr}`)
  return stdout.split('\n').filter(Boolean)
}

/** Makes cases with PyTorch, and tells of each operator as soon as its cases are there. */
export async function* produce(python: string, patterns: readonly string[], count: number, folder: string = CASES_FOLDER): AsyncGenerator<Produced> {
  const child = spawn(python, [script, '--into', folder, '--count', String(count), ...only(patterns)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (data: Buffer) => { errors += data.toString() })
  const closed = new Promise<number | null>((resolve) => { child.on('close', resolve) })
  for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Produced
  const code = await closed
  if (code !== 0) throw new Error(`cases.py ended with ${code}:\n${errors}`)
}

function only(patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => ['--only', pattern])
}
