import type { Node } from './graph.ts'
import { operatorsNamed } from './ops/index.ts'
import type { FunctionSchema } from './schema.ts'
import { isSubtype, sameType, type Type } from './types.ts'
import { hasFreeVariables, type TypeEnv } from './unify.ts'

/**
 * `actual <: formal` where `formal` may hold type variables, which are bound in `environment` on first sight
 * (matchTypeVariables in aten/src/ATen/core/type.cpp). A variable seen again must stand for the same type,
 * or a supertype of the new one.
 */
export function matchType(formal: Type, actual: Type, environment: TypeEnv): boolean {
  switch (formal.kind) {
    case 'VarType': {
      const bound = environment.get(formal.name)
      if (bound === undefined) {
        environment.set(formal.name, actual)
        return true
      }
      return isSubtype(actual, bound)
    }
    case 'ListType':
      if (actual.kind === 'ListType' && hasFreeVariables(formal.element)) return matchInvariant(formal.element, actual.element, environment)
      return isSubtype(actual, formal)
    case 'DictType':
      if (actual.kind === 'DictType' && hasFreeVariables(formal)) {
        return matchInvariant(formal.key, actual.key, environment) && matchInvariant(formal.value, actual.value, environment)
      }
      return isSubtype(actual, formal)
    case 'FutureType': case 'RRefType': case 'AwaitType':
      if (actual.kind === formal.kind && hasFreeVariables(formal.element)) return matchInvariant(formal.element, actual.element, environment)
      return isSubtype(actual, formal)
    case 'OptionalType':
      if (!hasFreeVariables(formal)) return isSubtype(actual, formal)
      if (actual.kind === 'NoneType') return true
      return matchType(formal.element, actual.kind === 'OptionalType' ? actual.element : actual, environment)
    case 'TupleType':
      if (!hasFreeVariables(formal)) return isSubtype(actual, formal)
      return actual.kind === 'TupleType' && actual.elements.length === formal.elements.length
        && formal.elements.every((element, i) => matchType(element, actual.elements[i]!, environment))
    default:
      return isSubtype(actual, formal)
  }
}

function matchInvariant(formal: Type, actual: Type, environment: TypeEnv): boolean {
  return matchType(formal, actual, environment) && sameType(substitute(formal, environment), actual)
}

/** `type` with its variables replaced; unbound ones stay. */
function substitute(type: Type, environment: TypeEnv): Type {
  if (!hasFreeVariables(type)) return type
  switch (type.kind) {
    case 'VarType': return environment.get(type.name) ?? type
    case 'OptionalType': {
      const element = substitute(type.element, environment)
      return element.kind === 'OptionalType' || element.kind === 'NoneType' ? element : { kind: 'OptionalType', element }
    }
    case 'ListType': case 'FutureType': case 'RRefType': case 'AwaitType':
      return { kind: type.kind, element: substitute(type.element, environment) }
    case 'DictType':
      return { kind: 'DictType', key: substitute(type.key, environment), value: substitute(type.value, environment) }
    case 'TupleType': case 'UnionType':
      return { ...type, elements: type.elements.map((element) => substitute(element, environment)) }
    default: return type
  }
}

/**
 * The first reason why `actuals` do not fit `schema` exactly (arity and static types, no conversions, no defaults),
 * or undefined when they do; as torch::jit::Node::matches.
 */
export function mismatch(schema: FunctionSchema, actuals: readonly Type[]): string | undefined {
  const formals = schema.arguments
  if (actuals.length < formals.length) return `${actuals.length} inputs for ${formals.length} arguments`
  if (actuals.length > formals.length && !schema.isVararg) return `${actuals.length} inputs for ${formals.length} arguments`
  const environment: TypeEnv = new Map()
  const bad = formals.findIndex((formal, i) => !matchType(formal.type, actuals[i]!, environment))
  return bad < 0 ? undefined : `argument ${bad} (${formals[bad]!.name})`
}

/** The operator that `kind` means for these input types: the first in registration order whose schema fits, as in PyTorch. */
export function resolveSchema(kind: string, actuals: readonly Type[]): FunctionSchema | undefined {
  return operatorsNamed(kind).find(({ schema }) => mismatch(schema, actuals) === undefined)?.schema
}

/** The schema of a node that has one or should have one: the resolved one, else the one that its inputs select. */
export function schemaOf(node: Node): FunctionSchema | undefined {
  return node.schema ?? resolveSchema(node.kind, node.inputs.map((value) => value.type))
}
