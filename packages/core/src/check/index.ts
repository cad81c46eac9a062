import { type ModelCheck, type ModelRuntime, RuntimeError } from '@petaljs/runtime/build'
import type { ByteSource } from '../compiler/archive/byte-source.ts'
import { openArchive } from '../compiler/archive/zip-reader.ts'
import type { Artifact, Call, CompileOptions } from '../compiler/artifact.ts'
import { BLOCKABLE } from '../compiler/backends/index.ts'
import { compile } from '../compiler/compile.ts'
import { runtimeFact } from '../coverage.ts'
import { PetalError } from '../errors.ts'
import { codeFrame } from '../frame.ts'
import { printInput } from '../request/index.ts'
import type { InputSpec } from '../conversion-request.ts'
import { bundledInputs } from './bundled.ts'
import { difference } from './compare.ts'
import { load, type Runner, TooSlow } from './engine.ts'
import { largerBatch, type Plain, untriedDtype, valuesOf } from './examples.ts'
import { firstDifference } from './locate.ts'
import { knownPorts, type Ports } from './ports.ts'

/** A compiled model, and what to try it on. */
export interface CheckJob {
  /** The model file's name, for messages. */
  readonly name: string
  readonly source: ByteSource
  readonly options: CompileOptions
  readonly artifact: Artifact
  readonly runtime: ModelRuntime
  /** Arguments of a call, and further ones; none to use what the model brings. */
  readonly inputs: readonly (readonly InputSpec[])[]
  /** Whether a user gave them, so that it is an error when the model does not take them. */
  readonly isGiven: boolean
  readonly tolerance: number
}

/** What trying a model told. */
export interface CheckResult extends Partial<Ports> {
  readonly check: ModelCheck
}

/** A call to try. */
interface Trial {
  readonly inputs: string
  readonly args: readonly Plain[]
  /** Whether the original may refuse it. */
  readonly isOptional: boolean
}

/** Calls that a model's own inputs are good for; each takes as long as it takes in an app. */
const MAX_BUNDLED = 3

/**
 * Runs the model as it was saved and as it was compiled, in the runtime, on the same inputs, and compares what they give. Throws a PetalError
 * for a difference, with the layer where it starts and the optimization that makes it.
 */
export async function checkModel(job: CheckJob): Promise<CheckResult> {
  try {
    return await compared(job)
  } catch (error) {
    if (error instanceof PetalError) throw error
    // A model that compiles shall not be held up by a mistake of what tries it.
    return skipped(`the runtime failed: ${(error as Error).message}`)
  }
}

async function compared(job: CheckJob): Promise<CheckResult> {
  const { artifact, runtime } = job
  if (runtime.unsupported.length > 0) return skipped(`Petal's runtime lacks ${namesOf(runtime)}`)
  const trials = job.inputs.length > 0 ? trialsOf(job.inputs) : await bundledTrials(job.source)
  if (typeof trials === 'string') return skipped(trials)
  const original = await compileOriginal(job)
  if (typeof original === 'string') return skipped(original)
  if (!original.runner.has('forward')) return skipped('the model has no forward')
  const expected = await answers(job, original, trials)
  if (typeof expected === 'string') return skipped(expected)
  const runner = await load(artifact)
  let worst = 0
  for (const each of expected) {
    const error = errorOn(runner, each)
    if (error > job.tolerance) {
      if (isRandom(original, each, job.tolerance)) return skipped('it gives something else each time')
      throw await wrongOutput(job, original, each, error)
    }
    worst = Math.max(worst, error)
  }
  const check = { inputs: [...new Set(expected.map(({ inputs }) => inputs))], worst: rounded(worst), tolerance: job.tolerance }
  return { check, ...knownPorts(artifact.facts, expected) }
}

const skipped = (why: string): CheckResult => ({ check: { skipped: why } })

const namesOf = ({ unsupported }: ModelRuntime): string => unsupported.map(({ operator }) => operator).join(', ')

/** Two digits: how far sums in another order are apart says no more. */
const rounded = (error: number): number => Number(error.toPrecision(2))

/** Every set twice, with other numbers; the first one also with one more in the batch. */
function trialsOf(sets: readonly (readonly InputSpec[])[]): Trial[] | string {
  const dtype = sets.map(untriedDtype).find((untried) => untried !== undefined)
  if (dtype !== undefined) return `inputs of ${dtype} are not tried`
  const larger = largerBatch(sets[0]!)
  return [
    ...sets.flatMap((specs) => [trial(specs, 0, false), trial(specs, 1, true)]),
    ...larger ? [trial(larger, 2, true)] : [],
  ]
}

function trial(specs: readonly InputSpec[], seed: number, isOptional: boolean): Trial {
  return { inputs: specs.map(printInput).join(';'), args: valuesOf({ specs, seed }), isOptional }
}

async function bundledTrials(source: ByteSource): Promise<Trial[] | string> {
  const sets = await bundledInputs(source)
  if (typeof sets === 'string') return sets
  return sets.slice(0, MAX_BUNDLED).map((args, n) => ({ inputs: `bundled ${n}`, args, isOptional: false }))
}

