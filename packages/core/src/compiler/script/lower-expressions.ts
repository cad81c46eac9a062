import type { Value } from '../ir/graph.ts'
import { boolValue, intValue, stringValue } from '../ir/ivalue.ts'
import { annotationString, isSubtype, NoneType, sameType, type Type } from '../ir/types.ts'
import type { CallExpr, Expr } from './ast.ts'
import { GLOBALS } from './globals.ts'
import { lowerAttribute } from './lower-attributes.ts'
import { lowerCall } from './lower-calls.ts'
import { lowerIsInstance, toBool } from './lower-conditions.ts'
import { lowerDict, lowerList, lowerNumber, lowerTuple } from './lower-literals.ts'
import { emitOperatorOn } from './lower-operators.ts'
import { lowerSubscript } from './lower-subscripts.ts'
import { lowerArguments, lowerValue } from './lower-values.ts'
import type { Lowering } from './lowering.ts'
import { tryConvertToType } from './schema-matching.ts'
import { syntaxError } from './source.ts'
import { simple, type SpecialForm, type Sugared } from './sugared.ts'

/** Lowers any expression (`emitSugaredExpr` in ir_emitter.cpp). `hint` is the type that is wanted, which the result may ignore. */
export function lowerExpression(lowering: Lowering, expr: Expr, hint?: Type): Sugared {
  const number = lowerNumber(lowering, expr)
  if (number !== undefined) return simple(number)
  switch (expr.kind) {
    case 'Name': return lowerName(lowering, expr.name, expr.line)
    case 'Attribute': return lowerAttribute(lowering, lowering.sugared(expr.value), expr.name, expr.line)
    case 'Call': return lowerApplication(lowering, expr, hint)
    case 'Subscript': return simple(lowerSubscript(lowering, expr, hint))
    case 'String': return simple(lowering.constant(stringValue(expr.value)))
    case 'Bool': return simple(lowering.constant(boolValue(expr.value)))
    case 'None': return simple(lowering.none())
    case 'List': return simple(lowerList(lowering, expr.elements.map((each) => lowerValue(lowering, each)), hint, expr.line))
    case 'Tuple': return simple(lowerTuple(lowering, expr.elements.map((each) => lowerValue(lowering, each)), expr.line))
    case 'Dict': {
      const pairs = expr.keys.map((key, i) => [lowerValue(lowering, key), lowerValue(lowering, expr.values[i]!)] as const)
      return simple(lowerDict(lowering, pairs.map(([key]) => key), pairs.map(([, value]) => value), hint, expr.line))
    }
    case 'Unary': {
      const operand = lowerValue(lowering, expr.operand)
      if (expr.operator === '-') return simple(emitOperatorOn(lowering, 'aten::neg', [operand], expr.line))
      return simple(emitOperatorOn(lowering, 'aten::__not__', [toBool(lowering, operand, expr.line)], expr.line))
    }
    default:
      throw syntaxError(lowering.source, expr.line, `'${expr.kind === 'Binary' ? expr.operator : expr.kind}' is only known between the parts of a complex number`)
  }
}

function lowerName(lowering: Lowering, name: string, line: number): Sugared {
  const variable = lowering.find(name)
  if (variable !== undefined) return lowering.read(variable)
  const global = GLOBALS.get(name)
  if (global === undefined) return lowering.fail(line, `nothing is known by the name '${name}' here`)
  return global
}

function lowerApplication(lowering: Lowering, call: CallExpr, hint: Type | undefined): Sugared {
  const callee = lowering.sugared(call.callee)
  switch (callee.kind) {
    case 'special': return FORMS[callee.form](lowering, call, hint)
    case 'tolist': return simple(toList(lowering, callee.self, hint, call.line))
    case 'new': return simple(newObject(lowering, callee, call))
    default: {
      const { args, keywords } = lowerArguments(lowering, call.args, call.keywords)
      return lowerCall(lowering, callee, args, keywords, call.line)
    }
  }
}

/** Checks that a form has exactly `count` arguments. */
function argumentsOf(lowering: Lowering, call: CallExpr, count: number): readonly Expr[] {
  if (call.args.length !== count || call.keywords.length > 0) {
    lowering.fail(call.line, `expected ${count} arguments and found ${call.args.length + call.keywords.length}`)
  }
  return call.args
}

