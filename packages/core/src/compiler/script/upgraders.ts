import type { Value } from '../ir/graph.ts'
import { boolValue, intValue, NONE, stringValue, type IValue } from '../ir/ivalue.ts'
import { parseSchema } from '../ir/schema-parser.ts'
import type { FunctionSchema } from '../ir/schema.ts'
import { BoolType, FloatType, IntType, NumberType, TensorType, type Type } from '../ir/types.ts'
import type { BuiltinContext, BuiltinFunction } from './builtin-functions.ts'

/** What an operator meant in archives older than `before`: its signature then, and the same in today's operators. */
export interface Upgrader extends BuiltinFunction {
  readonly before: number
}

type Body = BuiltinFunction['emit']

function constant({ graph }: BuiltinContext, value: IValue): Value {
  return graph.insertConstant(value)
}

/** `yes() if condition else no()`. */
function choose({ graph, range }: BuiltinContext, condition: Value, type: Type, yes: () => Value, no: () => Value): Value {
  const node = graph.insert(graph.create('prim::If', [condition]))
  node.range = range
  for (const branch of [yes, no]) {
    const block = node.addBlock()
    block.registerOutput(graph.withInsertPoint(block.returnNode, branch))
  }
  return node.addOutput(type)
}

/** Before version 4, dividing integers rounded towards zero. */
function integerDivision(suffix: '' | '_', operands: number, withOut: boolean): Body {
  return (context, args) => {
    const { call } = context
    const [self, other] = args
    const out = withOut ? [{ name: 'out', value: args.at(-1)! }] : []
    const exact = (): Value => call(`aten::div${suffix}`, [self!, other!], out)
    const truncated = (): Value => {
      const mode = { name: 'rounding_mode', value: constant(context, stringValue('trunc')) }
      return call(`aten::div${suffix}`, [self!, other!], [mode, ...out])
    }
    const isFloat = (value: Value): Value => numberIsFloat(context, value) ?? call('aten::is_floating_point', [value])
    const deciding = withOut ? args : args.slice(0, operands)
    let condition = isFloat(deciding[0]!)
    for (const value of deciding.slice(1)) {
      const earlier = condition
      condition = choose(context, earlier, BoolType, () => constant(context, boolValue(true)), () => isFloat(value))
    }
    return choose(context, condition, TensorType, exact, truncated)
  }
}

/** Whether a number is a float, where its type tells or, for a Scalar, by asking at run time; undefined for tensors. */
function numberIsFloat(context: BuiltinContext, value: Value): Value | undefined {
  if (value.type.kind === 'TensorType') return undefined
  if (value.type.kind !== 'NumberType') return constant(context, boolValue(value.type.kind === 'FloatType'))
  const { graph } = context
  const node = graph.create('prim::isinstance', [value])
  node.attributes.set('types', { kind: 'tys', value: [FloatType] })
  return graph.insert(node).addOutput(BoolType)
}

/** Operators that took the same arguments under the name `kind`, the keyword-only ones from `keywords` on. */
function renamed(kind: string, positional: number, keywords: readonly string[]): Body {
  return ({ call }, args) => call(kind, args.slice(0, positional), keywords.map((name, i) => ({ name, value: args[positional + i]! })))
}

const TENSOR_OPTIONS = ['dtype', 'layout', 'device', 'pin_memory'] as const
const STEPS = 2
/** The number of steps that `linspace` and `logspace` took when none was given. */
const DEFAULT_STEPS = 100

/** `linspace` and `logspace` without a number of steps made 100. */
function optionalSteps(kind: string, positional: number, keywords: readonly string[]): Body {
  const rest = renamed(kind, positional, keywords)
  return (context, args) => {
    const steps = args[STEPS]!
    const withSteps = (value: Value): Value => rest(context, args.map((arg, i) => (i === STEPS ? value : arg)))
    if (steps.type.kind === 'NoneType') return withSteps(constant(context, intValue(DEFAULT_STEPS)))
    if (steps.type.kind !== 'OptionalType') return withSteps(steps)
    const isNone = context.call('aten::__is__', [steps, constant(context, NONE)])
    return choose(context, isNone, TensorType,
      () => withSteps(constant(context, intValue(DEFAULT_STEPS))),
      () => withSteps(context.graph.insertOp('prim::unchecked_cast', [steps], IntType)))
  }
}

