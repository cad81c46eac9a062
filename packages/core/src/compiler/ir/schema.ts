import type { IValue } from './ivalue.ts'
import type { Type } from './types.ts'

/**
 * Alias annotation of an argument or return: `(a!)`, `(a -> *)`, `(a|b)`. As c10::AliasInfo.
 * `before` and `after` are alias set names; `*` is the wildcard.
 */
export interface AliasInfo {
  readonly isWrite: boolean
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** For `Tensor(a)[]`: the annotation of the elements. */
  readonly contained?: AliasInfo
}

/** An argument of an operator, or one of its results. */
export interface Argument {
  readonly name: string
  readonly type: Type
  /** Fixed list length: the 2 in `int[2] stride`, which lets a single int stand for the list. */
  readonly size?: number
  /** Absent when the argument has no default. */
  readonly defaultValue?: IValue
  readonly kwargOnly: boolean
  readonly isOut: boolean
  readonly alias?: AliasInfo
}

/** An operator's signature, as c10::FunctionSchema. */
export interface FunctionSchema {
  /** With namespace: `aten::conv2d`. For methods the qualified name. */
  readonly name: string
  /** Empty when there is none. */
  readonly overload: string
  readonly arguments: readonly Argument[]
  readonly returns: readonly Argument[]
  readonly isVararg: boolean
  readonly isVarret: boolean
}

/** `aten::add.Tensor`: how an operator overload is called in facts and errors. */
export function schemaName(schema: FunctionSchema): string {
  return schema.overload === '' ? schema.name : `${schema.name}.${schema.overload}`
}
