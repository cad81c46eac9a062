import { isSubtype, optionalOf, type Type } from './types.ts'

/** What the type variables of a schema stand for in one call. */
export type TypeEnv = Map<string, Type>

/**
 * The type that values of both types have, as at the end of an `if` or in a list literal; undefined when there is none.
 * `hint` is a type both may be taken as (unifyTypesImpl in aten/src/ATen/core/type.cpp).
 */
export function unifyTypes(a: Type, b: Type, options: { defaultToUnion?: boolean; hint?: Type } = {}): Type | undefined {
  return unify(a, b, options.defaultToUnion ?? false, options.hint) ?? (options.defaultToUnion ? { kind: 'UnionType', elements: [a, b] } : undefined)
}

function unify(a: Type, b: Type, defaultToUnion: boolean, hint: Type | undefined): Type | undefined {
  if (isSubtype(a, b)) return b
  if (isSubtype(b, a)) return a
  if (a.kind === 'NoneType') return optionalOf(b)
  if (b.kind === 'NoneType') return optionalOf(a)
  if (a.kind === 'OptionalType' || b.kind === 'OptionalType') {
    const [optional, other] = a.kind === 'OptionalType' ? [a, b] : [b as Type & { kind: 'OptionalType' }, a]
    const element = unifyTypes(optional.element, other)
    if (element !== undefined) return optionalOf(element)
  }
  if (a.kind === 'TupleType' && b.kind === 'TupleType') {
    if (a.elements.length !== b.elements.length) return undefined
    const elements: Type[] = []
    for (const [i, element] of a.elements.entries()) {
      const unified = unifyTypes(element, b.elements[i]!, { defaultToUnion })
      if (unified === undefined) return undefined
      elements.push(unified)
    }
    return { kind: 'TupleType', elements }
  }
  if (a.kind === 'FutureType' && b.kind === 'FutureType') {
    const element = unifyTypes(a.element, b.element)
    if (element !== undefined) return { kind: 'FutureType', element }
  }
  return hint !== undefined && isSubtype(a, hint) && isSubtype(b, hint) ? hint : undefined
}

/** {@link unifyTypes} over a list; undefined for an empty one. */
export function unifyTypeList(types: readonly Type[], options: { defaultToUnion?: boolean; hint?: Type } = {}): Type | undefined {
  let unified = types[0]
  for (const type of types.slice(1)) {
    if (unified === undefined) return undefined
    unified = unifyTypes(unified, type, options)
  }
  return unified
}

/** True for a type that type variables occur in. */
export function hasFreeVariables(type: Type): boolean {
  switch (type.kind) {
    case 'VarType': return true
    case 'OptionalType': case 'ListType': case 'FutureType': case 'RRefType': case 'AwaitType': return hasFreeVariables(type.element)
    case 'DictType': return hasFreeVariables(type.key) || hasFreeVariables(type.value)
    case 'TupleType': case 'UnionType': return type.elements.some(hasFreeVariables)
    default: return false
  }
}

/**
 * Binds the type variables of `formal` to what they are in `actual`. Success does not mean that `actual` is a subtype:
 * the caller still checks that (matchTypeVariables in aten/src/ATen/core/type.cpp).
 */
export function matchTypeVariables(formal: Type, actual: Type, env: TypeEnv): boolean {
  if (!hasFreeVariables(formal)) return true
  switch (formal.kind) {
    case 'VarType': {
      const bound = env.get(formal.name)
      if (bound !== undefined) return unifyTypes(bound, actual) !== undefined
      env.set(formal.name, actual)
      return true
    }
    case 'ListType': {
      if (actual.kind === 'ListType') return matchTypeVariables(formal.element, actual.element, env)
      const element = actual.kind === 'TupleType' ? unifyTypeList(actual.elements) : undefined
      return element !== undefined && matchTypeVariables(formal.element, element, env)
    }
    case 'TupleType':
      return actual.kind === 'TupleType' && actual.elements.length === formal.elements.length
        && formal.elements.every((element, i) => matchTypeVariables(element, actual.elements[i]!, env))
    case 'FutureType': case 'RRefType': case 'AwaitType':
      return actual.kind === formal.kind && matchTypeVariables(formal.element, actual.element, env)
    case 'OptionalType':
      if (actual.kind === 'OptionalType') return matchTypeVariables(formal.element, actual.element, env)
      return actual.kind === 'NoneType' || matchTypeVariables(formal.element, actual, env)
    case 'DictType':
      return actual.kind === 'DictType' && matchTypeVariables(formal.key, actual.key, env) && matchTypeVariables(formal.value, actual.value, env)
    default: return false
  }
}

/** `type` with its variables replaced; undefined when one is unbound. */
export function evalTypeVariables(type: Type, env: TypeEnv): Type | undefined {
  if (!hasFreeVariables(type)) return type
  const inner = (t: Type): Type | undefined => evalTypeVariables(t, env)
  switch (type.kind) {
    case 'VarType': return env.get(type.name)
    case 'ListType': case 'FutureType': case 'RRefType': case 'AwaitType': {
      const element = inner(type.element)
      return element && { kind: type.kind, element }
    }
    case 'OptionalType': {
      const element = inner(type.element)
      return element && optionalOf(element)
    }
    case 'DictType': {
      const key = inner(type.key)
      const value = inner(type.value)
      return key && value && { kind: 'DictType', key, value }
    }
    case 'TupleType': case 'UnionType': {
      const elements: Type[] = []
      for (const element of type.elements) {
        const evaluated = inner(element)
        if (evaluated === undefined) return undefined
        elements.push(evaluated)
      }
      return { ...type, elements }
    }
    default: return type
  }
}