/** What looks like a call and is not: `emitApplySpecialForm` in ir_emitter.cpp. */
const FORMS: Readonly<Record<SpecialForm, (lowering: Lowering, call: CallExpr, hint: Type | undefined) => Sugared>> = {
  annotate: (lowering, call) => {
    const [typeExpr, expr] = argumentsOf(lowering, call, 2)
    return simple(annotated(lowering, lowering.typeOf(typeExpr!), expr!, call.line))
  },
  unchecked_cast: (lowering, call) => {
    const [typeExpr, expr] = argumentsOf(lowering, call, 2)
    const type = lowering.typeOf(typeExpr!)
    const value = lowerValue(lowering, expr!)
    // A cast right inside of a cast says nothing new. One of a variable stays, as in PyTorch.
    if (expr!.kind === 'Call' && value.node.kind === 'prim::unchecked_cast' && sameType(value.type, type)) return simple(value)
    return simple(lowering.insert('prim::unchecked_cast', [value], type, call.line))
  },
  uninitialized: (lowering, call) => {
    const [typeExpr] = argumentsOf(lowering, call, 1)
    return simple(lowering.insert('prim::Uninitialized', [], lowering.typeOf(typeExpr!), call.line))
  },
  getattr: (lowering, call) => {
    const [object, name] = argumentsOf(lowering, call, 2)
    if (name!.kind !== 'String') return lowering.fail(call.line, 'the name of an attribute is a string literal')
    return lowerAttribute(lowering, lowering.sugared(object!), name!.value, call.line)
  },
  isinstance: (lowering, call) => simple(lowerIsInstance(lowering, call).value),
  print: (lowering, call) => {
    const { args } = lowerArguments(lowering, call.args, [])
    lowering.statement('prim::Print', args.map(({ value }) => value), call.line)
    return { kind: 'nothing' }
  },
  range: (lowering, call) => ({ kind: 'range', bounds: call.args.map((arg) => lowerValue(lowering, arg)) }),
  fork: (lowering, call) => {
    const [task] = argumentsOf(lowering, call, 1)
    const closure = lowering.sugared(task!)
    if (closure.kind !== 'closure') return lowering.fail(call.line, 'a task is a function inside of this function')
    const { graph, captured } = lowering.closure(closure.definition)
    const future = lowering.insert('prim::fork', captured, { kind: 'FutureType', element: graph.outputs[0]!.type }, call.line)
    future.node.attributes.set('Subgraph', { kind: 'g', value: graph })
    return simple(future)
  },
}

/** `annotate(T, value)`: converts where TorchScript converts by itself; a None keeps the type it was annotated with. */
function annotated(lowering: Lowering, type: Type, expr: Expr, line: number): Value {
  const given = lowerValue(lowering, expr, type)
  const value = lowering.located(line, () => tryConvertToType(lowering.graph, type, given, lowering.range(line)))
  if (!isSubtype(value.type, type)) {
    lowering.fail(line, `a ${annotationString(value.type)} is annotated as ${annotationString(type)}`)
  }
  const mayBeNone = type.kind === 'OptionalType' || (type.kind === 'UnionType' && isSubtype(NoneType, type))
  return mayBeNone && value.type.kind === 'NoneType' ? lowering.none(type) : value
}

/** Codes of the element types of `tolist` (`Graph::insertToList` in torch/csrc/jit/ir/ir.cpp). */
const LIST_ELEMENTS: Partial<Record<Type['kind'], number>> = { IntType: 0, FloatType: 1, BoolType: 2, ComplexType: 3 }

function toList(lowering: Lowering, tensor: Value, type: Type | undefined, line: number): Value {
  if (type === undefined) return lowering.fail(line, 'the type of tolist() is not annotated')
  let element = type
  let dimensions = 0
  for (; element.kind === 'ListType'; element = element.element) dimensions++
  const code = LIST_ELEMENTS[element.kind]
  if (code === undefined) return lowering.fail(line, `tolist() gives no ${annotationString(type)}`)
  const details = [lowering.constant(intValue(dimensions)), lowering.constant(intValue(code))]
  return lowering.insertTyped('prim::tolist', '', [tensor, ...details], type, line)
}

/** `C.__new__(C)`. */
function newObject(lowering: Lowering, callee: Sugared & { kind: 'new' }, call: CallExpr): Value {
  const [argument] = argumentsOf(lowering, call, 1)
  const type = lowering.sugared(argument!)
  if (type.kind !== 'class') return lowering.fail(call.line, '__new__ takes a class')
  return lowering.insert('prim::CreateObject', [], callee.type, call.line)
}

