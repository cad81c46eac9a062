import { PetalError } from '../errors.ts'
import type { ClassType } from '../ir/class-type.ts'
import type { Block, Node, Value } from '../ir/graph.ts'
import { boolValue, intValue, NONE, type IValue, type ObjectValue } from '../ir/ivalue.ts'
import { sameType, type TupleType, type Type } from '../ir/types.ts'
import { PREPACKS } from './packed-params.ts'

/** Operations in all `__setstate__` of a model together; one of a quantized module has some fifty. */
const MAX_STEPS = 1_000_000
/** Calls within calls. */
const MAX_CALL_DEPTH = 50

/** Stops an evaluation: `why` completes "…, which …". */
class Unsupported extends Error {}

/**
 * Gives objects that were pickled with a state of their own their attributes, by following their class's `__setstate__`, as loading them
 * does in PyTorch. Understood is what moves values and packs quantized weights; anything else is refused.
 * `objects` may hold one another; `classes` gives the custom class of a name.
 */
export function restoreStates(objects: readonly { object: ObjectValue; where: string }[], classes: (name: string) => ClassType): void {
  const evaluator = new Evaluator(classes)
  for (const { object, where } of objects) {
    const state = object.pickledState
    if (state === undefined) continue
    const method = object.type.methods.get('__setstate__')
    if (method === undefined) throw unrestorable(object, where, 'has no __setstate__')
    try {
      evaluator.call(method.graph().block, [object, retagged(state, method.schema.arguments[1]?.type)], 0)
    } catch (error) {
      if (error instanceof Unsupported) throw unrestorable(object, where, error.message)
      throw error
    }
    const slots = new Map(object.slots)
    object.slots.clear()
    for (const { name } of object.type.attributes) {
      // What __setstate__ leaves alone is None, as in PyTorch; the check of all objects tells when that may not be.
      object.slots.set(name, slots.get(name) ?? NONE)
    }
    delete (object as { pickledState?: IValue }).pickledState
  }
}

class Evaluator {
  readonly #classes: (name: string) => ClassType
  #steps = 0

  constructor(classes: (name: string) => ClassType) {
    this.#classes = classes
  }

  call(block: Block, args: readonly IValue[], depth: number): IValue {
    if (depth > MAX_CALL_DEPTH) throw new Unsupported('calls itself')
    const values = new Map<Value, IValue>()
    if (args.length !== block.inputs.length) throw new Unsupported('is called with other arguments than it has')
    block.inputs.forEach((input, i) => values.set(input, args[i]!))
    return this.#run(block, values, depth)[0]!
  }

  #run(block: Block, values: Map<Value, IValue>, depth: number): IValue[] {
    for (const node of block.nodes()) this.#step(node, values, depth)
    return block.outputs.map((output) => values.get(output)!)
  }

  #step(node: Node, values: Map<Value, IValue>, depth: number): void {
    if (++this.#steps > MAX_STEPS) throw new Unsupported(`takes more than ${MAX_STEPS} steps`)
    const inputs = node.inputs.map((input) => values.get(input)!)
    const results = this.#evaluate(node, inputs, values, depth)
    node.outputs.forEach((output, i) => values.set(output, results[i]!))
  }

  #evaluate(node: Node, inputs: readonly IValue[], values: Map<Value, IValue>, depth: number): readonly IValue[] {
    switch (node.kind) {
      case 'prim::Constant': {
        const attribute = node.attributes.get('value')
        return [attribute?.kind === 'ival' ? attribute.value : NONE]
      }
      case 'prim::If': {
        const condition = inputs[0]!
        if (condition.tag !== 'Bool') throw new Unsupported('decides by something that is no bool')
        return this.#run(node.blocks[condition.value ? 0 : 1]!, values, depth)
      }
      case 'prim::CallMethod': {
        const self = inputs[0]!
        const method = self.tag === 'Object' ? self.type.methods.get(node.string('name')) : undefined
        if (method === undefined) throw new Unsupported(`calls ${node.string('name')} of a ${self.tag}`)
        return [this.call(method.graph().block, inputs, depth + 1)]
      }
      case 'prim::GetAttr': {
        const value = inputs[0]!.tag === 'Object' ? inputs[0].slots.get(node.string('name')) : undefined
        if (value === undefined) throw new Unsupported(`reads ${node.string('name')} before it is set`)
        return [value]
      }
      case 'prim::SetAttr': {
        const object = inputs[0]!
        if (object.tag !== 'Object') throw new Unsupported(`sets an attribute of a ${object.tag}`)
        const name = node.string('name')
        object.slots.set(name, retagged(inputs[1]!, object.type.attributes.find((each) => each.name === name)?.type))
        return []
      }
      case 'prim::RaiseException':
        throw new Unsupported(`raises an exception (${inputs[0]?.tag === 'String' ? inputs[0].value : '…'})`)
    }
    const prepack = PREPACKS.get(node.kind)
    if (prepack !== undefined) return [this.#prepacked(() => prepack(inputs, this.#classes))]
    const operation = OPERATIONS[node.kind]
    const results = operation?.(inputs, node)
    if (results === undefined) throw new Unsupported(`uses ${node.kind}`)
    return results
  }

  #prepacked(prepack: () => IValue): IValue {
    try {
      return prepack()
    } catch (error) {
      throw error instanceof Error && error.constructor === Error ? new Unsupported(`packs weights in a way that is not known: ${error.message}`) : error
    }
  }
}