/** Before version 5, `full` made floats of whole numbers unless a dtype was given. */
const floatFull: Body = (context, args) => {
  const { call, graph } = context
  const [size, fill, dtype, ...rest] = args
  const asFloat = (): Value => (fill!.type.kind === 'FloatType' ? fill! : call('aten::Float', [fill!]))
  const make = (value: Value): Value =>
    call('aten::full', [size!, value], TENSOR_OPTIONS.map((name, i) => ({ name, value: [dtype, ...rest][i]! })))
  if (dtype!.type.kind === 'NoneType') return make(asFloat())
  if (dtype!.type.kind !== 'OptionalType') return make(fill!)
  const isNone = call('aten::__is__', [dtype!, graph.insertConstant(NONE)])
  return make(choose(context, isNone, NumberType, asFloat, () => fill!))
}

const exactGelu: Body = (context, args) => {
  const mode = { name: 'approximate', value: constant(context, stringValue('none')) }
  return context.call('aten::gelu', [args[0]!], args.length > 1 ? [mode, { name: 'out', value: args[1]! }] : [mode])
}

const OPTIONS = 'ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None'

/** Facts of torch/csrc/jit/operator_upgraders/version_map.cpp and upgraders_entry.cpp. Each operator changed once. */
const UPGRADERS: readonly [before: number, signature: string, body: Body][] = [
  [4, 'aten::div.Tensor(Tensor self, Tensor other) -> Tensor', integerDivision('', 2, false)],
  [4, 'aten::div.Scalar(Tensor self, Scalar other) -> Tensor', integerDivision('', 2, false)],
  [4, 'aten::div.out(Tensor self, Tensor other, *, Tensor(a!) out) -> Tensor(a!)', integerDivision('', 2, true)],
  [4, 'aten::div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)', integerDivision('_', 2, false)],
  [4, 'aten::div_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)', integerDivision('_', 2, false)],
  [5, `aten::full(int[] size, Scalar fill_value, *, ${OPTIONS}) -> Tensor`, floatFull],
  [8, `aten::linspace(Scalar start, Scalar end, int? steps=None, *, ${OPTIONS}) -> Tensor`, optionalSteps('aten::linspace', 3, TENSOR_OPTIONS)],
  [8, 'aten::linspace.out(Scalar start, Scalar end, int? steps=None, *, Tensor(a!) out) -> Tensor(a!)',
    optionalSteps('aten::linspace', 3, ['out'])],
  [9, `aten::logspace(Scalar start, Scalar end, int? steps=None, float base=10.0, *, ${OPTIONS}) -> Tensor`,
    optionalSteps('aten::logspace', 4, TENSOR_OPTIONS)],
  [9, 'aten::logspace.out(Scalar start, Scalar end, int? steps=None, float base=10.0, *, Tensor(a!) out) -> Tensor(a!)',
    optionalSteps('aten::logspace', 4, ['out'])],
  [10, 'aten::gelu(Tensor self) -> Tensor', exactGelu],
  [10, 'aten::gelu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)', exactGelu],
]

const NO_UPGRADERS: readonly Upgrader[] = []
let byName: Map<string, Upgrader[]> | undefined

/**
 * The overloads of an operator that meant something else in an archive of format version `version`;
 * none when the version is not given. Overloads whose old form is today's (`div` with a rounding mode) are not listed.
 */
export function upgradersFor(name: string, version: number | undefined): readonly Upgrader[] {
  if (version === undefined) return NO_UPGRADERS
  if (byName === undefined) {
    byName = new Map()
    for (const [before, signature, emit] of UPGRADERS) {
      const schema: FunctionSchema = parseSchema(signature)
      byName.set(schema.name, [...byName.get(schema.name) ?? [], { before, schema, emit }])
    }
  }
  return (byName.get(name) ?? NO_UPGRADERS).filter(({ before }) => version < before)
}
