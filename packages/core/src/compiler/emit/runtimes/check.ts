import type { RuntimeVersion } from '../../artifact.ts'
import { PetalError } from '../../errors.ts'
import type { SourceRange } from '../../ir/graph.ts'
import { findSchema } from '../../ir/ops/index.ts'
import { FLATBUFFER_VERSION } from '../bytecode-form.ts'
import { operatorKey, type Bytecode, type BytecodeOperator } from '../emitter.ts'
import { operatorIn, runtimeNamed, RUNTIMES } from './index.ts'

/** An operator that a runtime cannot run as the code calls it. */
export interface MissingOperator {
  /** With its overload. */
  readonly operator: string
  readonly why: 'missing' | 'other arguments'
  /** Calls of it in all methods. */
  readonly count: number
  /** Where it is first called, as far as that is known. */
  readonly at?: SourceRange
  /** The oldest runtime that can run it so; absent where none can. */
  readonly oldest?: RuntimeVersion
}

/** Code as far as it is checked; `nodes` are known of code that was just emitted. */
export type Checked = Pick<Bytecode, 'instructions' | 'operators'> & Partial<Pick<Bytecode, 'nodes'>>

/**
 * The operators among `codes` that a runtime cannot run, by name. `bytecode` tells what the calls rely on: up to version 5 they pass
 * exactly the arguments that the runtime knows, since version 6 it adds defaults for those that are left out.
 */
export function missingOperators(codes: readonly Checked[], version: RuntimeVersion, bytecode: number): MissingOperator[] {
  const found = new Map<string, MissingOperator>()
  for (const { instructions, operators, nodes } of codes) {
    instructions.forEach(({ op, x }, i) => {
      const operator = op === 'OP' || op === 'OPN' ? operators[x] : undefined
      if (operator === undefined) return
      const why = problem(operator, version, bytecode)
      if (why === undefined) return
      const name = operatorKey(operator.name, operator.overload)
      const known = found.get(name)
      const at = known?.at ?? nodes?.[i]?.range
      const oldest = RUNTIMES.find((runtime) => problem(operator, runtime.version, bytecode) === undefined)?.version
      found.set(name, { operator: name, why, count: (known?.count ?? 0) + 1, ...at && { at }, ...oldest && { oldest } })
    })
  }
  return [...found.values()].toSorted((a, b) => (a.operator < b.operator ? -1 : 1))
}

/** That an error is raised is all that matters of this one: a runtime that knows fewer arguments raises another. */
const RAISES = 'prim::RaiseException'

function problem({ name, overload, numArgs }: BytecodeOperator, version: RuntimeVersion, bytecode: number): MissingOperator['why'] | undefined {
  const schema = operatorIn(version, operatorKey(name, overload))
  if (schema === undefined) return 'missing'
  if (name === RAISES || numArgs < 0) return undefined
  const known = schema === 'same' ? findSchema(name, overload) : schema
  if (known === undefined || known.isVararg || (schema === 'same' && bytecode >= 6)) return undefined
  const count = known.arguments.length
  return (bytecode >= 6 ? numArgs <= count : numArgs === count) ? undefined : 'other arguments'
}

/** What decides whether a runtime loads a file, besides its code. */
export interface LoadedFile {
  readonly bytecodeVersion: number
  readonly operatorVersion: number
  readonly refusedBy?: readonly RuntimeVersion[]
}

/** The runtimes that load a file and can run all that it calls, oldest first. */
export function runtimesOf(codes: readonly Checked[], file: LoadedFile): RuntimeVersion[] {
  const { bytecodeVersion, operatorVersion, refusedBy = [] } = file
  return RUNTIMES.filter(({ version, bytecode: [first, last], flatbuffer, operators }) => {
    const loads = bytecodeVersion === FLATBUFFER_VERSION ? flatbuffer : bytecodeVersion >= first && bytecodeVersion <= last
    return loads && operatorVersion <= operators && !refusedBy.includes(version) && missingOperators(codes, version, bytecodeVersion).length === 0
  }).map(({ version }) => version)
}

/** Throws `RUNTIME_LACKS_OPERATOR` when a runtime cannot run code that was emitted for it. */
export function requireRuntime(codes: readonly Checked[], version: RuntimeVersion, bytecode: number): void {
  const missing = missingOperators(codes, version, bytecode)
  if (missing.length === 0) return
  const [{ at }] = missing as [MissingOperator]
  const oldest = missing.map((each) => RUNTIMES.findIndex((runtime) => runtime.version === each.oldest))
  const enough = oldest.includes(-1) ? undefined : RUNTIMES[Math.max(...oldest)]
  throw new PetalError({
    code: 'RUNTIME_LACKS_OPERATOR',
    message: `${at ? `${at.file}:${at.line}: the` : 'The'} lite interpreter of PyTorch ${version} lacks ${missing.map(described).join('; ')}.`,
    cause: missing.every(({ why }) => why === 'missing') ? 'Operators are added, and some removed, with every release.'
      : 'The arguments of operators grow with releases; the model gives some that this one does not know.',
    fix: enough ? `Compile for runtime=${enough.version} or newer, or change that part of the model.` : 'Change that part of the model.',
    ...at && { location: { file: at.file, line: at.line } },
  })
}

function described({ operator, why, count, at, oldest }: MissingOperator): string {
  const where = at ? `, first at ${at.file}:${at.line}` : ''
  const since = oldest ? `since ${runtimeNamed(oldest).version}` : 'in no prebuilt runtime'
  return `${operator}${why === 'missing' ? '' : ' with these arguments'} (${count} ${count === 1 ? 'call' : 'calls'}${where}; ${since})`
}
