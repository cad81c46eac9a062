import { PetalError } from '../errors.ts'
import type { Graph, SourceRange, Value } from '../ir/graph.ts'
import { resolveSchema } from '../ir/match-schema.ts'
import { canonicalOperatorName } from '../ir/ops/aliases.ts'
import { findSchema, nearestOperators, operatorsNamed } from '../ir/ops/index.ts'
import { argumentToString, schemaToString } from '../ir/schema-printer.ts'
import { schemaName, type FunctionSchema } from '../ir/schema.ts'
import { annotationString, type Type } from '../ir/types.ts'
import { builtinFunctions, type BuiltinFunction } from './builtin-functions.ts'
import { tryMatch, type NamedValue } from './match-arguments.ts'
import { planConversion, planValue, type ConversionContext } from './type-conversion.ts'
import { upgradersFor, type Upgrader } from './upgraders.ts'

export type { NamedValue } from './match-arguments.ts'

/** Arguments in the order of the schema, converted and completed with defaults, and the types that come back. */
export interface MatchedSchema {
  readonly inputs: readonly Value[]
  readonly returnTypes: readonly Type[]
}

/** How many overloads an error lists; the rest are counted. */
const LISTED_OVERLOADS = 6

/** Something a call may resolve to. */
interface Candidate {
  readonly schema: FunctionSchema
  readonly builtin?: BuiltinFunction
  readonly upgrader?: Upgrader
}

/**
 * Resolves a call of an operator as PyTorch does and puts it at the graph's insert point, with conversions and constants for
 * defaults before it. Gives the output; several are packed into a tuple (a NamedTuple when the schema names them), none into `()`.
 * 1.13's overloads are tried first, all of them, and then those that only PyTorch 2 has; a node of the latter kind is told by
 * `requiresNewerRuntime(node.schema)`. `version` is the archive's: operators whose meaning changed since then get the old one.
 * Throws `UNKNOWN_OPERATOR` for a name PyTorch never had and `NO_MATCHING_OPERATOR` when no overload takes the arguments.
 */
export function emitBuiltinCall(
  graph: Graph, kind: string, args: readonly NamedValue[], kwargs: readonly NamedValue[], range: SourceRange | undefined,
  self?: NamedValue, version?: number,
): Value {
  const call = (name: string, values: readonly Value[], named: readonly NamedValue[] = []): Value =>
    emitBuiltinCall(graph, name, values.map((value) => ({ value })), named, range)
  const groups = candidateGroups(kind, version)
  if (groups.every((group) => group.length === 0)) throw unknownOperator(kind, range)
  for (const candidates of groups) {
    for (const allowConversions of candidates.length === 1 ? [true] : [false, true]) {
      const context: ConversionContext = { graph, range, allowConversions, call }
      for (const candidate of candidates) {
        const attempt = tryMatch(candidate.schema, context, args, kwargs, self)
        if ('why' in attempt) continue
        const inputs = attempt.inputs.map((plan) => plan.emit())
        const expansion = candidate.builtin ?? candidate.upgrader
        if (expansion !== undefined) return expansion.emit({ graph, range, call }, inputs)
        return emitNode(graph, candidate.schema, inputs, attempt.returnTypes, range)
      }
    }
  }
  throw noMatch(kind, groups.flat(), { graph, range, allowConversions: true, call }, args, kwargs, self)
}

/** What a call of `kind` may mean: first what PyTorch 1.13 knows, then what only PyTorch 2 does. */
function candidateGroups(kind: string, version: number | undefined): Candidate[][] {
  const old: Candidate[] = []
  const upgraded: Candidate[] = []
  const later: Candidate[] = []
  const upgraders = upgradersFor(kind, version)
  for (const { schema, requires } of operatorsNamed(kind)) {
    if (isBlocked(schema)) continue
    const upgrader = requires === undefined ? upgraders.find((u) => u.schema.overload === schema.overload) : undefined
    if (upgrader !== undefined) upgraded.push({ schema: upgrader.schema, upgrader })
    else (requires === undefined ? old : later).push({ schema })
  }
  const builtins = builtinFunctions(kind).map((builtin) => ({ schema: builtin.schema, builtin }))
  return [[...old, ...upgraded, ...builtins], later]
}

/** `view(dtype)` cannot be told from `view(size)`, as both are ints here; PyTorch never takes it. */
function isBlocked(schema: FunctionSchema): boolean {
  return schema.name === 'aten::view' && schema.overload === 'dtype'
}

/**
 * Matches a call of a script function or method with its schema (the object is the first of `args`, as `self`).
 * Throws `NO_MATCHING_OPERATOR` when it does not fit.
 */
export function matchFunctionSchema(
  schema: FunctionSchema, graph: Graph, args: readonly NamedValue[], kwargs: readonly NamedValue[], range: SourceRange | undefined,
  self?: NamedValue,
): MatchedSchema {
  const context = conversionContext(graph, range)
  const attempt = tryMatch(schema, context, args, kwargs, self)
  if ('why' in attempt) throw noMatch(schema.name, [{ schema }], context, args, kwargs, self)
  return { inputs: attempt.inputs.map((plan) => plan.emit()), returnTypes: attempt.returnTypes }
}

/** Converts `value` towards `wanted`, putting the conversion at the insert point; the result's type tells whether it got there. */
export function tryConvertToType(graph: Graph, wanted: Type, value: Value, range: SourceRange | undefined, allowConversions = true): Value {
  return planConversion({ ...conversionContext(graph, range), allowConversions }, wanted, planValue(value)).emit()
}

