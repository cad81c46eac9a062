import type { ConversionRequest } from '../conversion-request.ts'
import type { ErrorLocation } from '../errors.ts'

/** What converts Python sources into TorchScript. Behind this interface, so that tests can fake it and another engine can replace it. */
export interface Engine {
  /**
   * Names what would convert, without starting it: part of the cache's key. Asked for every request, also when the answer is stored,
   * so it must cost next to nothing. Undefined when there is nothing that could convert; then stored answers of any engine will do.
   */
  identify(): Promise<EngineIdentity | undefined>
  /**
   * Converts one source. Starts the engine on first use, and jobs wait for one another.
   * Throws a PetalError for everything that can go wrong; its `dependencies` tell which files were read until then.
   */
  convert(job: ConversionJob, control?: ConversionControl): Promise<Conversion>
  /** Ends the engine, with what it is doing. Called at the end of a build; a later `convert` starts it anew. */
  close(): Promise<void>
}

/** Which Python and PyTorch convert. */
export interface EngineIdentity {
  /** `2.15.0+cpu`, `1.13.0a0`. */
  readonly torch: string
  /** `3.11.2`. */
  readonly python: string
  /** The version of an installed distribution such as `torchvision`; undefined where it is not installed. Reads no more than a folder. */
  packageVersion(name: string): Promise<string | undefined>
}

/** How a job is watched and ended. */
export interface ConversionControl {
  /** Ends the job: its process is killed, `convert` rejects with CONVERSION_CANCELLED. */
  readonly signal?: AbortSignal
  /** Called now and then with what is being done (`importing torch`, `tracing`, `checking the trace`, …) and a share of the work done, 0 to 1. */
  readonly onProgress?: (progress: { phase: string; share: number }) => void
}

/** One source and how it becomes TorchScript. Plain JSON: it is what the worker is sent. Paths are absolute, that of the weights, too. */
export interface ConversionJob extends ConversionRequest {
  readonly source: {
    /** `python`: a `.py` file. `checkpoint`: a pickled module. `exported-program`: a `.pt2` file of torch.export. */
    readonly kind: 'python' | 'checkpoint' | 'exported-program'
    readonly file: string
  }
  /** The project's folder: files in it (and beside the source) that Python reads are dependencies. */
  readonly root: string
  /** Where to write the TorchScript archive. */
  readonly output: string
}

/** What a conversion gave, beside the file. Plain JSON, deterministic except for the absolute paths in it. */
export interface Conversion {
  readonly facts: ConversionFacts
  /** Absolute paths of all files of the project that Python read, the source itself first, then sorted. */
  readonly dependencies: readonly string[]
  /** Distributions that the project's modules import, with their versions, by name: `{ "torchvision": "0.14.1" }`. Without torch itself. */
  readonly packages: Readonly<Record<string, string>>
  readonly warnings: readonly Warning[]
}

/** How a model became TorchScript. Part of the facts of the import; no paths, no times. */
export interface ConversionFacts {
  readonly method: 'trace' | 'script'
  /** Why `auto` chose the method; absent where the import did. */
  readonly why?: string
  readonly torch: string
  readonly python: string
  /** Submodules converted by the other method. */
  readonly mixed?: readonly string[]
  /** The example inputs, as `input=` would write them: `1x3x224x224`, `int64[1x16]`. */
  readonly inputs?: readonly string[]
  /** How the trace was compared with the eager model; absent for a script without traced parts and for `check=none`. */
  readonly check?: readonly CheckFact[]
  readonly quantization?: QuantizationFact
}

/** One comparison of the traced with the eager model. */
export interface CheckFact {
  /** `fresh random values`, `negated`, `batch of 2`, … */
  readonly inputs: string
  /** Largest difference relative to the eager output's largest magnitude; absent where the eager model does not take such inputs. */
  readonly error?: number
}

/** What quantizing changed, on the example inputs. */
export interface QuantizationFact {
  readonly mode: 'dynamic' | 'static'
  readonly engine: 'qnnpack'
  /** Modules that were quantized, by class: `{ "Linear": 3 }`. */
  readonly modules: Readonly<Record<string, number>>
  /** Largest difference from the float model's output, relative to its largest magnitude; absent where there are no example inputs. */
  readonly drift?: number
  /** Sizes of the TorchScript archive, in bytes. */
  readonly bytes: { readonly before: number; readonly after: number }
}

/** Something the user should know that did not stop the work. `message` is complete by itself. */
export interface Warning {
  /** For programs, where there is one: that of a lint, `DROPOUT`. */
  readonly code?: string
  readonly message: string
  readonly location?: ErrorLocation
}
