import type { ClassType, ScriptFunction } from '../ir/class-type.ts'
import type { Graph } from '../ir/graph.ts'
import type { Argument, FunctionSchema } from '../ir/schema.ts'
import { TensorType, type Type } from '../ir/types.ts'
import type { Signature } from './ast.ts'
import { literalValue } from './literal-values.ts'
import { lowerFunction } from './lower-function.ts'
import type { Resolver } from './lowering.ts'
import { parserOf } from './parser.ts'
import { invalidCode, located, type SourceFile } from './source.ts'
import type { FunctionPart } from './source-index.ts'

/** A function or method whose signature and body are read when they are first asked for. */
export function scriptFunction(name: string, part: FunctionPart, resolver: Resolver, self?: ClassType): ScriptFunction {
  let schema: FunctionSchema | undefined
  let graph: Graph | undefined
  return {
    name,
    get schema(): FunctionSchema {
      return schema ??= signatureSchema(name, part.source, parserOf(part.source, part.begin, part.end, part.line).signature(), resolver, self)
    },
    graph(): Graph {
      if (graph === undefined) {
        const definition = parserOf(part.source, part.begin, part.end, part.line).functionDef()
        schema ??= signatureSchema(name, part.source, definition, resolver, self)
        graph = lowerFunction(part.source, definition, schema, resolver)
      }
      return graph
    },
  }
}

/** The schema that a `def` declares. `self` is the type of the first parameter of a method, whatever is written there. */
export function signatureSchema(
  name: string, source: SourceFile, signature: Signature, resolver: Resolver, self?: Type,
): FunctionSchema {
  if (self !== undefined && signature.parameters.length === 0) throw invalidCode(source, signature.line, `${name} is a method without self`)
  const names = new Set<string>()
  for (const parameter of signature.parameters) {
    if (names.has(parameter.name)) throw invalidCode(source, signature.line, `${name} has two parameters ${parameter.name}`)
    names.add(parameter.name)
  }
  const args = signature.parameters.map((parameter, i): Argument => {
    const type = i === 0 && self !== undefined ? self
      : parameter.type === undefined ? TensorType : located(source, parameter.type.line, () => resolver.typeOf(parameter.type!))
    const defaultExpr = parameter.default
    return {
      name: parameter.name, type, kwargOnly: parameter.kwargOnly, isOut: false,
      ...(defaultExpr && { defaultValue: located(source, defaultExpr.line, () => literalValue(defaultExpr, type, resolver)) }),
    }
  })
  const { returns } = signature
  const returned = returns === undefined ? undefined : located(source, returns.line, () => resolver.typeOf(returns))
  return {
    name, overload: '', arguments: args, isVararg: false, isVarret: false,
    returns: [{ name: '', type: returned ?? TensorType, kwargOnly: false, isOut: false }],
  }
}
