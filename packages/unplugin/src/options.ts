/** Options of the plugin, the same for every bundler. Everything is optional; what an import says comes first. */
export interface PetalOptions {
  /** Optimizations to leave out of every model whose import has no `block` of its own; PyTorch's names, any case. */
  block?: readonly string[]
  /** What lints are for in every model whose import has no `lint` of its own; a list of codes makes these errors. */
  lint?: 'auto' | 'off' | 'warn' | 'error' | readonly string[]
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
  }
}
