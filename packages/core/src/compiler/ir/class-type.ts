import type { Graph } from './graph.ts'
import type { IValue } from './ivalue.ts'
import type { FunctionSchema } from './schema.ts'
import type { Type } from './types.ts'

/** An attribute that a class declares. */
export interface ClassAttribute {
  readonly name: string
  readonly type: Type
  readonly isParameter: boolean
  readonly isBuffer: boolean
}

/** A compiled method or free function. `graph()` compiles on first use: unreachable code is never lowered. */
export interface ScriptFunction {
  /** Qualified: `__torch__.Net.forward`. */
  readonly name: string
  readonly schema: FunctionSchema
  graph(): Graph
}

/**
 * A TorchScript class: a module, a plain class, or a custom C++ class (`torchbind`), whose inside is opaque.
 * The front end fills `attributes`, `constants` and `methods` while importing; afterwards nothing changes it.
 */
export interface ClassType {
  readonly kind: 'ClassType'
  /** Qualified and mangled as in the file: `__torch__.torchvision.models.resnet.___torch_mangle_3.BasicBlock`. */
  readonly name: string
  readonly isModule: boolean
  readonly torchbind: boolean
  readonly attributes: ClassAttribute[]
  /** `Final[...]` class constants. */
  readonly constants: Map<string, IValue>
  readonly methods: Map<string, ScriptFunction>
}

/** Where PyTorch's native libraries put their classes; they are known by name alone. */
export const CUSTOM_CLASS_PREFIX = '__torch__.torch.classes.'

/** A class without members yet; a custom C++ class when its name is one. */
export function classType(name: string, options: { isModule?: boolean } = {}): ClassType {
  return {
    kind: 'ClassType', name, isModule: options.isModule ?? false, torchbind: name.startsWith(CUSTOM_CLASS_PREFIX),
    attributes: [], constants: new Map(), methods: new Map(),
  }
}
