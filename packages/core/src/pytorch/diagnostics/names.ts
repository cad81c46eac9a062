import type { Entry } from './entry.ts'

/** Names that TorchScript does not find or cannot use. */
export const NAMES: readonly Entry[] = [
  {
    id: 'global-value',
    title: 'A global variable is used',
    says: "python value of type 'int' cannot be used as a value. Perhaps it is a closed over global variable? If so, please consider passing it in as an argument or use a local varible instead.",
    pattern: /python value of type '(?<type>[^']+)' cannot be used as a value/,
    cause: 'TorchScript compiles the model alone, and a global variable of type `{type}` is not part of it.',
    fix: 'Store the value in the constructor (`self.name = name`) and use `self.name` in its place.',
  },
]
