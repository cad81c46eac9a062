import type { Value } from '../ir/graph.ts'
import { StringType, typeString } from '../ir/types.ts'
import { DEVICE_PROPERTIES, TENSOR_PROPERTIES } from './globals.ts'
import { emitOperatorOn } from './lower-operators.ts'
import { tupleElement } from './lower-values.ts'
import type { Lowering } from './lowering.ts'
import { simple, type Sugared } from './sugared.ts'

/** What `base.name` means; as the `attr` methods of torch/csrc/jit/frontend/sugared_value.cpp and serialization/import_source.cpp. */
export function lowerAttribute(lowering: Lowering, base: Sugared, name: string, line: number): Sugared {
  switch (base.kind) {
    case 'value': return valueAttribute(lowering, base.value, name, line)
    case 'namespace':
      return base.namespace === 'aten' && name === 'autograd' ? base : { kind: 'operator', symbol: `${base.namespace}::${name}` }
    case 'ops': return { kind: 'namespace', namespace: name }
    case 'constants': return simple(tableConstant(lowering, name, line))
    case 'qualified': return qualified(lowering, `${base.name}.${name}`, line)
    case 'class': {
      const hook = lowering.resolver.hook(base.type, name)
      if (hook !== undefined) return { kind: 'function', callee: hook }
      if (name === '__new__') return { kind: 'new', type: base.type }
      return lowering.fail(line, `class ${base.type.name} has no attribute ${name}`)
    }
    case 'enum': {
      const member = lowering.resolver.enumMember(base.type, name)
      if (member === undefined) lowering.fail(line, `enum ${base.type.name} has no member ${name}`)
      return simple(lowering.constant(member, base.type, `${base.type.name}.${name}`))
    }
    default: return lowering.fail(line, `nothing is known by '.${name}' here`)
  }
}

/** Classes, tuples, enums and functions by their qualified name; anything else is a longer prefix of one. */
function qualified(lowering: Lowering, name: string, line: number): Sugared {
  const type = lowering.located(line, () => lowering.resolver.namedType(name))
  switch (type?.kind) {
    case 'ClassType': return { kind: 'class', type }
    case 'TupleType': return { kind: 'namedTuple', type }
    case 'EnumType': return { kind: 'enum', type }
  }
  const callee = lowering.resolver.functionNamed(name)
  return callee === undefined ? { kind: 'qualified', name } : { kind: 'function', callee }
}

/** `CONSTANTS.c12`. */
function tableConstant(lowering: Lowering, name: string, line: number): Value {
  const value = /^c\d{1,9}$/.test(name) ? lowering.resolver.constant(Number(name.slice(1))) : undefined
  if (value === undefined) return lowering.fail(line, `CONSTANTS.${name} is not in the model's constants`)
  return lowering.constant(value, undefined, name)
}

function valueAttribute(lowering: Lowering, value: Value, name: string, line: number): Sugared {
  const { type } = value
  switch (type.kind) {
    case 'TensorType': case 'DeviceObjType': {
      const properties = type.kind === 'TensorType' ? TENSOR_PROPERTIES : DEVICE_PROPERTIES
      if (Object.hasOwn(properties, name)) return simple(emitOperatorOn(lowering, `${properties[name]}::${name}`, [value], line))
      if (type.kind === 'TensorType' && name === 'tolist') return { kind: 'tolist', self: value }
      break
    }
    case 'TupleType': {
      const field = type.fields?.indexOf(name) ?? -1
      if (field >= 0) return simple(tupleElement(lowering, value, field, line))
      break
    }
    case 'ClassType': {
      if (type.torchbind || type.methods.has(name)) return { kind: 'method', self: value, name }
      const attribute = type.attributes.find((each) => each.name === name)
      if (attribute !== undefined) {
        const output = lowering.insert('prim::GetAttr', [value], attribute.type, line)
        output.node.setString('name', name)
        return simple(output)
      }
      const constant = type.constants.get(name)
      if (constant !== undefined) return simple(lowering.constant(constant, undefined, `${type.name}.${name}`))
      return lowering.fail(line, `${type.name} has no attribute or method ${name}`)
    }
    case 'InterfaceType':
      if (lowering.resolver.interfaceMethod(type, name) !== undefined) return { kind: 'method', self: value, name }
      return lowering.fail(line, `interface ${type.name} has no method ${name}`)
    case 'EnumType':
      if (name === 'name') return simple(lowering.insertTyped('prim::EnumName', '', [value], StringType, line))
      if (name === 'value') return simple(lowering.insertTyped('prim::EnumValue', typeString(type.value), [value], type.value, line))
      return lowering.fail(line, `enum ${typeString(type)} has no attribute ${name}`)
  }
  // `x.type(dtype)` converts; every other operator is a method of its first argument.
  return { kind: 'operator', symbol: name === 'type' ? 'aten::to' : `aten::${name}`, self: value }
}
