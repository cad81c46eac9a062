import type { BackendName } from '../artifact.ts'
import { dictFromList } from '../passes/dict-from-list.ts'
import { pruneModule } from '../passes/freezing.ts'
import type { PassLog } from '../passes/pass.ts'
import type { Members } from '../passes/preserved.ts'
import { graphsOf, type Method, type Program } from '../program.ts'
import type { Backend, StageState } from './backend.ts'
import { CPU } from './cpu.ts'
import { lowerLanguage } from './lower-objects.ts'
import { METAL } from './metal.ts'
import { VULKAN } from './vulkan.ts'
import { inlineMethods, savedMethods, type Optimizable } from './methods.ts'

export { BLOCKABLE } from '../blockable.ts'
export { forwardedName, type Optimizable } from './methods.ts'

export type { Backend, Stage, StageState } from './backend.ts'

/** Every engine. */
export const BACKENDS: Readonly<Record<BackendName, Backend>> = { cpu: CPU, vulkan: VULKAN, metal: METAL }

/** Nobody watches what is done to methods that stay as they were saved. */
const SILENT: PassLog = { changed: () => {}, declined: () => {} }

const FORWARD: Members = { methods: ['forward'], innerMethods: [], modules: [], attributes: new Map() }

/** What to optimize for, what to leave out, and who watches. */
export interface MobileOptions {
  readonly backend?: BackendName
  /** Optimizations to leave out, of `BLOCKABLE`. */
  readonly block: ReadonlySet<string>
  /** What is part of the file; `forward` when left out. */
  readonly members?: Members
  /** Called with the methods after inlining (`inline`) and after every stage that ran. */
  readonly afterEach?: (stage: string, methods: readonly Method[]) => void
}

/** Methods as they were saved, inlined and with objects taken apart, and the module with the attributes that they use. */
export function inlineProgram(module: Optimizable, members: Members): Program {
  const methods = inlineMethods(module, members)
  const state: StageState = { methods, root: module.root, log: SILENT, preserved: members.attributes }
  lowerLanguage(state)
  for (const { graph } of methods) dictFromList.run(graph, SILENT)
  return { root: pruneModule(graphsOf(state), state.root, state.preserved), methods, flags: {} }
}

/** Methods as they were saved, and the module with the attributes that they and what they call may use: for readers that run calls. */
export function savedProgram(module: Optimizable, members: Members): Program {
  const methods = savedMethods(module, members)
  return { root: pruneModule(graphsOf({ methods }), module.root, members.attributes), methods, flags: {} }
}

/** `forward` and what is preserved, inlined, frozen and optimized for an engine, and the module with what is left of its attributes. */
export function optimizeForMobile(module: Optimizable, options: MobileOptions, log: PassLog): Program {
  const { backend: name = 'cpu', block, members = FORWARD, afterEach } = options
  const backend = BACKENDS[name]
  const { root } = module
  const methods = inlineMethods(module, members)
  afterEach?.('inline', methods)
  const state: StageState = { methods, root, log, preserved: members.attributes }
  for (const stage of backend.stages) {
    if (stage.optimization !== undefined && block.has(stage.optimization)) continue
    const before = state.root
    stage.run(state)
    // What is preserved of the module is preserved of the one in its place.
    if (state.root !== before) state.preserved = new Map([...state.preserved].map(([object, names]) => [object === before ? state.root : object, names]))
    afterEach?.(stage.name, methods)
  }
  return { root: pruneModule(graphsOf(state), state.root, state.preserved), methods, flags: backend.flags(block) }
}
