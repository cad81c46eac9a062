import type { Artifact, CompileOptions } from './artifact.ts'
import type { ByteSource } from './archive/byte-source.ts'
import { openArchive, type Archive } from './archive/zip-reader.ts'
import { BACKENDS, BLOCKABLE, inlineProgram, optimizeForMobile, savedProgram } from './backends/index.ts'
import { bundleInputs } from './bundle/bundle.ts'
import { emitFlatbuffer } from './emit/flatbuffer/index.ts'
import { liteForm } from './emit/form.ts'
import { emitLite, type LiteFile } from './emit/lite.ts'
import { requireRuntime, runtimesOf } from './emit/runtimes/check.ts'
import { emitTorchScript, type TorchScriptFile } from './emit/torchscript/index.ts'
import { PetalError } from './errors.ts'
import { explained, withFrame } from './explained.ts'
import type { Facts } from './facts.ts'
import { membersOf, placed } from './members.ts'
import { checkedOptions } from './options.ts'
import type { Members } from './passes/preserved.ts'
import { graphsOf, type Method, type Program } from './program.ts'
import { refuseLints } from './report/lint-policy.ts'
import { lintsOf } from './report/lints.ts'
import { missingOf } from './report/missing-operators.ts'
import { needsOf, needsOfGraphs } from './report/needs.ts'
import { countOperators } from './report/operators.ts'
import { countElements } from './report/parameters.ts'
import { PassRecord } from './report/pass-record.ts'
import { inputsOf, outputsOf } from './report/ports.ts'
import { warningsOf } from './report/warnings.ts'
import { readDebugSources } from './script/debug-sources.ts'
import { type LoadedModule, loadModule } from './script/load.ts'

/**
 * Compiles a TorchScript archive (`torch.jit.save`) into a file for the lite interpreter, or for torch.jit.load: reads its code, makes the
 * module's `forward` one graph, optimizes it for the backend and lays the file out. Large weights are read while the artifact is streamed, piece by piece; `source` must
 * stay readable until then. Throws a PetalError for anything it cannot compile correctly.
 */
export async function compile(source: ByteSource, options: CompileOptions): Promise<Artifact> {
  return await explained(() => compileModel(source, options))
}

/** The method that apps run. Others are part of the file where they are asked for. */
const METHOD = 'forward'

/** Shares of the work, as measured on torchvision's models. */
const PROGRESS = { optimizing: 0.3, emitting: 0.9 }

async function compileModel(source: ByteSource, options: CompileOptions): Promise<Artifact> {
  const checked = checkedOptions(options)
  options.onProgress?.({ phase: 'reading', share: 0 })
  const archive = await openArchive(source)
  return await withFrame(archive, () => compileArchive(archive, source, checked))
}

async function compileArchive(archive: Archive, source: ByteSource, options: CompileOptions): Promise<Artifact> {
  const { backend, format, block, onProgress } = options
  const module = await loadModule(archive)
  const record = new PassRecord()
  if (options.bundle?.length) bundleInputs(module, options.bundle)
  const { members, warnings } = membersOf(module, options)
  const { program: made, before, warnings: left } = programOf(module, members, options, record)
  const { program, warnings: renamed } = placed(made, members, module.root, format)

  onProgress?.({ phase: 'emitting', share: PROGRESS.emitting })
  const file = await emitted(program, module, archive, options, source.crc32)
  onProgress?.({ phase: 'emitting', share: 1 })
  // Whoever asks for lints as warnings is told by one.
  const isTold = options.lint === 'warn' || options.lint === 'off'
  if (options.runtime !== undefined && 'codes' in file && !isTold) requireRuntime(file.codes, options.runtime, file.bytecodeVersion)
  const lints = lintsOf(program, missingOf(program, options, 'codes' in file ? file : {}))
  if (options.lint !== undefined) refuseLints(lints, options.lint)
  const [main, ...others] = [...program.methods, ...placedMethods(program)]
  return {
    facts: {
      format, backend, ...'bytecodeVersion' in file && { bytecodeVersion: file.bytecodeVersion }, operatorVersion: file.operatorVersion,
      ...'codes' in file && { runtimes: runtimesOf(file.codes, file) },
      ...portsOf(main!),
      ...others.length > 0 && { methods: Object.fromEntries(others.map((method) => [method.name, portsOf(method)])) },
      operators: { before, after: countOperators(graphsOf(program)) },
      optimizations: record.facts(BLOCKABLE, block),
      lints,
      parameters: countElements([module.root]),
      bytes: { before: source.size, after: file.size },
    },
    warnings: [...warnings, ...left, ...renamed, ...warningsOf(graphsOf(program), module.devices)],
    needs: 'codes' in file ? needsOf(file.codes, [program.root, ...file.codes.flatMap(({ constants }) => constants)])
      : needsOfGraphs(graphsOf(program), [program.root, ...file.constants]),
    size: file.size,
    stream: () => file.stream(),
  }
}

