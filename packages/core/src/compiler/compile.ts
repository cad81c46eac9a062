import type { Artifact, CompileOptions } from './artifact.ts'
import type { ByteSource } from './archive/byte-source.ts'
import { openArchive, type Archive } from './archive/zip-reader.ts'
import { BLOCKABLE, CPU_STAGES, inlineMethod, optimizeForMobile } from './backends/cpu.ts'
import { emitLite } from './emit/lite.ts'
import { PetalError } from './errors.ts'
import type { Graph } from './ir/graph.ts'
import { explained, withFrame } from './explained.ts'
import { needsOf } from './report/needs.ts'
import { countOperators } from './report/operators.ts'
import { countElements } from './report/parameters.ts'
import { PassRecord } from './report/pass-record.ts'
import { inputsOf, outputsOf } from './report/ports.ts'
import { warningsOf } from './report/warnings.ts'
import { loadModule } from './script/load.ts'

/**
 * Compiles a TorchScript archive (`torch.jit.save`) into a lite-interpreter file: reads its code, makes the module's `forward` one graph,
 * optimizes it for the backend and lays the file out. Large weights are read while the artifact is streamed, piece by piece; `source` must
 * stay readable until then. Throws a PetalError for anything it cannot compile correctly.
 */
export async function compile(source: ByteSource, options: CompileOptions): Promise<Artifact> {
  return await explained(() => compileModel(source, options))
}

/** The method that apps run. Others are not part of the file unless they are asked for. */
const METHOD = 'forward'

/** Shares of the work, as measured on torchvision's models. */
const PROGRESS = { optimizing: 0.3, emitting: 0.9 }

async function compileModel(source: ByteSource, options: CompileOptions): Promise<Artifact> {
  const unknown = options.block.find((name) => !BLOCKABLE.includes(name))
  if (unknown !== undefined) throw unknownOptimization(unknown)
  options.onProgress?.({ phase: 'reading', share: 0 })
  const archive = await openArchive(source)
  return await withFrame(archive, () => compileArchive(archive, source, options))
}

async function compileArchive(archive: Archive, source: ByteSource, options: CompileOptions): Promise<Artifact> {
  const { block, onProgress, method = METHOD } = options
  const module = await loadModule(archive)
  const record = new PassRecord()
  let before: Record<string, number> = {}
  let stages = 0
  const afterEach = (stage: string, graph: Graph): void => {
    if (stage === 'inline') before = countOperators([graph])
    const done = stages++ / (CPU_STAGES.length + 1)
    onProgress?.({ phase: 'optimizing', share: PROGRESS.optimizing * (1 - done) + PROGRESS.emitting * done })
  }
  const asSaved = method !== METHOD || options.optimize === false
  const { graph, root } = asSaved ? inlineMethod(module, method) : optimizeForMobile(module, { block: new Set(block), afterEach }, record)
  if (asSaved) before = countOperators([graph])
  const { schema } = module.method(method)!

  onProgress?.({ phase: 'emitting', share: PROGRESS.emitting })
  const file = emitLite(root, [{ name: method, schema, graph }], source.crc32)
  onProgress?.({ phase: 'emitting', share: 1 })
  return {
    facts: {
      format: 'ptl', backend: 'cpu', bytecodeVersion: file.bytecodeVersion, operatorVersion: file.operatorVersion,
      inputs: inputsOf(schema), outputs: outputsOf(schema),
      operators: { before, after: countOperators([graph]) },
      optimizations: record.facts(BLOCKABLE, block),
      parameters: countElements([module.root]),
      bytes: { before: source.size, after: file.size },
    },
    warnings: warningsOf(graph, module.devices),
    needs: needsOf(file.codes, [root, ...file.codes.flatMap(({ constants }) => constants)]),
    size: file.size,
    stream: () => file.stream(),
  }
}

function unknownOptimization(name: string): PetalError {
  return new PetalError({
    code: 'UNKNOWN_OPTIMIZATION',
    message: `There is no optimization '${name}' to block.`,
    fix: `Name some of ${BLOCKABLE.join(', ')}.`,
  })
}
