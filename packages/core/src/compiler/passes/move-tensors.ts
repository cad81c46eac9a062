import type { Node, Value } from '../ir/graph.ts'
import { boolValue, NONE } from '../ir/ivalue.ts'
import { findSchema } from '../ir/ops/index.ts'
import { BoolType, IntType, listOf, type Type } from '../ir/types.ts'
import { insertTransfer, type DeviceName } from './device-transfer.ts'

/** True when there may be tensors in values of a type. */
export function holdsTensors(type: Type): boolean {
  switch (type.kind) {
    case 'TensorType': case 'AnyType': case 'ClassType': case 'InterfaceType': case 'AnyListType': case 'AnyTupleType': case 'AnyClassType': return true
    case 'OptionalType': case 'ListType': case 'FutureType': case 'RRefType': case 'AwaitType': return holdsTensors(type.element)
    case 'DictType': return holdsTensors(type.key) || holdsTensors(type.value)
    case 'TupleType': case 'UnionType': return type.elements.some(holdsTensors)
    default: return false
  }
}

/**
 * Moves tensors to a device, in whatever they are: tuples are taken apart and put together again, lists and dicts are copied in a loop,
 * and what may be None is asked for that. A value that is moved twice is moved once.
 */
export class TensorMover {
  readonly #device: DeviceName
  readonly #moved: Map<Value, Value> = new Map()

  constructor(device: DeviceName) {
    this.#device = device
  }

  /** True for types whose tensors can all be got at. */
  static canMove(type: Type): boolean {
    switch (type.kind) {
      case 'OptionalType': case 'ListType': return TensorMover.canMove(type.element)
      case 'DictType': return !holdsTensors(type.key) && TensorMover.canMove(type.value)
      case 'TupleType': return type.elements.every((element) => TensorMover.canMove(element))
      case 'TensorType': return true
      default: return !holdsTensors(type)
    }
  }

  /** The value with its tensors on the device, computed right before `at`. */
  move(at: Node, value: Value): Value {
    if (!holdsTensors(value.type)) return value
    const known = this.#moved.get(value)
    if (known !== undefined) return known
    const moved = this.#make(at, value)
    moved.debugName ??= value.debugName
    this.#moved.set(value, moved)
    return moved
  }

  #make(at: Node, value: Value): Value {
    const { type } = value
    switch (type.kind) {
      case 'TensorType': return insertTransfer(at, value, this.#device)
      case 'TupleType': return this.#tuple(at, value, type.elements)
      case 'ListType': return this.#list(at, value, type)
      case 'DictType': return this.#dict(at, value, type)
      case 'OptionalType': return this.#optional(at, value, type)
      default: throw new Error(`tensors in a ${type.kind} cannot be moved`)
    }
  }

  #tuple(at: Node, value: Value, types: readonly Type[]): Value {
    const built = value.node.kind === 'prim::TupleConstruct' ? value.node.inputs : undefined
    const elements = built ?? unpack(at, value, types)
    return insert(at, 'prim::TupleConstruct', elements.map((element) => this.move(at, element)), value.type)
  }

  #list(at: Node, value: Value, type: Type & { element: Type }): Value {
    const { node } = value
    // Nothing but the return sees the list, so that it is what it was made of.
    if (node.kind === 'prim::ListConstruct' && value.uses.size === 1 && node.owningBlock === at.owningBlock) {
      return insert(at, 'prim::ListConstruct', node.inputs.map((element) => this.move(at, element)), type)
    }
    const copy = insert(at, 'prim::ListConstruct', [], type)
    forEach(at, operator(at, 'aten::len', 't', [value], IntType), (end, index) => {
      const element = operator(end, 'aten::__getitem__', 't', [value, index], type.element)
      operator(end, 'aten::append', 't', [copy, this.#inLoop().move(end, element)], type)
    })
    return copy
  }

  #dict(at: Node, value: Value, type: Type & { key: Type; value: Type }): Value {
    const copy = insert(at, 'prim::DictConstruct', [], type)
    const overload = keyOverload(type.key)
    const keys = operator(at, 'aten::keys', overload, [value], listOf(type.key))
    forEach(at, operator(at, 'aten::len', 't', [keys], IntType), (end, index) => {
      const key = operator(end, 'aten::__getitem__', 't', [keys, index], type.key)
      const element = operator(end, 'aten::__getitem__', `Dict_${overload}`, [value, key], type.value)
      statement(end, 'aten::_set_item', overload, [copy, key, this.#inLoop().move(end, element)])
    })
    return copy
  }

  #optional(at: Node, value: Value, type: Type & { element: Type }): Value {
    const none = constant(at, () => at.graph.insertConstant(NONE))
    const branch = at.graph.create('prim::If', [operator(at, 'aten::__isnot__', '', [value, none], BoolType)]).insertBefore(at)
    const [some, without] = [branch.addBlock(), branch.addBlock()]
    const inner = insert(some.returnNode, 'prim::unchecked_cast', [value], type.element)
    some.registerOutput(this.#inLoop().move(some.returnNode, inner))
    without.registerOutput(value)
    return branch.addOutput(type)
  }

  /** What is moved in a loop or branch is not there outside. */
  #inLoop(): TensorMover {
    return new TensorMover(this.#device)
  }
}

function unpack(at: Node, value: Value, types: readonly Type[]): Value[] {
  const node = at.graph.create('prim::TupleUnpack', [value]).insertBefore(at)
  return types.map((type) => node.addOutput(type))
}

/** Runs `body` for all numbers below `count`: it inserts before the node that it is given. */
function forEach(at: Node, count: Value, body: (end: Node, index: Value) => void): void {
  const yes = constant(at, () => at.graph.insertConstant(boolValue(true)))
  const block = at.graph.create('prim::Loop', [count, yes]).insertBefore(at).addBlock()
  const index = block.addInput(IntType)
  block.registerOutput(yes)
  body(block.returnNode, index)
}

function constant(at: Node, make: () => Value): Value {
  return at.graph.withInsertPoint(at, make)
}

function insert(at: Node, kind: string, inputs: readonly Value[], type: Type): Value {
  return at.graph.create(kind, inputs).insertBefore(at).addOutput(type)
}

function statement(at: Node, name: string, overload: string, inputs: readonly Value[]): Node {
  const schema = findSchema(name, overload)
  if (schema === undefined) throw new Error(`no operator ${name}.${overload}`)
  return at.graph.create(name, inputs, schema).insertBefore(at)
}

function operator(at: Node, name: string, overload: string, inputs: readonly Value[], type: Type): Value {
  return statement(at, name, overload, inputs).addOutput(type)
}

/** How operators of dicts are told apart, by their keys. */
function keyOverload(key: Type): string {
  switch (key.kind) {
    case 'StringType': return 'str'
    case 'IntType': return 'int'
    case 'BoolType': return 'bool'
    case 'FloatType': return 'float'
    case 'ComplexType': return 'complex'
    default: return 'Tensor'
  }
}
