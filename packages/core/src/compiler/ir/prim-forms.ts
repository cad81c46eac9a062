import type { Node } from './graph.ts'
import { ivalueType } from './ivalue.ts'
import { isSubtype, sameType, typeString, type Type } from './types.ts'

/** The shape of a `prim::` node that has no schema, or whose schema does not say enough. */
export interface PrimForm {
  /** Number of inputs, outputs, blocks: exactly, or at least with `+`. Undefined: any. */
  readonly inputs?: number | `${number}+`
  readonly outputs?: number | `${number}+`
  readonly blocks?: number
  /** Attributes that must be there, with their kind. */
  readonly attributes?: Readonly<Record<string, 's' | 'i' | 'ival' | 'tys' | 'g'>>
  /** Further conditions: what is wrong, or undefined. */
  readonly check?: (node: Node) => string | undefined
}

function type(node: Node, input: number): Type {
  return node.inputs[input]!.type
}

function outputType(node: Node, output = 0): Type {
  return node.outputs[output]!.type
}

function expectSubtype(what: string, actual: Type, wanted: Type): string | undefined {
  return isSubtype(actual, wanted) ? undefined : `${what} is ${typeString(actual)}, not ${typeString(wanted)}`
}

function first(...problems: (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined)
}

function kindIs(what: string, actual: Type, ...kinds: Type['kind'][]): string | undefined {
  return kinds.includes(actual.kind) ? undefined : `${what} is ${typeString(actual)}`
}

function checkIf(node: Node): string | undefined {
  const [yes, no] = node.blocks
  return first(
    kindIs('the condition', type(node, 0), 'BoolType'),
    ...node.blocks.map((block) => block.inputs.length === 0 ? undefined : 'its blocks take no inputs'),
    ...[yes!, no!].map((block) => block.outputs.length === node.outputs.length ? undefined
      : `a block gives ${block.outputs.length} values for ${node.outputs.length} outputs`),
    ...[yes!, no!].flatMap((block) => node.outputs.map((output, i) =>
      block.outputs[i] && expectSubtype(`block output ${i}`, block.outputs[i].type, output.type))),
  )
}

function checkLoop(node: Node): string | undefined {
  const body = node.blocks[0]!
  const carried = node.inputs.length - 2
  if (body.inputs.length !== carried + 1) return `its body takes ${body.inputs.length} values, not ${carried + 1}`
  if (body.outputs.length !== carried + 1) return `its body gives ${body.outputs.length} values, not ${carried + 1}`
  if (node.outputs.length !== carried) return `it has ${node.outputs.length} outputs for ${carried} carried values`
  return first(
    kindIs('the trip count', type(node, 0), 'IntType'),
    kindIs('the start condition', type(node, 1), 'BoolType'),
    kindIs('the iteration number', body.inputs[0]!.type, 'IntType'),
    kindIs('the continue condition', body.outputs[0]!.type, 'BoolType'),
    ...node.outputs.flatMap((output, i) => [
      expectSubtype(`carried value ${i}`, type(node, i + 2), body.inputs[i + 1]!.type),
      expectSubtype(`carried value ${i} of the body`, body.outputs[i + 1]!.type, body.inputs[i + 1]!.type),
      expectSubtype(`carried value ${i} of the body`, body.outputs[i + 1]!.type, output.type),
      // A loop that never runs gives what went in.
      expectSubtype(`carried value ${i}`, type(node, i + 2), output.type),
    ]),
  )
}

function checkConstant(node: Node): string | undefined {
  const wanted = outputType(node)
  const value = node.attributes.get('value')
  if (value === undefined) {
    if (wanted.kind === 'FunctionType') return node.attributes.get('name')?.kind === 's' ? undefined : 'a function has no name'
    return kindIs('a constant None', wanted, 'NoneType', 'OptionalType', 'AnyType', 'UnionType')
  }
  if (value.kind !== 'ival') return 'its value is not a value'
  if (value.value.tag === 'None') return 'None is written without a value'
  const actual = ivalueType(value.value)
  // An interface's module and a class are related by what they declare, which is not known here.
  return wanted.kind === 'InterfaceType' ? undefined : expectSubtype('the value', actual, wanted)
}

function elementsInto(element: Type, node: Node, every: number, offset: number): string | undefined {
  return first(...node.inputs.map((value, i) => i % every === offset ? expectSubtype(`input ${i}`, value.type, element) : undefined))
}

function checkTuple(node: Node): string | undefined {
  const wanted = outputType(node)
  if (wanted.kind !== 'TupleType') return `its output is ${typeString(wanted)}`
  if (wanted.elements.length !== node.inputs.length) return `${node.inputs.length} inputs for ${wanted.elements.length} elements`
  return first(...wanted.elements.map((element, i) => expectSubtype(`element ${i}`, type(node, i), element)))
}

function checkUnpack(node: Node): string | undefined {
  const tuple = type(node, 0)
  if (tuple.kind !== 'TupleType') return `its input is ${typeString(tuple)}`
  if (tuple.elements.length !== node.outputs.length) return `${node.outputs.length} outputs for ${tuple.elements.length} elements`
  return first(...tuple.elements.map((element, i) => expectSubtype(`element ${i}`, element, outputType(node, i))))
}

function attributeType(node: Node): Type | undefined {
  const owner = type(node, 0)
  const name = node.string('name')
  return owner.kind === 'ClassType' ? owner.attributes.find((attribute) => attribute.name === name)?.type : undefined
}

