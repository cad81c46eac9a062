import type { Input, RunResult } from './model.ts'
import type { ImageInput, ImageSource } from './pictures.ts'
import type { TensorData, TensorLike } from './tensor-value.ts'

/** Numbers, or arrays of them as deep as the tensor has dims. */
export type NestedInput = number | bigint | boolean | readonly NestedInput[]

/** What can be passed where a model takes a tensor. */
export type TensorInput = TensorLike | TensorData | NestedInput | ImageSource | readonly ImageSource[] | ImageInput

/** The types of a method: inputs by position and by name, and what comes out by name. Declarations that the plugin writes are made of it. */
export interface Method<Positional extends readonly unknown[], Named extends object, Outputs extends object> {
  readonly positional: Positional
  readonly named: Named
  readonly outputs: Outputs
}

/** The types of a model's methods, by name. */
export interface MethodTypes {
  readonly forward: Method<any, any, object>
}

/** Inputs by name; undefined leaves one out that has a default. */
type Named = Readonly<Record<string, Input | undefined>>

type AnyMethod = Method<readonly (Input | undefined | Named)[], Named, RunResult>

/** Of a model of which nothing is known. */
export interface AnyMethods {
  readonly forward: AnyMethod
  readonly [method: string]: AnyMethod
}

/** The methods that can be named in a call. */
export type MethodName<Methods> = string & keyof Methods

/** What `call` takes: inputs in an array by position, or in an object by name. */
export type CallInputs<M> = M extends Method<infer Positional, infer Named, object> ? Readonly<Positional> | Named : never

/** What a method gives. */
export type Outputs<M> = M extends { readonly outputs: infer Given } ? Given : any
