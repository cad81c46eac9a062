import type { BackendName } from '../artifact.ts'
import { PetalError } from '../errors.ts'
import type { ObjectValue } from '../ir/ivalue.ts'
import { pruneModule } from '../passes/freezing.ts'
import { inline } from '../passes/inlining.ts'
import type { PassLog } from '../passes/pass.ts'
import { graphsOf, type Method, type Program } from '../program.ts'
import type { LoadedModule } from '../script/load.ts'
import type { Backend, StageState } from './backend.ts'
import { CPU } from './cpu.ts'

export type { Backend, Stage, StageState } from './backend.ts'

/** Every engine. */
export const BACKENDS: Readonly<Partial<Record<BackendName, Backend>>> = { cpu: CPU }

/** Optimizations that a blocklist may name: PyTorch's `MobileOptimizerType` in lower case. */
export const BLOCKABLE: readonly string[] = [
  'conv_bn_fusion', 'insert_fold_prepack_ops', 'remove_dropout', 'fuse_add_relu', 'hoist_conv_packed_params', 'conv_1d_to_2d',
]

/** What to optimize for, what to leave out, and who watches. */
export interface MobileOptions {
  readonly backend?: BackendName
  /** Optimizations to leave out, of {@link BLOCKABLE}. */
  readonly block: ReadonlySet<string>
  /** Methods that are compiled beside `forward`, and attributes and modules that stay as they are. */
  readonly preserve?: readonly string[]
  /** Called with the methods after inlining (`inline`) and after every stage that ran. */
  readonly afterEach?: (stage: string, methods: readonly Method[]) => void
}

/** What is needed of a loaded module. */
export type Optimizable = Pick<LoadedModule, 'root' | 'method' | 'functionNamed'>

/** Methods as they were saved, inlined; of branches only those that they take in evaluation mode. */
export function inlineMethods(module: Optimizable, names: readonly string[]): Program {
  const { root } = module
  const methods = names.map((name): Method => {
    const method = module.method(name)
    if (method === undefined) throw noMethod(root, name)
    return { name, schema: method.schema, graph: inline(method, { root, functionNamed: (callee) => module.functionNamed(callee), settle: true }) }
  })
  return { root, methods, flags: {} }
}

/** `forward` and what is preserved, inlined, frozen and optimized for an engine, and the module with what is left of its attributes. */
export function optimizeForMobile(module: Optimizable, options: MobileOptions, log: PassLog): Program {
  const { backend: name = 'cpu', block, preserve = [], afterEach } = options
  const backend = BACKENDS[name]!
  const { root, methods } = inlineMethods(module, methodNames(module, preserve))
  afterEach?.('inline', methods)
  const state: StageState = { methods, root, log, preserve: preserve.filter((path) => module.method(path) === undefined) }
  for (const stage of backend.stages) {
    if (stage.optimization !== undefined && block.has(stage.optimization)) continue
    stage.run(state)
    afterEach?.(stage.name, methods)
  }
  return { root: pruneModule(graphsOf(state), state.root), methods, flags: backend.flags(block) }
}

/** `forward`, and the methods among what is preserved. */
export function methodNames(module: Optimizable, preserve: readonly string[]): string[] {
  const preserved = preserve.filter((name) => module.method(name) !== undefined)
  return preserved.length > 0 && module.method('forward') === undefined ? preserved : [...new Set(['forward', ...preserved])]
}

function noMethod(root: ObjectValue, name: string): PetalError {
  const message = `The model (${root.type.name}) has no method ${name}.`
  if (name !== 'forward') return new PetalError({ code: 'NO_METHOD', message, fix: 'Name a method that is exported (torch.jit.export).' })
  return new PetalError({
    code: 'NO_FORWARD',
    message,
    cause: 'Scripting nn.LSTM, nn.GRU and some other layers by themselves gives a module without one, as does a module that only exports other methods.',
    fix: 'Wrap the layer in a module with a forward method and script that, or name its methods with "preserve".',
  })
}
