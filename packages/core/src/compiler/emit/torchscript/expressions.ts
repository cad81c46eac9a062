import { toIValue, type Node } from '../../ir/graph.ts'
import { BoolType, isSubtype, tupleOf, type Type } from '../../ir/types.ts'
import { unifyTypeList } from '../../ir/unify.ts'
import { type Expression, type FunctionWriter } from './function-writer.ts'
import { annotated, isTold, quoted, tupleOfTexts } from './literals.ts'
import { isIdentifier } from './names.ts'
import { operatorCall } from './operator-calls.ts'
import { unsayable } from './refusal.ts'

type Form = (writer: FunctionWriter, node: Node) => Expression | undefined

/** What computes the results of a node; `printRHS` in torch/csrc/jit/serialization/python_print.cpp. */
export function expressionOf(writer: FunctionWriter, node: Node): Expression {
  return FORMS[node.kind]?.(writer, node) ?? operatorCall(writer, node)
}

/** Its results are exactly what the node says. */
function exact(node: Node, text: string): Expression {
  return { text, types: node.outputs.map(({ type }) => type) }
}

/** Conversions that have a name of their own; of a value that needs none they would leave nothing. */
const conversion = (name: string): Form => (writer, node) => {
  const [operand] = writer.operands(node.inputs)
  if (operand === undefined || node.inputs.length !== 1) return undefined
  if (isSubtype(operand.type, node.output.type) || LENGTHS.has(operand.type.kind)) return undefined
  return exact(node, `${name}(${operand.text})`)
}

/** Containers, whose `bool` is another one. */
const LENGTHS: ReadonlySet<Type['kind']> = new Set(['ListType', 'DictType', 'StringType', 'ClassType'])

/** A Tensor or Scalar where a number is wanted. */
function implicit(writer: FunctionWriter, node: Node): Expression {
  return exact(node, annotated(node.output.type, writer.operand(node.input(0)).text, writer.context))
}

function cast(writer: FunctionWriter, node: Node): Expression {
  return exact(node, `unchecked_cast(${writer.type(node.output.type)}, ${writer.operand(node.input(0)).text})`)
}

function list(writer: FunctionWriter, node: Node): Expression {
  const { type } = node.output
  const operands = writer.operands(node.inputs)
  const text = `[${operands.map((operand) => operand.text).join(', ')}]`
  const told = type.kind === 'ListType' && isTold(type.element, operands.map((operand) => operand.type))
  return exact(node, told ? text : annotated(type, text, writer.context))
}

function dict(writer: FunctionWriter, node: Node): Expression {
  const { type } = node.output
  const operands = writer.operands(node.inputs)
  const pairs = operands.flatMap((key, i) => i % 2 === 0 ? [`${key.text}: ${operands[i + 1]!.text}`] : [])
  const types = (offset: number): Type[] => operands.flatMap((operand, i) => i % 2 === offset ? [operand.type] : [])
  const told = type.kind === 'DictType' && isTold(type.key, types(0)) && isTold(type.value, types(1))
  return exact(node, told ? `{${pairs.join(', ')}}` : annotated(type, `{${pairs.join(', ')}}`, writer.context))
}

function tuple(writer: FunctionWriter, node: Node): Expression {
  const { type } = node.output
  const operands = writer.operands(node.inputs)
  const texts = operands.map(({ text }) => text)
  if (type.kind === 'TupleType' && type.name !== undefined) return exact(node, `${writer.type(type)}(${texts.join(', ')})`)
  return { text: tupleOfTexts(texts), types: [tupleOf(operands.map((operand) => operand.type))] }
}

function tupleIndex(writer: FunctionWriter, node: Node): Expression {
  const [operand, index] = writer.operands(node.inputs)
  const { type } = operand!
  const position = toIValue(node.input(1))
  if (type.kind !== 'TupleType') throw unsayable(node, 'of something that is no tuple')
  const element = position?.tag === 'Int' ? type.elements.at(Number(position.value)) : unifyTypeList(type.elements)
  return { text: `(${operand!.text})[${index!.text}]`, types: [element ?? node.output.type] }
}

