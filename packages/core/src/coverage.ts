import { coverage as ofRuntime, type Coverage, exportName } from '@petaljs/runtime/build'
import type { Call, Format, Needs } from './compiler/artifact.ts'
import { type ErrorLocation, PetalError } from './errors.ts'
import type { ModelRuntime } from './facts.ts'

/** What running a model with the runtime takes: which of its families, and what it lacks. */
export function runtimeFact({ calls, instructions: opcodes, classes, dtypes }: Needs, coverage: Omit<Coverage, 'families' | 'upgrades'> = ofRuntime): ModelRuntime {
  const families = new Set<string>()
  const missing = new Map<string, { readonly operator: string; count: number; readonly at?: string }>()
  const need = (family: string | undefined, operator: string, at?: Call['at']): void => {
    if (family !== undefined) return void families.add(family)
    const known = missing.get(operator)
    if (known) known.count++
    else missing.set(operator, { operator, count: 1, ...at && { at: `${at.file}:${at.line}` } })
  }
  for (const opcode of opcodes) {
    const operator = own(coverage.behind, opcode)
    if (operator !== undefined) need(own(coverage.operators, operator), operator)
  }
  for (const { operator, at } of calls) need(own(coverage.operators, operator), operator, at)
  for (const name of classes) need(own(coverage.classes, name), `weights packed as ${name.split('.').at(-1)}`)
  const lacking = [
    ...opcodes.filter((name) => !coverage.instructions.includes(name)).map((name) => `the instruction ${name}`),
    ...dtypes.filter((name) => !coverage.dtypes.includes(name)).map((name) => `${name} tensors`),
  ]
  for (const what of lacking) need(undefined, what)
  return { families: [...families].toSorted(), unsupported: [...missing.values()].toSorted((a, b) => (a.operator < b.operator ? -1 : 1)) }
}

/** What reads the files that are none of the runtime's own. */
const READERS: Readonly<Partial<Record<Format, string>>> = { flatbuffer: 'a reader of flatbuffers', torchscript: 'a reader of TorchScript archives' }

/** What running a model takes, in a file of that format. */
export function inFormat(runtime: ModelRuntime, format: Format): ModelRuntime {
  const operator = READERS[format]
  return operator === undefined ? runtime : { ...runtime, unsupported: [{ operator, count: 1 }, ...runtime.unsupported] }
}

/** By family: what its module exports of what a model needs. `version` is that of the model's operators. */
export function runtimeImports(
  { calls, instructions, classes }: Needs, version: number, coverage: Pick<Coverage, 'operators' | 'classes' | 'behind' | 'upgrades'> = ofRuntime,
): Record<string, string[]> {
  const imports: Record<string, Set<string>> = {}
  const add = (family: string | undefined, name: string): unknown => family && (imports[family] ??= new Set()).add(exportName(name))
  for (const operator of [...calls.map((call) => call.operator), ...instructions.map((opcode) => own(coverage.behind, opcode) ?? '')]) {
    add(own(coverage.operators, operator), operator)
    const { until, uses } = own(coverage.upgrades, operator) ?? { until: -1, uses: '' }
    if (version <= until) add(own(coverage.operators, uses), uses)
  }
  for (const name of classes) add(own(coverage.classes, name), name)
  const sorted = Object.entries(imports).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(sorted.map(([family, names]) => [family, [...names].toSorted()]))
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

/** What the runtime lacks, in words; undefined where it lacks nothing. `fix` is what to do. */
export function lackOf({ unsupported }: ModelRuntime): { readonly message: string; readonly location?: ErrorLocation } | undefined {
  const [first] = unsupported
  if (first === undefined) return undefined
  const list = unsupported.map(({ operator, count, at }) =>
    `${operator} (${[count === 1 ? 'once' : `${count} times`, ...at === undefined ? [] : [`${count === 1 ? '' : 'first '}at ${at}`]].join(', ')})`)
  const place = /^(.*):(\d+)$/.exec(first.at ?? '')
  return {
    message: `Petal's runtime for the web lacks ${list.join(', ')}: only PyTorch Mobile can run the model.`,
    ...place && { location: { file: place[1]!, line: Number(place[2]) } },
  }
}

/** The error for a model that has to run on the web and cannot. */
export function notOnWeb(runtime: ModelRuntime, name: string): PetalError | undefined {
  const lack = lackOf(runtime)
  return lack && new PetalError({
    code: 'NOT_ON_WEB',
    message: `${name} cannot run on the web: ${lack.message}`,
    cause: 'The import says "requires=web".',
    fix: 'Write that part of the model with other operators, or leave "requires=web" out if only PyTorch Mobile runs it.',
    ...lack.location && { location: lack.location },
  })
}
