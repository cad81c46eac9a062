import { parseSchema } from '../schema-parser.ts'
import type { FunctionSchema } from '../schema.ts'
import { GPU_OPERATORS } from './gpu.ts'
import { nearest } from './nearest.ts'
import { PHRASES, TABLE } from './table.generated.ts'

/** An operator overload that PyTorch has registered. */
export interface OperatorInfo {
  readonly schema: FunctionSchema
  /**
   * Set when PyTorch 1.13 does not have this overload with this signature, so that a file that uses it needs a runtime of PyTorch 2.
   * Overload resolution must prefer those without: they are what 1.13 knows, with its order and defaults.
   */
  readonly requires?: '2.x'
}

/** First character of {@link PHRASES}' codes; see the generated table. */
const FIRST_CODE = 0xa1
const SOFT_HYPHEN = 0xad

let phrases: ReadonlyMap<string, string> | undefined
let lines: Map<string, string> | undefined
const parsed = new Map<string, readonly OperatorInfo[]>()
const later = new WeakSet<FunctionSchema>()
const NO_OPERATORS: readonly OperatorInfo[] = []

function expand(text: string): string {
  phrases ??= expandedPhrases()
  return text.replace(/[\xa1-\xff]/g, (code) => phrases!.get(code)!)
}

/** Phrases with the codes inside them replaced: those of a phrase always come before it. */
function expandedPhrases(): ReadonlyMap<string, string> {
  const expanded = new Map<string, string>()
  let code = FIRST_CODE
  for (const phrase of PHRASES) {
    if (code === SOFT_HYPHEN) code++
    expanded.set(String.fromCharCode(code++), phrase.replace(/[\xa1-\xff]/g, (inner) => expanded.get(inner)!))
  }
  return expanded
}

/** Operator name -> its overloads, still encoded. Nothing is parsed until it is asked for. */
function index(): Map<string, string> {
  if (lines === undefined) {
    lines = new Map(Object.entries(GPU_OPERATORS))
    for (const line of TABLE.split('\n')) {
      const tab = line.indexOf('\t')
      lines.set(expand(line.slice(0, tab)), line.slice(tab + 1))
    }
  }
  return lines
}

/** All overloads of an operator (`aten::add`) in the order that overload resolution tries them; empty for a name PyTorch never had. */
export function operatorsNamed(name: string): readonly OperatorInfo[] {
  let operators = parsed.get(name)
  if (operators === undefined) {
    operators = schemaTexts(name).map(operatorInfo)
    if (operators.length === 0) return NO_OPERATORS
    parsed.set(name, operators)
  }
  return operators
}

/** The registered signatures of an operator, unparsed, in order; `+` before those that need PyTorch 2. */
export function schemaTexts(name: string): readonly string[] {
  const line = index().get(name)
  if (line === undefined) return []
  return expand(line).split('\t').map((text) => {
    const [mark, overload] = text.startsWith('+') ? ['+', text.slice(1)] : ['', text]
    return `${mark}${name}${overload.startsWith('(') ? '' : '.'}${overload}`
  })
}

function operatorInfo(text: string): OperatorInfo {
  if (!text.startsWith('+')) return { schema: parseSchema(text) }
  const schema = parseSchema(text.slice(1))
  later.add(schema)
  return { schema, requires: '2.x' }
}

/** One overload by its name (empty for the unnamed one); 1.13's signature where there are two. */
export function findSchema(name: string, overload: string): FunctionSchema | undefined {
  return operatorsNamed(name).find(({ schema }) => schema.overload === overload)?.schema
}

/** True for a schema out of this table that PyTorch 1.13 does not have: its node needs a runtime of PyTorch 2. */
export function requiresNewerRuntime(schema: FunctionSchema): boolean {
  return later.has(schema)
}

/** Names of all operators, sorted. */
export function operatorNames(): readonly string[] {
  return [...index().keys()]
}

/** Up to five operators whose names are most like `name`, best first, for "did you mean". */
export function nearestOperators(name: string): string[] {
  return nearest(name, operatorNames(), 5)
}
