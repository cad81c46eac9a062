import type { GivenDirectives } from '@petaljs/core'
import type { ModelFacts } from './handle.ts'

/** Directives as options have them: `'image=224&lint=error'`, or `{ image: 224, lint: 'error' }`. */
export type Directives = GivenDirectives

/** What `onFacts` is told beside the facts. */
export interface FactsAbout {
  /** Absolute path of the model file. */
  readonly file: string
  /** Absolute path of the module that imports it, where the bundler tells. */
  readonly importer: string | undefined
}

/**
 * Options of the plugin, the same for every bundler. Everything is optional; what an import says comes first, then its preset, then these.
 * What can be written as text can be said in an environment variable, too: see OPTIONS.
 */
export interface PetalOptions {
  /** Directives for imports that say nothing of them, or what gives them for a model file (its absolute path). */
  defaults?: Directives | ((file: string) => Directives | undefined)
  /** Named directives: `{ camera: 'image=224x224' }` is for `./net.pt?mobile=camera`. */
  presets?: Readonly<Record<string, Directives>>
  /** Globs, relative to the project's root, or patterns: which marked imports are for this plugin, by the model's path. All when left out. */
  include?: string | RegExp | readonly (string | RegExp)[]
  /** Which of these are not. */
  exclude?: string | RegExp | readonly (string | RegExp)[]
  /** Called for every module that is made of a model; what it throws fails the build at the import. */
  onFacts?: (facts: ModelFacts, about: FactsAbout) => void | Promise<void>
  /** How many models are compiled at once; 2 when left out. */
  concurrency?: number
  /** Optimizations to leave out of every model whose import has no `block` of its own; PyTorch's names, any case. */
  block?: readonly string[]
  /** What lints are for in every model whose import has no `lint` of its own; a list of codes makes these errors. */
  lint?: 'auto' | 'off' | 'warn' | 'error' | readonly string[]
  /**
   * Writes a declaration file with the real inputs and outputs of every imported model, so that TypeScript refuses wrong names: `petal.d.ts`
   * in the project's root, or the file that is named, relative to the root. None when left out.
   */
  dts?: boolean | string
  /** For imports of Python sources. */
  python?: {
    /**
     * The Python with PyTorch to use: an executable or the folder of an environment, relative to the project's root. Default: the
     * environment variable PETAL_PYTHON, an active or nearby virtual environment, else `python3`.
     */
    path?: string
    /** Seconds that converting one model may take; 300 when left out. */
    timeLimit?: number
  }
  cache?: {
    /**
     * Folder where compiled models are kept, relative to the project's root. Default: the environment variable
     * PETAL_CACHE_DIR, else `node_modules/.cache/petal` of the nearest package.
     */
    dir?: string
    /** What no build used for so long is removed: `30d`, `12h`. Default: PETAL_CACHE_MAX_AGE, else 30 days. */
    maxAge?: string
    /** Beyond this size what was used longest ago is removed: `5GB`. Default: PETAL_CACHE_MAX_SIZE, else 10 GB. */
    maxSize?: string
    /**
     * Whether the folder is only read, and what is missing there kept in one for temporary files. Default: PETAL_CACHE_READONLY, else
     * whether the folder can be written.
     */
    readonly?: boolean
  }
  /** Whether nothing is compiled: a model that is not stored is an error, which says what differs. Default: PETAL_FROZEN, else false. */
  frozen?: boolean
  /** A store that machines share over HTTP, asked before something is compiled; see docs/ci.md. */
  remote?: {
    /** `https://cache.example.com/petal`. Default: PETAL_REMOTE, else none. */
    url?: string
    /** Sent as a bearer token. Default: PETAL_REMOTE_TOKEN. */
    token?: string
    /** Whether what is compiled here is put there. Default: PETAL_REMOTE_WRITE, else false. */
    write?: boolean
    /** How long the server may be silent, in milliseconds; 5000 when left out. */
    timeout?: number
  }
}
