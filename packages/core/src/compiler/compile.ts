import type { Artifact, CompileOptions } from './artifact.ts'
import type { ByteSource } from './archive/byte-source.ts'
import { openArchive, type Archive } from './archive/zip-reader.ts'
import { BACKENDS, BLOCKABLE, inlineProgram, optimizeForMobile } from './backends/index.ts'
import { bundleInputs } from './bundle/bundle.ts'
import { liteForm } from './emit/form.ts'
import { emitLite } from './emit/lite.ts'
import { emitTorchScript } from './emit/torchscript/index.ts'
import { explained, withFrame } from './explained.ts'
import type { Facts } from './facts.ts'
import { membersOf } from './members.ts'
import { checkedOptions } from './options.ts'
import type { Members } from './passes/preserved.ts'
import { graphsOf, type Method, type Program } from './program.ts'
import { lintsOf, refuseLints } from './report/lints.ts'
import { missingOperatorsOf } from './report/missing-operators.ts'
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
  const { program, before } = programOf(module, members, options, record)

  onProgress?.({ phase: 'emitting', share: PROGRESS.emitting })
  const checksum = source.crc32 && { checksum: source.crc32 }
  const file = format === 'torchscript' ? emitTorchScript(program, { definitions: module, ...checksum }) : emitLite(program, {
    ...liteForm(options), ...checksum,
    ...options.debug && { debug: await readDebugSources(archive, graphsOf(program)) },
  })
  onProgress?.({ phase: 'emitting', share: 1 })
  const lints = lintsOf(program, 'codes' in file ? missingOperatorsOf(options, file) : {})
  if (options.lint !== undefined) refuseLints(lints, options.lint)
  const [main, ...others] = program.methods
  return {
    facts: {
      format, backend, ...'bytecodeVersion' in file && { bytecodeVersion: file.bytecodeVersion }, operatorVersion: file.operatorVersion,
      ...portsOf(main!),
      ...others.length > 0 && { methods: Object.fromEntries(others.map((method) => [method.name, portsOf(method)])) },
      operators: { before, after: countOperators(graphsOf(program)) },
      optimizations: record.facts(BLOCKABLE, block),
      lints,
      parameters: countElements([module.root]),
      bytes: { before: source.size, after: file.size },
    },
    warnings: [...warnings, ...warningsOf(graphsOf(program), module.devices)],
    needs: 'codes' in file ? needsOf(file.codes, [program.root, ...file.codes.flatMap(({ constants }) => constants)])
      : needsOfGraphs(graphsOf(program), [program.root, ...file.constants]),
    size: file.size,
    stream: () => file.stream(),
  }
}

/** The program to emit, and how often it called which operator before it was optimized. */
function programOf(
  module: LoadedModule, members: Members, options: CompileOptions, record: PassRecord,
): { program: Program; before: Record<string, number> } {
  const { backend, block, method, onProgress } = options
  if ((method !== undefined && method !== METHOD) || options.optimize === false) {
    const program = inlineProgram(module, members)
    return { program, before: countOperators(graphsOf(program)) }
  }
  let before: Record<string, number> = {}
  let stages = 0
  const afterEach = (stage: string, methods: readonly Method[]): void => {
    if (stage === 'inline') before = countOperators(graphsOf({ methods }))
    const done = stages++ / (BACKENDS[backend]!.stages.length + 1)
    onProgress?.({ phase: 'optimizing', share: PROGRESS.optimizing * (1 - done) + PROGRESS.emitting * done })
  }
  const program = optimizeForMobile(module, { backend, block: new Set(block), members, afterEach }, record)
  return { program, before }
}

const portsOf = ({ schema }: Method): Pick<Facts, 'inputs' | 'outputs'> => ({ inputs: inputsOf(schema), outputs: outputsOf(schema) })
