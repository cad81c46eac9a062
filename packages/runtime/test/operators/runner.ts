import { readFileSync } from 'node:fs'
import { RuntimeError } from '../../src/errors.ts'
import { equip } from '../../src/kernels/instantiate.ts'
import { vector } from '../../src/kernels/vector.ts'
import { Machine } from '../../src/machine.ts'
import { completeArguments, type Family, type Operator, parseSchema } from '../../src/operator.ts'
import { type Dtype, isContiguous, type Storage, Tensor } from '../../src/tensor.ts'
import { PackedObject, Results, type Value } from '../../src/values.ts'
import { type Context, difference, elementsDifference } from './compare.ts'
import { bytesOf, type Case, type Recorded, revive, short, storageOf, tensorsIn } from './values.ts'

/** The operators that the runtime has. */
export interface Registry {
  readonly operators: ReadonlyMap<string, Operator>
  readonly families: readonly Family[]
  /** Files that could not be loaded, and why. */
  readonly broken: readonly string[]
}

/** Files with a family as their default export; loaded one by one, so that one that is being written does not hide the others. */
const FILES: Readonly<Record<string, () => Promise<{ default?: Family }>>> = import.meta.glob(['../../src/ops/**/*.ts', '!**/*.spec.ts'])

declare global {
  interface ImportMeta {
    /** Of Vite, which loads this file: functions that import the files of a pattern. */
    glob<T>(patterns: readonly string[]): Record<string, () => Promise<T>>
  }
}

/** Loads all families. */
export async function loadRegistry(): Promise<Registry> {
  const operators = new Map<string, Operator>()
  const families: Family[] = []
  const broken: string[] = []
  for (const [file, load] of Object.entries(FILES)) {
    try {
      const family = (await load()).default
      if (typeof family !== 'object' || family.operators === undefined) continue
      families.push(family)
      for (const [schema, run] of Object.entries(family.operators)) {
        const operator = parseSchema(schema, run)
        if (operators.has(operator.name)) broken.push(`${operator.name} is registered twice, again by ${family.name}`)
        operators.set(operator.name, operator)
      }
    } catch (error) {
      broken.push(`${file.replace('../../', '')}: ${String(error).split('\n')[0]}`)
    }
  }
  return { operators, families, broken }
}

/** A machine with the kernels of all families. */
export async function createMachine({ families }: Registry): Promise<Machine> {
  const machine = new Machine()
  await equip(machine, new Set([vector, ...families.flatMap(({ kernels = [] }) => kernels)]))
  return machine
}

/** How the tensors of a call are laid out and held. */
type Setting =
  /** As they were recorded, all of them results of earlier operators. */
  | 'plain'
  /** Those that can be are kept channels-last. */
  | 'channels-last'
  /** The first one may be channels-last, the others are weights: they stay, and what is computed from them is kept. */
  | 'weights'

/** What went wrong with a case. `refused`: PyTorch does what the runtime has not; `lenient`: the runtime does what PyTorch refuses. */
export interface Failure {
  readonly case: Case
  readonly kind: 'wrong' | 'refused' | 'lenient' | 'crashed'
  readonly text: string
}

/** Reads the files that cases.py made of one operator. */
export function readCases(index: string, blob: string): { readonly cases: readonly Case[]; readonly bytes: Uint8Array } {
  const cases = readFileSync(index, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as Case)
  return { cases, bytes: readFileSync(blob) }
}

/** A case in few words. */
export function caseText(name: string, one: Case): string {
  const before = (one.before ?? []).map(([step, args], i) => `result ${i} = ${step}(${args.map(short).join(', ')}); `).join('')
  const text = `#${one.id} ${before}${name}(${one.a.map(short).join(', ')})`
  return text.length > 500 ? `${text.slice(0, 500)} …` : text
}

/** Machines are made anew now and then: weights stay in them. */
const CALLS_PER_MACHINE = 200

/** Runs all cases of an operator and says which of them fail. */
export async function runCases(name: string, cases: readonly Case[], bytes: Uint8Array, registry: Registry): Promise<Failure[]> {
  const failures: Failure[] = []
  let machine = await createMachine(registry)
  let calls = 0
  for (const one of cases) {
    for (const setting of settingsOf(one)) {
      if (++calls % CALLS_PER_MACHINE === 0) machine = await createMachine(registry)
      const failure = runCase(name, one, bytes, setting, machine, registry)
      if (!failure) continue
      failures.push({ case: one, ...failure, text: setting === 'plain' ? failure.text : `(${setting}) ${failure.text}` })
      machine = await createMachine(registry)
      break
    }
  }
  return failures
}

function settingsOf(one: Case): Setting[] {
  const tensors = one.a.flatMap((arg) => [...tensorsIn(arg)])
  if (!tensors.some(({ d }) => d === 'float32')) return ['plain']
  const settings: Setting[] = ['plain']
  if (tensors.some(({ s, d }) => d === 'float32' && s.length > 2 && s.length < 6)) settings.push('channels-last')
  if (tensors.length > 1) settings.push('weights')
  return settings
}

