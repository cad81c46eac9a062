import { ivalueType, type IValue } from '../ir/ivalue.ts'
import { isSubtype, typeString, type Type } from '../ir/types.ts'
import type { Expr } from './ast.ts'
import { literalNumber } from './lower-literals.ts'
import type { Resolver } from './lowering.ts'

/**
 * The value of an expression that is written out: defaults of parameters, `Final` constants, members of enums.
 * Throws a plain Error for one that would have to be computed, or that is not a `type`.
 */
export function literalValue(expr: Expr, type: Type, resolver: Resolver): IValue {
  const value = convert(expr, type, resolver)
  if (!isSubtype(ivalueType(value), type)) throw new Error(`a default is a ${typeString(ivalueType(value))} and should be a ${typeString(type)}`)
  return value
}

function convert(expr: Expr, type: Type, resolver: Resolver): IValue {
  const wanted = type.kind === 'OptionalType' && expr.kind !== 'None' ? type.element : type
  const number = literalNumber(expr)
  if (number?.tag === 'Int' && BigInt.asIntN(64, number.value) !== number.value) {
    throw new Error(`the integer ${number.value} does not fit into 64 bits`)
  }
  if (number !== undefined) return number.tag === 'Int' && wanted.kind === 'FloatType' ? { tag: 'Double', value: Number(number.value) } : number
  switch (expr.kind) {
    case 'None': return { tag: 'None' }
    case 'Bool': return { tag: 'Bool', value: expr.value }
    case 'String': return { tag: 'String', value: expr.value }
    case 'List': return list(expr.elements, wanted, resolver)
    case 'Tuple': return wanted.kind === 'ListType' ? list(expr.elements, wanted, resolver) : tuple(expr.elements, wanted, resolver)
    case 'Dict': {
      const [key, value] = wanted.kind === 'DictType' ? [wanted.key, wanted.value] : [undefined, undefined]
      const entries = expr.keys.map((each, i) => [element(each, key, resolver), element(expr.values[i]!, value, resolver)] as const)
      const first = entries[0]
      if (first === undefined && key === undefined) throw new Error('a dict without entries has no type')
      return { tag: 'Dict', keyType: key ?? ivalueType(first![0]), valueType: value ?? ivalueType(first![1]), entries }
    }
    case 'Call': {
      const callee = expr.callee
      const [first, second] = expr.args
      if (callee.kind === 'Name' && callee.name === 'annotate' && first && second) return literalValue(second, resolver.typeOf(first), resolver)
      if (isTorch(callee, 'device') && first?.kind === 'String') return { tag: 'Device', value: first.value }
      const named = wanted.kind === 'TupleType' && wanted.name !== undefined ? wanted : undefined
      if (named) return tuple(expr.args, named, resolver)
      break
    }
    case 'Attribute': {
      const constant = /^c(\d{1,9})$/.exec(expr.name)
      if (expr.value.kind === 'Name' && expr.value.name === 'CONSTANTS' && constant) {
        const value = resolver.constant(Number(constant[1]))
        if (value !== undefined) return value
      }
      const member = wanted.kind === 'EnumType' ? resolver.enumMember(wanted, expr.name) : undefined
      if (member !== undefined) return member
    }
  }
  throw new Error('a default is not written out as a value')
}

function element(expr: Expr, type: Type | undefined, resolver: Resolver): IValue {
  return type === undefined ? convert(expr, { kind: 'AnyType' }, resolver) : literalValue(expr, type, resolver)
}

function list(elements: readonly Expr[], type: Type, resolver: Resolver): IValue {
  const declared = type.kind === 'ListType' ? type.element : undefined
  const values = elements.map((each) => element(each, declared, resolver))
  const first = values[0]
  if (first === undefined && declared === undefined) throw new Error('a list without elements has no type')
  return { tag: 'List', elementType: declared ?? ivalueType(first!), elements: values }
}

function tuple(elements: readonly Expr[], type: Type, resolver: Resolver): IValue {
  const declared = type.kind === 'TupleType' && type.elements.length === elements.length ? type : undefined
  const values = elements.map((each, i) => element(each, declared?.elements[i], resolver))
  return { tag: 'Tuple', type: declared ?? { kind: 'TupleType', elements: values.map(ivalueType) }, elements: values }
}

function isTorch(expr: Expr, name: string): boolean {
  return expr.kind === 'Attribute' && expr.name === name && expr.value.kind === 'Name' && expr.value.name === 'torch'
}