function tupleSlice(writer: FunctionWriter, node: Node): Expression {
  const operand = writer.operand(node.input(0))
  const [begin, end] = ['beg', 'end'].map((name) => {
    const attribute = node.attributes.get(name)
    return attribute?.kind === 'i' ? Number(attribute.value) : 0
  })
  const types = operand.type.kind === 'TupleType' ? [tupleOf(operand.type.elements.slice(begin, end))] : []
  return { text: `(${operand.text})[${begin}:${end}]`, types }
}

/** `self.weight`, `getattr(self, "0")`. */
function attribute(writer: FunctionWriter, node: Node): Expression {
  const object = writer.operand(node.input(0))
  const name = node.string('name')
  const text = isIdentifier(name) ? `${object.text}.${name}` : `getattr(${object.text}, ${quoted(name)})`
  const { type } = node.input(0)
  const field = type.kind === 'TupleType' ? type.elements[type.fields?.indexOf(name) ?? -1] : writer.context.attributeType(type, name)
  return { text, types: [field ?? node.output.type] }
}

/** `x[i]`, of containers. */
function item(writer: FunctionWriter, node: Node): Expression | undefined {
  const { types } = operatorCall(writer, node)
  const [container, index] = writer.operands(node.inputs)
  return { text: `${isIdentifier(container!.text) ? container!.text : `(${container!.text})`}[${index!.text}]`, types }
}

function isInstance(writer: FunctionWriter, node: Node): Expression {
  const types = node.attributes.get('types')
  const names = types?.kind === 'tys' ? types.value.map((type) => writer.type(type)) : []
  const wanted = names.length === 1 ? names[0]! : tupleOfTexts(names)
  return { text: `isinstance(${writer.operand(node.input(0)).text}, ${wanted})`, types: [BoolType] }
}

function callMethod(writer: FunctionWriter, node: Node): Expression {
  const [object, ...args] = writer.operands(node.inputs)
  const name = node.string('name')
  const types = writer.context.useMethod(node.input(0).type, name)
  return { text: `(${object!.text}).${name}(${args.map(({ text }) => `${text}, `).join('')})`, types }
}

function callFunction(writer: FunctionWriter, node: Node): Expression {
  const { type } = node.input(0)
  if (type.kind !== 'FunctionType') throw unsayable(node, 'of something that is no function')
  const args = writer.operands(node.inputs.slice(1))
  const types = writer.context.useFunction(type.name).schema.returns.map((result) => result.type)
  return { text: `${type.name}(${args.map(({ text }) => `${text}, `).join('')})`, types }
}

function newObject(writer: FunctionWriter, node: Node): Expression {
  const name = writer.type(node.output.type)
  return exact(node, `${name}.__new__(${name})`)
}

const property = (name: string): Form => (writer, node) => exact(node, `(${writer.operand(node.input(0)).text}).${name}`)

/** How nodes are written that are more than the call of an operator, by kind. */
const FORMS: Readonly<Record<string, Form>> = {
  'prim::Uninitialized': (writer, node) => exact(node, `uninitialized(${writer.type(node.output.type)})`),
  'prim::unchecked_cast': cast,
  'prim::unchecked_unwrap_optional': cast,
  'prim::isinstance': isInstance,
  'prim::ListConstruct': list,
  'prim::DictConstruct': dict,
  'prim::TupleConstruct': tuple,
  'prim::TupleIndex': tupleIndex,
  'prim::TupleSlice': tupleSlice,
  'prim::GetAttr': attribute,
  'prim::CallMethod': callMethod,
  'prim::CallFunction': callFunction,
  'prim::CreateObject': newObject,
  'prim::EnumName': property('name'),
  'prim::EnumValue': property('value'),
  'prim::tolist': (writer, node) =>
    exact(node, annotated(node.output.type, `(${writer.operand(node.input(0)).text}).tolist()`, writer.context)),
  'prim::Print': (writer, node) => ({ text: `print(${writer.operands(node.inputs).map(({ text }) => text).join(', ')})`, types: [] }),
  'aten::IntImplicit': implicit,
  'aten::FloatImplicit': implicit,
  'aten::ComplexImplicit': implicit,
  'aten::ScalarImplicit': implicit,
  'aten::Int': conversion('int'),
  'aten::Float': conversion('float'),
  'aten::Complex': conversion('complex'),
  'aten::Bool': conversion('bool'),
  'aten::str': conversion('str'),
  'aten::__getitem__': item,
}
