import type { Value } from '../../ir/graph.ts'

/**
 * Words that code gives a meaning of their own, so that no variable may bear them: Python's keywords, and what readers know without
 * a definition (torch/csrc/jit/serialization/python_print.cpp, and the environment of torch/csrc/jit/frontend/ir_emitter.cpp).
 */
const RESERVED: ReadonlySet<string> = new Set([
  '_', 'and', 'as', 'assert', 'async', 'await', 'break', 'class', 'continue', 'def', 'del', 'elif', 'else', 'except', 'False', 'finally',
  'for', 'from', 'global', 'if', 'import', 'in', 'is', 'lambda', 'None', 'nonlocal', 'not', 'or', 'pass', 'raise', 'return', 'True', 'try',
  'while', 'with', 'yield',
  'CONSTANTS', '__torch__', 'annotate', 'aten', 'attribute', 'fork', 'awaitable', 'getattr', 'hasattr', 'inf', 'infj', 'isinstance', 'nan',
  'nanj', 'ops', 'print', 'super', 'torch', 'unchecked_cast', 'uninitialized',
  'abs', 'all', 'any', 'bin', 'bool', 'chr', 'complex', 'divmod', 'dict', 'enumerate', 'float', 'hash', 'hex', 'id', 'int', 'len', 'list',
  'max', 'min', 'oct', 'ord', 'pow', 'range', 'rangelist', 'reversed', 'round', 'set', 'sorted', 'str', 'sum', 'tuple', 'zip',
])

/** True for what can be written after a dot and before a colon. */
export function isIdentifier(name: string): boolean {
  return /^[A-Za-z_][A-Za-z_0-9]*$/.test(name) && !RESERVED.has(name)
}

/** Names of the values of one function, each given once. */
export class LocalNames {
  readonly #used: Set<string> = new Set()
  /** By wish, the number that was put after it last. */
  readonly #numbers: Map<string, number> = new Map()

  /** `wish`, or `wish` with the next number when that is taken or a reserved word. */
  unique(wish: string): string {
    let name = wish
    for (let number = this.#numbers.get(wish) ?? 0; this.#used.has(name) || RESERVED.has(name); number++) {
      name = `${wish}${number}`
      this.#numbers.set(wish, number + 1)
    }
    this.#used.add(name)
    return name
  }

  /** A name for a value, like the one it had where it comes from; `_0`, `_1`, … for those without. */
  for(value: Value): string {
    const wish = (value.debugName ?? '').replace(/[^A-Za-z_0-9]/g, '_')
    return this.unique(/^[0-9]/.test(wish) ? `_${wish}` : wish || '_')
  }
}
