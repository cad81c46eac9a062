import type { ImageSpec } from './image-spec.ts'

/** An input or output of a method of the model. */
export interface ModelPort {
  readonly name: string
  /** TorchScript annotation: `Tensor`, `Optional[int]`, `Tuple[Tensor, Tensor]`. */
  readonly type: string
  /** The default, as Python prints it, where there is one. */
  readonly default?: string
  /** Element type of a tensor (`float32`), where it is known. */
  readonly dtype?: string
  /** Sizes, where the file tells them; null is free. */
  readonly shape?: readonly (number | null)[]
}

/** What a method takes and gives. */
export interface ModelSignature {
  readonly inputs: readonly ModelPort[]
  readonly outputs: readonly ModelPort[]
}

/** What running the model with this package takes. */
export interface ModelRuntime {
  /** Names of the operator families that `load()` brings, sorted. */
  readonly families: readonly string[]
  /** What the runtime lacks; the model cannot be loaded where there is anything. */
  readonly unsupported: readonly ModelUnsupported[]
}

/** An operator that the runtime lacks, or an element type or a class of packed weights. */
export interface ModelUnsupported {
  /** `aten::fft_rfft`, `complex64 tensors`, … */
  readonly operator: string
  /** Places in the file that ships. */
  readonly count: number
  /** The first of them in the model's TorchScript code, where it is known: `code/__torch__/net.py:12`. */
  readonly at?: string
}

/** Whether the optimized model computes what it did before, tried when it was built; or why that was not tried. */
export type ModelCheck =
  | {
    /** The inputs, as `input=` would write them, each tried with random values. */
    readonly inputs: readonly string[]
    /** Largest difference of an output, relative to the largest number in it. */
    readonly worst: number
    /** The largest difference that would have passed. */
    readonly tolerance: number
  }
  | { readonly skipped: string }

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
  /** `ptl` and `flatbuffer` are files for PyTorch's lite interpreter, `torchscript` is one for its full interpreter. The web runs `ptl`. */
  readonly format: 'ptl' | 'flatbuffer' | 'torchscript'
  /** The engine it was compiled for. The web runs `cpu`. */
  readonly backend: 'cpu' | 'vulkan' | 'metal'
  /** Version of the bytecode, where the file has any; the app's PyTorch Mobile must read it. */
  readonly bytecodeVersion?: number
  /** Version of the operators the model was saved with. */
  readonly operatorVersion: number
  /** Size of the file that ships. */
  readonly bytes: number
  /** SHA-256 of the file that ships, 64 hexadecimal digits. */
  readonly sha256: string
  /** The same as `integrity` attributes have it: `sha256-…`, base64. */
  readonly integrity: string
  /** What was imported. */
  readonly source: ModelSource
  /** Of `forward`; the same as `signature.inputs`. */
  readonly inputs: readonly ModelPort[]
  /** Of `forward`; the same as `signature.outputs`. */
  readonly outputs: readonly ModelPort[]
  /** What `forward` takes and gives. */
  readonly signature: ModelSignature
  /** What the other methods of the file take and give, those that the import's `preserve` named. */
  readonly methods?: Readonly<Record<string, ModelSignature>>
  /** How pictures become the model's input, where the import or the model says so. */
  readonly image?: ImageSpec
  readonly runtime: ModelRuntime
  readonly check: ModelCheck
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
