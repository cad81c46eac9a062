import type { SourceRange, Value } from '../ir/graph.ts'
import { ivalueType } from '../ir/ivalue.ts'
import type { Argument, FunctionSchema } from '../ir/schema.ts'
import { annotationString, isSubtype, sameType, type Type } from '../ir/types.ts'
import { evalTypeVariables, matchTypeVariables, type TypeEnv } from '../ir/unify.ts'
import { convertibleToList, planConversion, planList, planValue, unwrapOptional, type ConversionContext, type Plan } from './type-conversion.ts'

/** An argument of a call: a value, and its keyword when it has one. */
export interface NamedValue {
  readonly name?: string
  readonly value: Value
  readonly range?: SourceRange
}

/** Why a schema does not fit; put into words only for an error, as most attempts of a successful call fail. */
export interface Mismatch {
  readonly why: () => string
}

/** Either the inputs' plans and the return types, or why the schema does not fit. */
export type Attempt = { readonly inputs: readonly Plan[]; readonly returnTypes: readonly Type[] } | Mismatch

/** tryMatchSchema in torch/csrc/jit/frontend/schema_matching.cpp; nothing is put into the graph. */
export function tryMatch(
  schema: FunctionSchema, context: ConversionContext, args: readonly NamedValue[], kwargs: readonly NamedValue[], self: NamedValue | undefined,
): Attempt {
  const env: TypeEnv = new Map()
  const inputs: Plan[] = []
  const usedKwargs = new Set<NamedValue>()
  const isAten = schema.name.startsWith('aten::')
  let receiver = self
  let used = 0
  for (const [position, argument] of schema.arguments.entries()) {
    let actual: Plan
    if (argument.name === 'self' && receiver !== undefined) {
      actual = planValue(receiver.value)
      receiver = undefined
    } else if (!argument.kwargOnly && used < args.length) {
      const value = args[used]!.value
      if (context.allowConversions && takesRemaining(schema, position) && value.type.kind !== 'ListType'
        && !convertibleToList(value.type, unwrapOptional(argument.type))) {
        const list = tryCreateList(argument, context, args.slice(used), env)
        if ('why' in list) return list
        inputs.push(list)
        used = args.length
        continue
      }
      actual = planValue(value)
      used++
    } else {
      const keyword = kwargs.find(({ name }) => name === argument.name || (isAten && argument.name === 'self' && name === 'input'))
      if (keyword !== undefined) {
        if (usedKwargs.has(keyword)) return { why: () => `'${keyword.name}' is given twice` }
        usedKwargs.add(keyword)
        actual = planValue(keyword.value)
      } else if (argument.defaultValue !== undefined) {
        const value = argument.defaultValue
        actual = { type: ivalueType(value), emit: () => context.graph.insertConstant(value) }
      } else return { why: () => `'${argument.name}' is missing` }
    }
    const matched = tryMatchArgument(argument, context, actual, env)
    if ('why' in matched) return matched
    inputs.push(matched)
  }
  if (receiver !== undefined) return { why: () => 'it takes no self' }
  if (schema.isVararg) for (; used < args.length; used++) inputs.push(planValue(args[used]!.value))
  if (used < args.length) return { why: () => `it takes at most ${used} positional arguments, not ${args.length}` }
  const unknown = kwargs.find((keyword) => !usedKwargs.has(keyword))
  if (unknown !== undefined) {
    const known = schema.arguments.some(({ name }) => name === unknown.name)
    return { why: () => (known ? `'${unknown.name}' is given twice` : `it has no argument '${unknown.name}'`) }
  }
  const returnTypes: Type[] = []
  for (const each of schema.returns) {
    const type = evalTypeVariables(each.type, env)
    if (type === undefined) return { why: () => `what ${annotationString(each.type)} stands for cannot be told` }
    returnTypes.push(type)
  }
  return { inputs, returnTypes }
}

function tryMatchArgument(argument: Argument, context: ConversionContext, actual: Plan, env: TypeEnv): Plan | Mismatch {
  let plan = actual
  const list = unwrapOptional(argument.type)
  if ((plan.type.kind === 'IntType' || plan.type.kind === 'FloatType') && list.kind === 'ListType' && argument.size
    && sameType(list.element, plan.type)) {
    plan = planList(context, actual.type, Array.from({ length: argument.size }, () => actual))
  }
  const mismatch = (): Mismatch => ({
    why: () => `'${argument.name}' is a ${annotationString(argument.type)}, not a ${annotationString(plan.type)}`,
  })
  if (!matchTypeVariables(argument.type, plan.type, env)) return mismatch()
  const concrete = evalTypeVariables(argument.type, env)
  if (concrete === undefined) return mismatch()
  plan = planConversion(context, concrete, plan)
  return isSubtype(plan.type, concrete) ? plan : mismatch()
}

/** True when all further positional arguments may be gathered into this one: `zeros(1, 2)` for `zeros(int[] size)`. */
function takesRemaining(schema: FunctionSchema, position: number): boolean {
  const { type, size } = schema.arguments[position]!
  const next = schema.arguments[position + 1]
  return (next === undefined || next.kwargOnly) && type.kind === 'ListType' && !size && type.element.kind !== 'VarType'
}

function tryCreateList(argument: Argument, context: ConversionContext, args: readonly NamedValue[], env: TypeEnv): Plan | Mismatch {
  const list = argument.type as Type & { kind: 'ListType' }
  const element: Argument = { name: argument.name, type: list.element, kwargOnly: false, isOut: false }
  const elements: Plan[] = []
  for (const { value } of args) {
    const matched = tryMatchArgument(element, context, planValue(value), env)
    if ('why' in matched) return matched
    elements.push(matched)
  }
  return planList(context, list.element, elements)
}