/** Operations on values alone; undefined where the values are not what the operation takes. */
const OPERATIONS: Readonly<Record<string, (inputs: readonly IValue[], node: Node) => readonly IValue[] | undefined>> = {
  'prim::TupleConstruct': (elements, node) => [{ tag: 'Tuple', type: node.output.type as TupleType, elements }],
  'prim::TupleUnpack': ([tuple]) => tuple?.tag === 'Tuple' ? tuple.elements : undefined,
  'prim::TupleIndex': ([tuple, index]) => item(tuple, index),
  'prim::ListConstruct': (elements, node) => node.output.type.kind === 'ListType'
    ? [{ tag: 'List', elementType: node.output.type.element, elements }] : undefined,
  'prim::ListUnpack': ([list], node) => list?.tag === 'List' && list.elements.length === node.outputs.length ? list.elements : undefined,
  'aten::__getitem__': ([list, index]) => item(list, index),
  'aten::len': ([list]) => list?.tag === 'List' ? [intValue(list.elements.length)] : undefined,
  'prim::unchecked_cast': ([value]) => [value!],
  'prim::Uninitialized': () => [NONE],
  'aten::eq': ([a, b]) => compared(a, b),
  'aten::ne': ([a, b]) => negated(compared(a, b)),
  'aten::__is__': ([a, b]) => [boolValue(a?.tag === 'None' && b?.tag === 'None')],
  'aten::__isnot__': ([a, b]) => [boolValue(!(a?.tag === 'None' && b?.tag === 'None'))],
  'aten::__not__': ([a]) => negated(a && [a]),
}

function item(sequence: IValue | undefined, index: IValue | undefined): readonly IValue[] | undefined {
  if ((sequence?.tag !== 'Tuple' && sequence?.tag !== 'List') || index?.tag !== 'Int') return undefined
  const value = sequence.elements.at(Number(index.value))
  return value && [value]
}

/** Equality of plain values of one kind. */
function compared(a: IValue | undefined, b: IValue | undefined): readonly IValue[] | undefined {
  const plain = a?.tag === 'Int' || a?.tag === 'Double' || a?.tag === 'Bool' || a?.tag === 'String'
  return plain && b?.tag === a.tag ? [boolValue(a.value === b.value)] : undefined
}

function negated(value: readonly IValue[] | undefined): readonly IValue[] | undefined {
  const bool = value?.[0]
  return bool?.tag === 'Bool' ? [boolValue(!bool.value)] : undefined
}

/** Lists and dicts without a type of their own, as old files have them, take the one that is expected. */
function retagged(value: IValue, type: Type | undefined): IValue {
  const expected = type?.kind === 'OptionalType' ? type.element : type
  if (value.tag === 'List' && expected?.kind === 'ListType' && value.elementType.kind === 'AnyType' && !sameType(expected.element, value.elementType)) {
    return { ...value, elementType: expected.element }
  }
  if (value.tag === 'Dict' && expected?.kind === 'DictType' && value.keyType.kind === 'AnyType') {
    return { ...value, keyType: expected.key, valueType: expected.value }
  }
  return value
}

function unrestorable(object: ObjectValue, where: string, why: string): PetalError {
  return new PetalError({
    code: 'UNSUPPORTED_SETSTATE',
    message: `The model's ${where === '' ? 'root module' : `attribute '${where}'`}, a ${object.type.name}, is restored by a __setstate__ that ${why}.`,
    cause: 'Nothing of a model is run to read it; only what moves values and packs quantized weights is understood.',
    fix: 'Save the model without __getstate__ and __setstate__ in this module.',
  })
}