interface Original {
  readonly artifact: Artifact
  readonly runner: Runner
}

/** The model before it was optimized: as saved, else with as few optimizations as it compiles with; a text tells why there is none to run. */
async function compileOriginal({ source, options }: CheckJob): Promise<Original | string> {
  let why = ''
  for (const plainer of [{ optimize: false }, { block: BLOCKABLE }]) {
    try {
      const artifact = await compile(source, { ...options, ...plainer })
      const runtime = runtimeFact(artifact.needs)
      if (runtime.unsupported.length === 0) return { artifact, runner: await load(artifact) }
      why = `Petal's runtime lacks ${namesOf(runtime)}, which the model has before it is optimized`
    } catch (error) {
      if (!(error instanceof PetalError) && !isUnsupported(error)) throw error
      why = `the model only runs optimized: ${(error as Error).message.split('\n')[0]}`
    }
  }
  return why
}

const isUnsupported = (error: unknown): error is RuntimeError => error instanceof RuntimeError && /^(?:UNSUPPORTED|OUT_OF_MEMORY)/.test(error.code)

/** A call, and what the original gives for it. */
interface Answered extends Trial {
  readonly answer: Plain
}

/** What the original gives; a text tells why that cannot be known. */
async function answers({ name, isGiven }: CheckJob, { runner }: Original, trials: readonly Trial[]): Promise<Answered[] | string> {
  const result: Answered[] = []
  for (const each of trials) {
    try {
      result.push({ ...each, answer: runner.call('forward', each.args) })
    } catch (error) {
      if (error instanceof TooSlow) return `the model did not run on ${each.inputs}: ${error.message}`
      if (!(error instanceof RuntimeError)) throw error
      if (each.isOptional) continue
      if (isUnsupported(error) || !isGiven) return `the model did not run on ${each.inputs}: ${error.message.split('\n')[0]}`
      throw badInput(name, each, error)
    }
  }
  return result
}

function errorOn(runner: Runner, { args, answer }: Answered): number {
  try {
    return difference(runner.call('forward', args), answer)
  } catch (error) {
    if (error instanceof RuntimeError || error instanceof TooSlow) return Infinity
    throw error
  }
}

/** Whether the original itself gives something else the next time. */
function isRandom({ runner }: Original, each: Answered, tolerance: number): boolean {
  return errorOn(runner, each) > tolerance
}

function badInput(name: string, { inputs }: Trial, error: RuntimeError): PetalError {
  return new PetalError({
    code: 'BAD_INPUT',
    message: `${name} does not take the inputs ${inputs}: ${error.message}`,
    cause: 'The build tries a model on its example inputs.',
    fix: 'Correct "input", or leave the trial out with "check=none".',
  })
}

async function wrongOutput(job: CheckJob, original: Original, each: Answered, error: number): Promise<PetalError> {
  const start = await firstDifference(original.artifact, job.artifact, each.args, job.tolerance)
  const culprit = await culpritOf(job, each)
  const amount = Number.isFinite(error) ? `by ${error.toPrecision(2)} of its largest number, where ${job.tolerance} is allowed` : 'in kind, size or whole numbers'
  return new PetalError({
    code: 'WRONG_OUTPUT',
    message: `Optimizing ${job.name} changed what it gives ${amount}, on inputs ${each.inputs}.`,
    cause: [
      start === undefined ? 'No layer was found where that begins.' : `It begins at ${placeOf(start)}.`,
      culprit === undefined ? 'No single optimization is the cause.' : `The optimization "${culprit}" makes it.`,
    ].join(' '),
    fix: `${culprit === undefined ? 'Leave optimizations out with "block"' : `Write "block=${culprit}"`}, and please report it with the model; `
      + 'if so small a difference does not matter, raise "tolerance".',
    ...start?.at && { location: { ...start.at, ...await frameOf(job.source, start.at) } },
  })
}

/** The lines around a place in the model's code. */
async function frameOf(source: ByteSource, { file, line }: NonNullable<Call['at']>): Promise<{ readonly frame?: string }> {
  const record = (await openArchive(source)).records.get(file)
  if (record === undefined) return {}
  return { frame: codeFrame(new TextDecoder().decode(await record.read()).split('\n'), { line }) }
}

function placeOf({ operator, module, at }: Call): string {
  return [module === undefined ? operator : `the module ${module} (${operator})`, ...at ? [`${at.file}:${at.line}`] : []].join(', ')
}

/** The optimization without which the outputs are right. */
async function culpritOf({ source, options, tolerance }: CheckJob, each: Answered): Promise<string | undefined> {
  for (const name of BLOCKABLE.filter((blockable) => !options.block.includes(blockable))) {
    const artifact = await compile(source, { ...options, block: [...options.block, name] }).catch(() => undefined)
    const runner = artifact && await load(artifact).catch(() => undefined)
    if (runner && errorOn(runner, each) <= tolerance) return name
  }
  return undefined
}