/** A class that declares nothing is one that only the text names: nothing can be said of its attributes. */
function hasAttribute(node: Node): string | undefined {
  const owner = type(node, 0)
  if (owner.kind === 'InterfaceType' || (owner.kind === 'ClassType' && (owner.attributes.length === 0 || owner.torchbind))) return undefined
  if (owner.kind === 'TupleType') return owner.fields?.includes(node.string('name')) ? undefined : 'the tuple has no such field'
  if (owner.kind !== 'ClassType') return `its object is ${typeString(owner)}`
  return attributeType(node) || owner.constants.has(node.string('name')) ? undefined : `${owner.name} has no attribute ${node.string('name')}`
}

/** Nodes without a schema in PyTorch (or with a vararg one that checks nothing), by kind. */
export const PRIM_FORMS: Readonly<Record<string, PrimForm>> = {
  'prim::Constant': { inputs: 0, outputs: 1, check: checkConstant },
  'prim::If': { inputs: 1, blocks: 2, check: checkIf },
  'prim::Loop': { inputs: '2+', blocks: 1, check: checkLoop },
  'prim::TupleConstruct': { outputs: 1, check: checkTuple },
  'prim::TupleUnpack': { inputs: 1, check: checkUnpack },
  'prim::TupleIndex': {
    inputs: 2, outputs: 1,
    check: (node) => first(kindIs('its tuple', type(node, 0), 'TupleType'), kindIs('the index', type(node, 1), 'IntType')),
  },
  'prim::TupleSlice': {
    inputs: 1, outputs: 1, attributes: { beg: 'i', end: 'i' },
    check: (node) => first(kindIs('its tuple', type(node, 0), 'TupleType'), kindIs('its output', outputType(node), 'TupleType')),
  },
  'prim::ListConstruct': {
    outputs: 1,
    check: (node) => {
      const list = outputType(node)
      return list.kind === 'ListType' ? elementsInto(list.element, node, 1, 0) : `its output is ${typeString(list)}`
    },
  },
  'prim::ListUnpack': {
    inputs: 1,
    check: (node) => {
      const list = type(node, 0)
      if (list.kind !== 'ListType') return `its input is ${typeString(list)}`
      return first(...node.outputs.map((output) => expectSubtype('an element', list.element, output.type)))
    },
  },
  'prim::DictConstruct': {
    outputs: 1,
    check: (node) => {
      const dict = outputType(node)
      if (dict.kind !== 'DictType') return `its output is ${typeString(dict)}`
      if (node.inputs.length % 2 === 1) return 'a key has no value'
      return elementsInto(dict.key, node, 2, 0) ?? elementsInto(dict.value, node, 2, 1)
    },
  },
  'prim::GetAttr': {
    inputs: 1, outputs: 1, attributes: { name: 's' },
    check: (node) => {
      const declared = attributeType(node)
      return hasAttribute(node) ?? (declared && !sameType(declared, outputType(node))
        ? `attribute ${node.string('name')} is ${typeString(declared)}, not ${typeString(outputType(node))}` : undefined)
    },
  },
  'prim::SetAttr': {
    inputs: 2, outputs: 0, attributes: { name: 's' },
    check: (node) => {
      const declared = attributeType(node)
      return hasAttribute(node) ?? (declared && expectSubtype('the value', type(node, 1), declared))
    },
  },
  'prim::CallMethod': {
    inputs: '1+', attributes: { name: 's' }, check: (node) => kindIs('its object', type(node, 0), 'ClassType', 'InterfaceType'),
  },
  'prim::CallFunction': { inputs: '1+', check: (node) => kindIs('its callee', type(node, 0), 'FunctionType') },
  'prim::CreateObject': { inputs: 0, outputs: 1, check: (node) => kindIs('its output', outputType(node), 'ClassType') },
  'prim::isinstance': { inputs: 1, outputs: 1, attributes: { types: 'tys' }, check: (node) => kindIs('its output', outputType(node), 'BoolType') },
  'prim::unchecked_cast': { inputs: 1, outputs: 1 },
  'prim::Uninitialized': { inputs: 0, outputs: 1 },
  'prim::RaiseException': { inputs: '1+', outputs: 0, check: (node) => kindIs('the message', type(node, 0), 'StringType') },
  'prim::NumToTensor': { inputs: 1, outputs: 1, check: (node) => kindIs('its output', outputType(node), 'TensorType') },
  'prim::Print': { outputs: 0 },
  'prim::fork': { outputs: 1 },
  'prim::Enter': { inputs: 1 },
  'prim::Exit': { inputs: 1, outputs: 1 },
}

/** What is wrong with a node of a kind in {@link PRIM_FORMS}, or undefined. */
export function formProblem(node: Node, form: PrimForm): string | undefined {
  return count('inputs', node.inputs.length, form.inputs)
    ?? count('outputs', node.outputs.length, form.outputs)
    ?? count('blocks', node.blocks.length, form.blocks ?? 0)
    ?? first(...Object.entries(form.attributes ?? {}).map(([name, kind]) => {
      const attribute = node.attributes.get(name)
      if (attribute === undefined) return `it has no attribute ${name}`
      return attribute.kind === kind ? undefined : `its attribute ${name} is of kind ${attribute.kind}, not ${kind}`
    }))
    ?? form.check?.(node)
}

function count(what: string, actual: number, wanted: PrimForm['inputs']): string | undefined {
  if (wanted === undefined) return undefined
  const fits = typeof wanted === 'number' ? actual === wanted : actual >= Number.parseInt(wanted)
  return fits ? undefined : `it has ${actual} ${what}, not ${wanted}`
}
