import type { ClassType, ScriptFunction } from '../ir/class-type.ts'
import type { Value } from '../ir/graph.ts'
import type { EnumType, TupleType, Type } from '../ir/types.ts'
import type { FunctionDef } from './ast.ts'

/**
 * What an expression means while code is lowered: a value, or something that only makes sense with more around it,
 * such as a namespace or a function. As torch::jit::SugaredValue.
 */
export type Sugared =
  | { readonly kind: 'value'; readonly value: Value }
  /** Several values side by side, from a tuple that is taken apart at once. */
  | { readonly kind: 'values'; readonly values: readonly Value[] }
  /** An operator: `aten::add`. With `self`, `x.add`. */
  | { readonly kind: 'operator'; readonly symbol: string; readonly self?: Value }
  /** `torch` (`aten`) or `ops.prim`. */
  | { readonly kind: 'namespace'; readonly namespace: string }
  | { readonly kind: 'ops' }
  | { readonly kind: 'constants' }
  | { readonly kind: 'special'; readonly form: SpecialForm }
  /** A conversion by a built-in name, `int(x)`. */
  | { readonly kind: 'cast'; readonly symbol: string; readonly to: Type; readonly method: string }
  /** `x.tolist`. */
  | { readonly kind: 'tolist'; readonly self: Value }
  /** A part of a qualified name: `__torch__.torchvision`. */
  | { readonly kind: 'qualified'; readonly name: string }
  | { readonly kind: 'class'; readonly type: ClassType }
  | { readonly kind: 'new'; readonly type: ClassType }
  | { readonly kind: 'namedTuple'; readonly type: TupleType }
  | { readonly kind: 'enum'; readonly type: EnumType }
  | { readonly kind: 'function'; readonly callee: ScriptFunction }
  | { readonly kind: 'method'; readonly self: Value; readonly name: string }
  | { readonly kind: 'range'; readonly bounds: readonly Value[] }
  /** A function inside a function; only a task may call it. */
  | { readonly kind: 'closure'; readonly definition: FunctionDef }
  /** What a statement without a value gives, `print(x)`. */
  | { readonly kind: 'nothing' }

/** Names that look like functions and are part of the language. */
export type SpecialForm = 'annotate' | 'unchecked_cast' | 'uninitialized' | 'getattr' | 'isinstance' | 'print' | 'range' | 'fork'

/** A plain value. */
export function simple(value: Value): Sugared {
  return { kind: 'value', value }
}
