import { matchesGlob } from './glob.ts'
import { knownOperators, produce } from './produce.ts'
import { caseText, type Failure, loadRegistry, readCases, runCases } from './runner.ts'
import { untestedReason } from './untested.ts'

/** What the command line may ask for. */
export interface Options {
  readonly python: string
  readonly only: readonly string[]
  readonly count: number
  /** How many failures to print of each operator. */
  readonly show: number
  /** Print operators that pass, too, and those that the runtime lacks one by one. */
  readonly all: boolean
}

/** Runs cases through the runtime and prints how it went. Returns the number of operators that fail. */
export async function main({ python, only, count, show, all }: Options): Promise<number> {
  const registry = await loadRegistry()
  for (const text of registry.broken) console.log(`BROKEN ${text}`)
  const missing: string[] = []
  const failing: string[] = []
  const known = new Set<string>()
  const total = { passed: 0, failed: 0, operators: 0 }
  for await (const { operator, index, blob, error, absent } of produce(python, only, count)) {
    known.add(operator)
    if (error) {
      console.log(`NO CASES ${operator}: ${error}`)
      continue
    }
    if (absent) continue
    if (!registry.operators.has(operator)) {
      missing.push(operator)
      continue
    }
    const { cases, bytes } = readCases(index, blob)
    const failures = await runCases(operator, cases, bytes, registry)
    total.operators++
    total.failed += failures.length
    total.passed += cases.length - failures.length
    if (failures.length > 0) failing.push(operator)
    if (failures.length > 0 || all) console.log(`${failures.length > 0 ? 'FAIL' : 'ok  '} ${operator}: ${cases.length - failures.length} passed, ${failures.length} failed${kinds(failures)}`)
    for (const failure of spread(failures).slice(0, show)) console.log(`       ${caseText(operator, failure.case)}\n         ${failure.text}`)
  }
  if (missing.length > 0) console.log(all ? `missing in the runtime:\n${missing.map((name) => `  ${name}`).join('\n')}` : `${missing.length} operators with cases are missing in the runtime (--all names them)`)
  const untried = [...registry.operators.keys()].filter((name) => !known.has(name) && untestedReason(name) === undefined && (only.length === 0 || only.some((pattern) => matchesGlob(name, pattern))))
  const without = untried.length > 0 ? knownOperators(python, untried) : []
  if (without.length > 0) console.log(`registered, but without cases: ${without.join(', ')}`)
  console.log(`${total.operators} operators: ${total.operators - failing.length} pass, ${failing.length} fail; ${total.passed} cases passed, ${total.failed} failed; ${missing.length} operators missing`)
  return failing.length
}

function kinds(failures: readonly Failure[]): string {
  return failures.length === 0 ? '' : ` (${byKind(failures).map((ones) => `${ones.length} ${ones[0]!.kind}`).join(', ')})`
}

/** Failures of different kinds first. */
function spread(failures: readonly Failure[]): Failure[] {
  const groups = byKind(failures)
  return failures.flatMap((_, round) => groups.flatMap((group) => group[round] ?? []))
}

function byKind(failures: readonly Failure[]): Failure[][] {
  return [...new Set(failures.map(({ kind }) => kind))].map((kind) => failures.filter((failure) => failure.kind === kind))
}