function runCase(name: string, one: Case, bytes: Uint8Array, setting: Setting, machine: Machine, registry: Registry): Omit<Failure, 'case'> | undefined {
  const blob = ([begin, length]: readonly [number, number]): Uint8Array => bytes.subarray(begin, begin + length)
  const first = one.a.flatMap((arg) => [...tensorsIn(arg)])[0]?.t
  const storages = one.s.map((range, i): Storage => setting === 'weights' && i !== first
    ? machine.memory.keeping(() => storageOf(blob(range), machine)).value
    : storageOf(blob(range), machine))
  const live: Value[] = []
  machine.memory.roots = () => [...live, ...storages.map((storage) => new Tensor(storage, 'uint8', [storage.byteLength], [1], 0))]
  const steps: Value[] = []
  const makeArgs = (recorded: readonly Recorded[]): Value[] => recorded.map((arg) => revive(arg, storages, steps))
  try {
    for (const [step, recorded] of one.before ?? []) {
      steps.push(call(step, makeArgs(recorded), machine, registry)[0]!)
      live.push(steps.at(-1)!)
    }
    const args = makeArgs(one.a)
    live.push(...args)
    prepare(args, machine, registry)
    if (setting !== 'plain') arrange(args, setting, machine)
    let values: readonly Value[]
    try {
      values = call(name, args, machine, registry)
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      if (one.raises !== undefined) return undefined
      return { kind: 'refused', text: `refused: ${error.message}` }
    }
    // Where PyTorch's implementation happens to need a view, ours copies.
    if (one.raises?.includes('view size is not compatible') && !name.includes('view')) return undefined
    if (one.raises !== undefined) return { kind: 'lenient', text: `accepted what PyTorch refuses: ${one.raises}` }
    live.push(...values)
    const text = compare(one, args, values, { machine, storages, blob, case: one })
    return text === undefined ? undefined : { kind: 'wrong', text }
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 5).map((line) => line.trim().replace(/\(?\/.*\/packages\/runtime\//, '(')).join(' < ') : ''
    return { kind: error instanceof RuntimeError ? 'refused' : 'crashed', text: `${String(error)} ${stack}` }
  }
}

/** Calls as the interpreter does: defaults filled in, and everything forgotten afterwards that nothing refers to. */
function call(name: string, args: readonly Value[], machine: Machine, { operators }: Registry): readonly Value[] {
  const operator = operators.get(name)
  if (!operator) throw new Error(`the registry has no ${name}`)
  const complete = [...args]
  completeArguments(operator, complete)
  machine.memory.endCall()
  machine.running = name
  const result = operator.run(machine, ...complete)
  machine.memory.endCall()
  return result === undefined ? [] : result instanceof Results ? result.values : [result]
}

function prepare(args: readonly Value[], machine: Machine, { families }: Registry): void {
  for (const arg of args) {
    if (!(arg instanceof PackedObject)) continue
    const make = families.map((family) => family.prepare?.[arg.className]).find(Boolean)
    if (!make) throw new Error(`no family prepares ${arg.className}`)
    arg.prepared = machine.memory.keeping(() => make(machine, arg.state)).value
  }
}

function arrange(args: readonly Value[], setting: Setting, machine: Machine): void {
  const tensors = args.flat().filter((arg) => arg instanceof Tensor)
  for (const tensor of setting === 'weights' ? tensors.slice(0, 1) : tensors) {
    const isWhole = tensor.dtype === 'float32' && tensor.dim > 2 && tensor.dim < 6 && tensor.offset === 0 && tensor.numel > 0
      && tensor.numel * 4 === tensor.storage.byteLength && isContiguous(tensor)
    if (isWhole && tensor.storage.born >= 0) machine.toChannelsLast(tensor)
  }
}

/** What a storage holds: a NaN has more than one pattern of bits. */
function dtypeOf(one: Case, storage: number): Dtype {
  return one.a.flatMap((arg) => [...tensorsIn(arg)]).find(({ t }) => t === storage)?.d ?? 'uint8'
}

function compare(one: Case, args: readonly Value[], values: readonly Value[], context: Context): string | undefined {
  if (values.length !== one.r!.length) return `${values.length} results instead of ${one.r!.length}`
  for (const [i, expected] of one.r!.entries()) {
    const found = difference(expected, values[i], context)
    if (found !== undefined) return one.r!.length > 1 ? `result ${i}: ${found}` : found
  }
  for (const [i, range] of one.s.entries()) {
    const written = one.w?.find(([index]) => index === i)
    const bytes = bytesOf(context.storages[i]!, context.machine)
    // Most are left alone, to the last bit.
    if (!written && bytes.every((byte, at) => byte === context.blob(range)[at])) continue
    const found = elementsDifference(context.blob(written?.[1] ?? range), bytes, dtypeOf(one, i), one)
    if (found) return written ? `storage ${i} afterwards: ${found.text}, at ${found.at}` : `wrote to an argument that PyTorch leaves alone (storage ${i}): ${found.text}`
  }
  for (const [i, expected] of (one.after ?? []).entries()) {
    const found = difference(expected, args[i], context)
    if (found !== undefined) return `argument ${i} afterwards: ${found}`
  }
  return undefined
}