function conversionContext(graph: Graph, range: SourceRange | undefined): ConversionContext {
  const call = (name: string, values: readonly Value[]): Value => emitBuiltinCall(graph, name, values.map((value) => ({ value })), [], range)
  return { graph, range, allowConversions: true, call }
}

/** The node, in the form that PyTorch's NormalizeOps leaves: one name an operator, `a.rsub(b)` as `b - a`, `is` of bools as `==`. */
function emitNode(
  graph: Graph, matched: FunctionSchema, matchedInputs: readonly Value[], returnTypes: readonly Type[], range: SourceRange | undefined,
): Value {
  const [schema, inputs] = resolved(matched, matchedInputs)
  const node = graph.insert(graph.create(schema.name, inputs, schema))
  node.range = range
  for (const type of returnTypes) node.addOutput(type)
  if (node.outputs.length === 1) return node.output
  const names = matched.returns.map((each) => each.name)
  const named = names.length > 0 && names.every((name) => name !== '')
  const packed = graph.insertOp('prim::TupleConstruct', node.outputs, {
    kind: 'TupleType', elements: returnTypes, ...(named ? { fields: names } : undefined),
  })
  packed.node.range = range
  return packed
}

const BOOL_COMPARISONS: Readonly<Record<string, string>> = { 'aten::__is__': 'aten::eq', 'aten::__isnot__': 'aten::ne' }

/** The packed weights of these hold the stride, padding, dilation and groups that the old form names again. */
const CONV_NEW = [0, 1, 6, 7]

/**
 * Operators that PyTorch's loader replaces by another form of their inputs: NormalizeOps, and rewriteQuantizedConvForBC in
 * torch/csrc/jit/serialization/import.cpp.
 */
const REWRITTEN: Readonly<Record<string, { to: [name: string, overload: string]; inputs: readonly number[] }>> = {
  'aten::rsub.Tensor': { to: ['aten::sub', 'Tensor'], inputs: [1, 0, 2] },
  'quantized::conv2d': { to: ['quantized::conv2d', 'new'], inputs: CONV_NEW },
  'quantized::conv2d_relu': { to: ['quantized::conv2d_relu', 'new'], inputs: CONV_NEW },
  'quantized::conv3d': { to: ['quantized::conv3d', 'new'], inputs: CONV_NEW },
  'quantized::conv3d_relu': { to: ['quantized::conv3d_relu', 'new'], inputs: CONV_NEW },
}

/**
 * The operator of a matched call. As in PyTorch the matched overload only tells the inputs; which overload runs is decided by
 * their types, and that may be an earlier one (`upsample_nearest1d.vec`).
 */
function resolved(matched: FunctionSchema, inputs: readonly Value[]): [FunctionSchema, readonly Value[]] {
  const types = inputs.map((value) => value.type)
  const comparison = types.every((type) => type.kind === 'BoolType') ? BOOL_COMPARISONS[matched.name] : undefined
  const schema = resolveSchema(comparison ?? canonicalOperatorName(matched.name), types) ?? resolveSchema(matched.name, types) ?? matched
  const rewrite = REWRITTEN[schemaName(schema)]
  return rewrite === undefined ? [schema, inputs] : [findSchema(...rewrite.to)!, rewrite.inputs.map((i) => inputs[i]!)]
}

function unknownOperator(kind: string, range: SourceRange | undefined): PetalError {
  const similar = nearestOperators(kind)
  return new PetalError({
    code: 'UNKNOWN_OPERATOR',
    message: `The model calls ${kind}, which no release of PyTorch has as an operator.`,
    cause: similar.length > 0
      ? `Similar operators are ${similar.join(', ')}.`
      : 'It is a custom operator of a library that was loaded when the model was saved, or the file is damaged.',
    fix: 'Write this part of the model with operators of PyTorch and save it again.',
    ...(range ? { location: { file: range.file, line: range.line } } : undefined),
  })
}

function noMatch(
  kind: string, candidates: readonly Candidate[], context: ConversionContext,
  args: readonly NamedValue[], kwargs: readonly NamedValue[], self: NamedValue | undefined,
): PetalError {
  const given = [
    ...(self ? [`self: ${annotationString(self.value.type)}`] : []),
    ...args.map(({ value }) => annotationString(value.type)),
    ...kwargs.map(({ name, value }) => `${name}=${annotationString(value.type)}`),
  ].join(', ')
  const reasons = candidates.slice(0, LISTED_OVERLOADS).map(({ schema }) => {
    const attempt = tryMatch(schema, context, args, kwargs, self)
    return `  ${shortSchema(schema)}: ${'why' in attempt ? attempt.why() : 'fits'}`
  })
  const more = candidates.length - reasons.length
  if (more > 0) reasons.push(`  and ${more} more`)
  return new PetalError({
    code: 'NO_MATCHING_OPERATOR',
    message: `No form of ${kind} takes (${given}):\n${reasons.join('\n')}`,
    cause: 'The file was saved by a release of PyTorch whose operators differ from all known here, or it is damaged.',
    fix: 'Save the model again with torch.jit.save of a released PyTorch.',
    ...(context.range ? { location: { file: context.range.file, line: context.range.line } } : undefined),
  })
}

function shortSchema(schema: FunctionSchema): string {
  const text = schemaToString(schema)
  return text.length <= 160 ? text : `${schemaName(schema)}(${schema.arguments.slice(0, 3).map(argumentToString).join(', ')}, …)`
}
