import type { Artifact, CompileOptions } from './artifact.ts'
import type { ByteSource } from './archive/byte-source.ts'
import { openArchive } from './archive/zip-reader.ts'
import { emitLite } from './emit/lite.ts'
import { PetalError } from './errors.ts'
import { explained } from './explained.ts'
import { freezeModule, pruneModule } from './passes/freezing.ts'
import { inline } from './passes/inlining.ts'
import { countOperators } from './report/operators.ts'
import { countElements } from './report/parameters.ts'
import { PassRecord } from './report/pass-record.ts'
import { inputsOf, outputsOf } from './report/ports.ts'
import { loadModule, type LoadedModule } from './script/load.ts'

/** What a blocklist can name, in the order of PyTorch's `MobileOptimizerType`. */
const OPTIMIZATIONS = [
  'conv_1d_to_2d', 'conv_bn_fusion', 'insert_fold_prepack_ops', 'remove_dropout', 'fuse_add_relu', 'hoist_conv_packed_params',
] as const

/** The method that apps run. Others are not part of the file. */
const METHOD = 'forward'

/**
 * Compiles a TorchScript archive (`torch.jit.save`) into a lite-interpreter file: reads its code, makes the module's `forward` one graph,
 * optimizes it for the backend and lays the file out. Large weights are read while the artifact is streamed, piece by piece; `source` must
 * stay readable until then. Throws a PetalError for anything it cannot compile correctly.
 */
export async function compile(source: ByteSource, options: CompileOptions): Promise<Artifact> {
  return await explained(() => compileModel(source, options))
}

async function compileModel(source: ByteSource, { block, onProgress }: CompileOptions): Promise<Artifact> {
  onProgress?.({ phase: 'reading', share: 0 })
  const module = await loadModule(await openArchive(source))
  const { root } = module
  const forward = module.method(METHOD) ?? noForward(root.type.name)
  const graph = inline(forward, { root, functionNamed: (name) => module.functionNamed(name) })
  const before = countOperators([graph])

  onProgress?.({ phase: 'optimizing', share: 0.4 })
  const record = new PassRecord()
  freezeModule(graph, root, record)

  onProgress?.({ phase: 'emitting', share: 0.9 })
  const file = emitLite(pruneModule(graph, root), [{ name: METHOD, schema: forward.schema, graph }])
  onProgress?.({ phase: 'emitting', share: 1 })
  return {
    facts: {
      format: 'ptl', backend: 'cpu', bytecodeVersion: file.bytecodeVersion, operatorVersion: file.operatorVersion,
      inputs: inputsOf(forward.schema), outputs: outputsOf(forward.schema),
      operators: { before, after: countOperators([graph]) },
      optimizations: record.facts(OPTIMIZATIONS, block),
      parameters: countElements([root]),
      bytes: { before: source.size, after: file.size },
    },
    warnings: warningsOf(module),
    size: file.size,
    stream: () => file.stream(),
  }
}

function warningsOf({ devices }: LoadedModule): string[] {
  const others = devices.filter((device) => device !== 'cpu')
  if (others.length === 0) return []
  return [`The model was saved on ${others.join(', ')}; its weights will be loaded to the CPU. A device that its code names is not changed, `
    + "and fails on a phone: call model.to('cpu') before tracing or scripting."]
}

function noForward(name: string): never {
  throw new PetalError({
    code: 'NO_FORWARD',
    message: `The model's class ${name} has no ${METHOD} method.`,
    cause: 'A module was scripted whose forward is overloaded or missing, such as a bare nn.LSTM or nn.ModuleList.',
    fix: `Wrap it in a module of your own with a ${METHOD} method, script that, and save it again.`,
  })
}
