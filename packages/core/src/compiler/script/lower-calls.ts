import type { PetalError } from '../errors.ts'
import type { ScriptFunction } from '../ir/class-type.ts'
import type { Value } from '../ir/graph.ts'
import { intValue } from '../ir/ivalue.ts'
import { BoolType, isSubtype, sameType, typeString, type Type } from '../ir/types.ts'
import { lowerAttribute } from './lower-attributes.ts'
import { emitOperator, emitOperatorOn } from './lower-operators.ts'
import type { Lowering } from './lowering.ts'
import { matchFunctionSchema, type NamedValue } from './schema-matching.ts'
import { sourceError } from './source.ts'
import { simple, type Sugared } from './sugared.ts'

/** Calls what `callee` stands for with values; as the `call` methods of torch/csrc/jit/frontend/sugared_value.cpp. */
export function lowerCall(
  lowering: Lowering, callee: Sugared, args: readonly NamedValue[], keywords: readonly NamedValue[], line: number,
): Sugared {
  switch (callee.kind) {
    case 'operator': {
      const output = emitOperator(lowering, callee.symbol, args, keywords, line, callee.self)
      if (output.node.kind !== 'prim::TupleConstruct' || output.node.inputs.length > 0) return simple(output)
      // An operator without results, `append` for one, gives `()`, which is never read.
      output.node.destroy()
      return { kind: 'nothing' }
    }
    case 'cast': return simple(cast(lowering, callee, args, keywords, line))
    case 'function': return simple(callFunction(lowering, callee.callee, args, keywords, line))
    case 'method': return simple(callMethod(lowering, callee.self, callee.name, args, keywords, line))
    case 'namedTuple': {
      const { inputs } = lowering.located(line, () =>
        matchFunctionSchema(lowering.resolver.namedTupleSchema(callee.type), lowering.graph, args, keywords, lowering.range(line)))
      return simple(lowering.insert('prim::TupleConstruct', inputs, callee.type, line))
    }
    case 'class': {
      const object = lowering.insert('prim::CreateObject', [], callee.type, line)
      callMethod(lowering, object, '__init__', args, keywords, line)
      return simple(object)
    }
    case 'value':
      if (callee.value.type.kind === 'ClassType') {
        return lowerCall(lowering, lowerAttribute(lowering, callee, '__call__', line), args, keywords, line)
      }
      return lowering.fail(line, `a ${typeString(callee.value.type)} cannot be called`)
    default: return lowering.fail(line, `a ${callee.kind} cannot be called`)
  }
}

/** `int(x)` and its like: nothing for what is of the type already, the length of containers for `bool`, else the operator. */
function cast(
  lowering: Lowering, callee: Sugared & { kind: 'cast' }, args: readonly NamedValue[], keywords: readonly NamedValue[], line: number,
): Value {
  const value = args.length === 1 && keywords.length === 0 ? args[0]!.value : undefined
  if (value?.type.kind === 'ClassType') return callMethod(lowering, value, callee.method, [], [], line)
  if (value !== undefined && isSubtype(value.type, callee.to)) return value
  if (value !== undefined && sameType(callee.to, BoolType) && HAS_LENGTH.has(value.type.kind)) {
    const length = emitOperatorOn(lowering, 'aten::len', [value], line)
    return emitOperatorOn(lowering, 'aten::gt', [length, lowering.constant(intValue(0))], line)
  }
  return emitOperator(lowering, callee.symbol, args, keywords, line)
}

const HAS_LENGTH: ReadonlySet<Type['kind']> = new Set(['ListType', 'StringType', 'DictType'])

function callFunction(
  lowering: Lowering, callee: ScriptFunction, args: readonly NamedValue[], keywords: readonly NamedValue[], line: number,
): Value {
  const { schema } = callee
  const { inputs, returnTypes } = lowering.located(line, () =>
    matchFunctionSchema(schema, lowering.graph, args, keywords, lowering.range(line)))
  const name = lowering.graph.create('prim::Constant').setString('name', callee.name.slice(callee.name.lastIndexOf('.') + 1))
  const constant = lowering.graph.insert(name).addOutput({ kind: 'FunctionType', name: callee.name })
  return lowering.insert('prim::CallFunction', [constant, ...inputs], returnTypes[0]!, line)
}

function callMethod(
  lowering: Lowering, self: Value, name: string, args: readonly NamedValue[], keywords: readonly NamedValue[], line: number,
): Value {
  const { type } = self
  const schema = type.kind === 'InterfaceType' ? lowering.resolver.interfaceMethod(type, name)
    : type.kind === 'ClassType' ? type.methods.get(name)?.schema : undefined
  if (schema === undefined) {
    if (type.kind === 'ClassType' && type.torchbind) throw opaqueMethod(lowering, type.name, name, line)
    lowering.fail(line, `${typeString(type)} has no method ${name}`)
  }
  const { inputs, returnTypes } = lowering.located(line, () =>
    matchFunctionSchema(schema, lowering.graph, [{ value: self }, ...args], keywords, lowering.range(line)))
  const output = lowering.insert('prim::CallMethod', inputs, returnTypes[0]!, line)
  output.node.setString('name', name)
  return output
}

function opaqueMethod(lowering: Lowering, type: string, name: string, line: number): PetalError {
  const message = `The model calls ${name} of ${type}, a class written in C++ whose methods are not known here.`
  return sourceError(lowering.source, line, 'UNSUPPORTED_CUSTOM_CLASS', message, {
    cause: 'Custom classes are part of a native library, not of the file.',
    fix: 'Write this part of the model with operators of PyTorch.',
  })
}
