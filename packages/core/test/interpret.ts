import type { Storage } from '../src/compiler/archive/tensor.ts'
import { toIValue, type Block, type Graph, type Node, type Value } from '../src/compiler/ir/graph.ts'
import type { IValue } from '../src/compiler/ir/ivalue.ts'
import { readElement } from '../src/compiler/ir/literal.ts'

/** A tensor of one number. Views of it are the same object. */
export interface Box {
  number: number
}

export type RunValue = bigint | number | boolean | null | Box | RunValue[]

/** What constants become, once for each graph: a constant that is changed stays changed, as in PyTorch's interpreter. */
export type Memory = Map<IValue | Storage, RunValue>

/** Raised where PyTorch would raise. */
export class Raised extends Error {}

/** Ints beyond this would overflow soon, which is undefined: such runs tell nothing. */
const LIMIT = 2n ** 60n

/**
 * Runs a graph of a few operators on numbers, lists and one-number tensors, to see whether a pass changed what it does.
 * `effects` collects what `test::effect` was given.
 */
export function interpret(graph: Graph, inputs: readonly RunValue[], memory: Memory, effects: string[]): RunValue[] {
  const values = new Map<Value, RunValue>()
  graph.inputs.forEach((input, i) => values.set(input, inputs[i]!))
  let steps = 0

  const get = (value: Value): RunValue => {
    const found = values.get(value)
    if (found === undefined) throw new Error(`%${value.debugName ?? value.id} has no value`)
    return found
  }
  const run = (block: Block): RunValue[] => {
    for (const node of block.nodes()) {
      if (++steps > 20_000) throw new Raised('too long')
      const results = execute(node)
      node.outputs.forEach((output, i) => values.set(output, results[i] ?? null))
    }
    return block.outputs.map(get)
  }
  const execute = (node: Node): RunValue[] => {
    const args = node.inputs.map(get)
    if (node.kind === 'prim::If') return run(node.blocks[args[0] === true ? 0 : 1]!)
    if (node.kind === 'prim::Loop') {
      const body = node.blocks[0]!
      let carried = args.slice(2)
      let go = args[1] === true
      for (let i = 0n; go && i < (args[0] as bigint); i++) {
        values.set(body.inputs[0]!, i)
        carried.forEach((value, j) => values.set(body.inputs[j + 1]!, value))
        const [next, ...rest] = run(body)
        go = next === true
        carried = rest
      }
      return carried
    }
    if (node.kind === 'prim::Constant') return [constant(toIValue(node.output)!, memory)]
    const operator = OPERATORS[node.kind]
    if (operator === undefined) throw new Error(`no ${node.kind} here`)
    return operator(args, node, effects)
  }
  return run(graph.block)
}

function constant(value: IValue, memory: Memory): RunValue {
  switch (value.tag) {
    case 'None': return null
    case 'Int': case 'Bool': case 'Double': return value.value
    case 'Tensor': {
      const { storage } = value.value
      if (!memory.has(storage)) memory.set(storage, { number: Number(readElement(value.value)) })
      return memory.get(storage)!
    }
    case 'List': case 'Tuple':
      if (!memory.has(value)) memory.set(value, value.elements.map((element) => constant(element, memory)))
      return memory.get(value)!
    default: throw new Error(`no ${value.tag} here`)
  }
}

type Operator = (args: RunValue[], node: Node, effects: string[]) => RunValue[]

function ints(compute: (a: bigint, b: bigint) => RunValue): Operator {
  return ([a, b]) => {
    const result = compute(a as bigint, (b ?? 0n) as bigint)
    if (typeof result === 'bigint' && (result > LIMIT || result < -LIMIT)) throw new Raised('overflow')
    return [result]
  }
}

function place(list: RunValue[], index: bigint): number {
  const at = Number(index) < 0 ? Number(index) + list.length : Number(index)
  if (at < 0 || at >= list.length) throw new Raised('list index out of range')
  return at
}

function box(value: RunValue | undefined): Box {
  return value as Box
}

/** The text of a value, by content. */
export function show(value: RunValue): string {
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  return value !== null && typeof value === 'object' ? `T${value.number}` : String(value)
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  'aten::add': (args, node, effects) => {
    const [a, b] = args
    if (Array.isArray(a)) return [[...a, ...b as RunValue[]]]
    if (typeof a === 'object') return [{ number: box(a).number + (typeof b === 'object' ? box(b).number : Number(b)) }]
    return ints((x, y) => x + y)(args, node, effects)
  },
  'aten::sub': ints((a, b) => a - b),
  'aten::mul': ints((a, b) => a * b),
  'aten::floordiv': ints((a, b) => {
    if (b === 0n) throw new Raised('division by 0')
    const quotient = a / b
    return a % b !== 0n && (a < 0n) !== (b < 0n) ? quotient - 1n : quotient
  }),
  'aten::neg': ([a]) => [typeof a === 'bigint' ? -a : { number: -box(a).number }],
  'aten::lt': ints((a, b) => a < b),
  'aten::eq': ints((a, b) => a === b),
  'aten::__not__': ([a]) => [a !== true],
  'aten::__is__': ([a, b]) => [a === b],
  'aten::__isnot__': ([a, b]) => [a !== b],
  'aten::relu': ([a]) => [{ number: Math.max(box(a).number, 0) }],
  'aten::alias': ([a]) => [a!],
  'aten::detach': ([a]) => [a!],
  'aten::neg_': ([a]) => {
    box(a).number = -box(a).number
    return [a!]
  },
  'aten::add_': ([a, b]) => {
    box(a).number += typeof b === 'object' ? box(b).number : Number(b)
    return [a!]
  },
  'aten::stack': ([list]) => [{ number: (list as Box[]).reduce((sum, each, i) => sum + each.number * (i + 1), 0) }],
  'aten::Int': ([a]) => [typeof a === 'bigint' ? a : BigInt(Math.trunc(box(a).number))],
  'prim::NumToTensor': ([a]) => [{ number: Number(a) }],
  'prim::ListConstruct': (args) => [[...args]],
  'prim::TupleConstruct': (args) => [[...args]],
  'prim::TupleUnpack': ([tuple]) => [...tuple as RunValue[]],
  'prim::ListUnpack': ([list], node) => {
    if ((list as RunValue[]).length !== node.outputs.length) throw new Raised('wrong length')
    return [...list as RunValue[]]
  },
  'prim::unchecked_cast': ([a]) => [a!],
  'aten::len': ([list]) => [BigInt((list as RunValue[]).length)],
  'aten::__getitem__': ([list, index]) => [(list as RunValue[])[place(list as RunValue[], index as bigint)]!],
  'aten::append': ([list, value]) => {
    (list as RunValue[]).push(value!)
    return [list!]
  },
  'aten::_set_item': ([list, index, value]) => {
    (list as RunValue[])[place(list as RunValue[], index as bigint)] = value!
    return [list!]
  },
  'test::effect': (args, _, effects) => {
    effects.push(args.map(show).join(', '))
    return [BigInt(effects.length)]
  },
}
