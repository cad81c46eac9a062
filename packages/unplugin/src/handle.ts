/** An input or output of the model's `forward`. */
export interface ModelPort {
  readonly name: string
  /** TorchScript annotation: `Tensor`, `Optional[int]`, `Tuple[Tensor, Tensor]`. */
  readonly type: string
  /** The default, as Python prints it, where there is one. */
  readonly default?: string
  /** Sizes, where the file tells them; null is free. */
  readonly shape?: readonly (number | null)[]
}

/** What one optimization did to the model. */
export interface ModelOptimization {
  /** PyTorch's name: `conv_bn_fusion`. */
  readonly name: string
  /** Places changed. */
  readonly applied: number
  /** True where the import's `block` named it. */
  readonly blocked: boolean
  /** Places left alone, and why. */
  readonly declined: readonly { readonly what: string; readonly why: string; readonly count: number }[]
}

/** What `import facts from './net.pt?mobile&as=facts'` gives: everything known of the compiled model. Immutable, plain JSON. */
export interface ModelFacts {
  /** `ptl`: a file for PyTorch's lite interpreter. */
  readonly format: 'ptl'
  /** The engine it was compiled for. */
  readonly backend: 'cpu'
  /** Version of the bytecode; the app's PyTorch Mobile must read it. */
  readonly bytecodeVersion: number
  /** Version of the operators the model was saved with. */
  readonly operatorVersion: number
  /** Size of the file that ships. */
  readonly bytes: number
  /** SHA-256 of the file that ships, 64 hexadecimal digits. */
  readonly sha256: string
  /** What was imported. */
  readonly source: ModelSource
  readonly inputs: readonly ModelPort[]
  readonly outputs: readonly ModelPort[]
  /** Operators with their counts: in the imported model, inlined, and in the file that ships. */
  readonly operators: { readonly before: Readonly<Record<string, number>>; readonly after: Readonly<Record<string, number>> }
  readonly optimizations: readonly ModelOptimization[]
  /** Elements of all parameters and buffers of the imported model. */
  readonly parameters: number
  /** How PyTorch made TorchScript of a Python source; absent for sources that are TorchScript. */
  readonly conversion?: ModelConversion
}

/** How a Python source became TorchScript. */
export interface ModelConversion {
  readonly method: 'trace' | 'script'
  /** Why `convert=auto` chose the method. */
  readonly why?: string
  /** Versions that converted. */
  readonly torch: string
  readonly python: string
  /** Submodules converted by the other method. */
  readonly mixed?: readonly string[]
  /** The example inputs, as `input=` would write them. */
  readonly inputs?: readonly string[]
  /** Inputs on which the trace was compared with the eager model, with the largest relative difference; none where that takes no such inputs. */
  readonly check?: readonly { readonly inputs: string; readonly error?: number }[]
  /** What quantizing changed: modules by class, the largest relative difference on the example inputs, and sizes in bytes. */
  readonly quantization?: {
    readonly mode: 'dynamic' | 'static'
    readonly engine: 'qnnpack'
    readonly modules: Readonly<Record<string, number>>
    readonly drift?: number
    readonly bytes: { readonly before: number; readonly after: number }
  }
}

/** The imported file. */
export interface ModelSource {
  /** File name, without folders. */
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/**
 * What `import model from './net.pt?mobile'` gives: the facts and the URL of the file that ships. Immutable.
 * It is its URL wherever a string is wanted: `fetch(String(model))`, `` `${model}` ``.
 */
export interface ModelHandle extends ModelFacts {
  /** Where the app finds the file; made by the bundler, like any asset's. */
  readonly url: string
  toString(): string
}

/** JavaScript that freezes a value and all it holds. */
export const FREEZE_CODE: string = `\
function freeze(value) {
  for (const key in value) if (typeof value[key] === 'object' && value[key]) freeze(value[key])
  return Object.freeze(value)
}
`

/**
 * JavaScript of the class of all handles, `PetalModel(url, facts)`: the one place where handles are made.
 *
 * It is text, and small, because it is written into each generated module: a helper module of its own would need a path
 * that resolves from everywhere and is the same on every machine.
 */
export const HANDLE_CODE: string = `${FREEZE_CODE}\
class PetalModel {
  constructor(url, facts) {
    Object.assign(this, { url }, facts)
    freeze(this)
  }
  toString() {
    return this.url
  }
}
`