/** The file of the format that was asked for. */
async function emitted(
  program: Program, definitions: LoadedModule, archive: Archive, options: CompileOptions, crc32: ByteSource['crc32'],
): Promise<LiteFile | TorchScriptFile> {
  const checksum = crc32 && { checksum: crc32 }
  switch (options.format) {
    case 'torchscript': return emitTorchScript(program, { definitions, ...checksum })
    case 'flatbuffer': return emitFlatbuffer(program, options)
    case 'ptl': return emitLite(program, {
      ...liteForm(options), ...checksum, ...options.code && { code: definitions },
      ...options.debug && { debug: await readDebugSources(archive, graphsOf(program)) },
    })
  }
}

/** The program to emit, and how often it called which operator before it was optimized. */
function programOf(
  module: LoadedModule, members: Members, options: CompileOptions, record: PassRecord,
): { program: Program; before: Record<string, number>; warnings: readonly string[] } {
  const { backend, format, block, method, onProgress } = options
  if ((method !== undefined && method !== METHOD) || options.optimize === false) {
    const program = inlineProgram(module, members)
    return { program, before: countOperators(graphsOf(program)), warnings: [] }
  }
  let before: Record<string, number> = {}
  let stages = 0
  const afterEach = (stage: string, methods: readonly Method[]): void => {
    if (stage === 'inline') before = countOperators(graphsOf({ methods }))
    const done = stages++ / (BACKENDS[backend].stages.length + 1)
    onProgress?.({ phase: 'optimizing', share: PROGRESS.optimizing * (1 - done) + PROGRESS.emitting * done })
  }
  try {
    const program = optimizeForMobile(module, { backend, block: new Set(block), members, afterEach }, record)
    return { program, before, warnings: [] }
  } catch (error) {
    if (format !== 'torchscript' || backend !== 'cpu' || !(error instanceof PetalError) || !NEEDS_CALLS.has(error.code)) throw error
    // torch.jit.load runs calls, so such a model is no worse for being left alone.
    const program = savedProgram(module, members)
    return { program, before: countOperators(graphsOf(program)), warnings: [`The code is left as it was saved. ${error.what}`] }
  }
}

/** Why a model cannot be one flat graph, and so cannot be optimized. */
const NEEDS_CALLS: ReadonlySet<string> = new Set(['RECURSIVE_FUNCTION', 'UNRESOLVED_INTERFACE_CALL', 'UNSUPPORTED_FORK', 'MODEL_TOO_LARGE', 'MODULE_RETURNS_ITSELF'])

/** Methods of modules within, by their paths. */
const placedMethods = ({ innerMethods = [] }: Program): Method[] =>
  innerMethods.flatMap(({ path = [], name, method }) => (method ? [{ ...method, name: [...path, name].join('.') }] : []))

const portsOf = ({ schema }: Method): Pick<Facts, 'inputs' | 'outputs'> => ({ inputs: inputsOf(schema), outputs: outputsOf(schema) })
