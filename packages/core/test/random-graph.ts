import { Graph, type Block, type Value } from '../src/compiler/ir/graph.ts'
import { boolValue, intListValue, intValue, tensorValue } from '../src/compiler/ir/ivalue.ts'
import { literalTensor } from '../src/compiler/ir/literal.ts'
import { resolveSchema } from '../src/compiler/ir/match-schema.ts'
import { BoolType, IntType, listOf, sameType, TensorType, tupleOf, type Type } from '../src/compiler/ir/types.ts'

const INTS = listOf(IntType)
const TENSORS = listOf(TensorType)
const CARRIED: readonly Type[] = [IntType, TensorType, INTS, TENSORS, BoolType]

/** A generator of numbers below `limit`, the same for the same seed. */
export function randomNumbers(seed: number): (limit: number) => number {
  let state = (seed * 2654435761 + 12345) >>> 0
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) >>> 0
    const mixed = Math.imul(state ^ (state >>> 13), 3266489917) >>> 0
    return ((mixed ^ (mixed >>> 16)) >>> 0) % limit
  }
}

/**
 * A random program of numbers, lists, one-number tensors, writes in place, branches, loops and effects, over inputs
 * `(Tensor, Tensor, int, bool, int[], Tensor[])`. All that interpret can run.
 */
export function randomGraph(seed: number): Graph {
  return new Generator(seed).graph
}

class Generator {
  readonly graph: Graph = new Graph()
  readonly #random: (limit: number) => number
  #budget = 45

  constructor(seed: number) {
    this.#random = randomNumbers(seed)
    const { block } = this.graph
    const inputs = [TensorType, TensorType, IntType, BoolType, INTS, TENSORS].map((type) => block.addInput(type))
    const scope = [...inputs]
    this.#statements(block, scope, 6 + this.#random(14), 0)
    const outputs = 1 + this.#random(3)
    for (let i = 0; i < outputs; i++) block.registerOutput(this.#pick(scope, [TensorType, IntType, INTS, TENSORS][this.#random(4)]!, block))
  }

  #statements(block: Block, scope: Value[], count: number, depth: number): void {
    for (let i = 0; i < count && this.#budget > 0; i++) {
      this.#budget--
      this.#statement(block, scope, depth)
    }
  }

  #op(block: Block, kind: string, inputs: readonly Value[], ...types: Type[]): Value[] {
    const node = this.graph.create(kind, inputs, resolveSchema(kind, inputs.map((value) => value.type)))
    block.append(node)
    return types.map((type) => node.addOutput(type))
  }

  #constant(block: Block, type: Type): Value {
    return this.graph.withInsertPoint(block.returnNode, () => {
      const n = this.#random(4)
      if (sameType(type, IntType)) return this.graph.insertConstant(intValue(n - 1))
      if (sameType(type, BoolType)) return this.graph.insertConstant(boolValue(n < 2))
      if (sameType(type, TensorType)) return this.graph.insertConstant(tensorValue(literalTensor('Float', [], [n - 1])))
      if (sameType(type, INTS)) {
        return n === 0 ? this.graph.insertConstant(intListValue([1, 2]))
          : this.#op(block, 'prim::ListConstruct', Array.from({ length: n }, () => this.#constant(block, IntType)), INTS)[0]!
      }
      return this.#op(block, 'prim::ListConstruct', [this.#constant(block, TensorType)], TENSORS)[0]!
    })
  }

  #pick(scope: readonly Value[], type: Type, block: Block): Value {
    const fitting = scope.filter((value) => sameType(value.type, type))
    // Late values are likelier, so that chains form.
    if (fitting.length === 0 || this.#random(8) === 0) return this.#constant(block, type)
    const back = Math.min(this.#random(fitting.length), this.#random(fitting.length))
    return fitting[fitting.length - 1 - back]!
  }

  #statement(block: Block, scope: Value[], depth: number): void {
    const pick = (type: Type): Value => this.#pick(scope, type, block)
    const op = (kind: string, inputs: readonly Value[], ...types: Type[]): void => {
      scope.push(...this.#op(block, kind, inputs, ...types))
    }
    const choice = this.#random(depth < 3 ? 25 : 21)
    switch (choice) {
      case 0: return op(['aten::add', 'aten::sub', 'aten::mul', 'aten::floordiv'][this.#random(4)]!, [pick(IntType), pick(IntType)], IntType)
      case 1: return op(['aten::lt', 'aten::eq'][this.#random(2)]!, [pick(IntType), pick(IntType)], BoolType)
      case 2:
        if (this.#random(3) === 0) return op('aten::__is__', [pick(TensorType), pick(TensorType)], BoolType)
        return op('aten::__not__', [pick(BoolType)], BoolType)
      case 3: case 4: return op(['aten::relu', 'aten::neg'][this.#random(2)]!, [pick(TensorType)], TensorType)
      case 5: return op(['aten::alias', 'aten::detach'][this.#random(2)]!, [pick(TensorType)], TensorType)
      case 6: case 7: return op('aten::neg_', [pick(TensorType)], TensorType)
      case 8: return op('aten::add_', [pick(TensorType), pick(TensorType), this.#one(block)], TensorType)
      case 9: return op('aten::add', [pick(TensorType), pick(TensorType), this.#one(block)], TensorType)
      case 10: return op('prim::ListConstruct', Array.from({ length: this.#random(3) }, () => pick(IntType)), INTS)
      case 11: return op('prim::ListConstruct', Array.from({ length: 1 + this.#random(2) }, () => pick(TensorType)), TENSORS)
      case 12: return op('aten::append', [pick(INTS), pick(IntType)], INTS)
      case 13: return op('aten::append', [pick(TENSORS), pick(TensorType)], TENSORS)
      case 14: return op('aten::len', [pick(this.#random(2) ? INTS : TENSORS)], IntType)
      case 15: return op('aten::__getitem__', [pick(INTS), this.#small(block)], IntType)
      case 16: return op('aten::__getitem__', [pick(TENSORS), this.#small(block)], TensorType)
      case 17: return op('aten::_set_item', [pick(INTS), this.#small(block), pick(IntType)], INTS)
      case 18: return op('aten::stack', [pick(TENSORS), this.#small(block)], TensorType)
      case 19: {
        const number = this.#op(block, 'prim::NumToTensor', [pick(IntType)], TensorType)[0]!
        scope.push(number)
        return op('aten::Int', [number], IntType)
      }
      case 20: {
        if (this.#random(3) === 0) return op('test::effect', [pick(CARRIED[this.#random(4)]!)], IntType)
        const parts = [pick(TensorType), pick(INTS)]
        const tuple = this.#op(block, 'prim::TupleConstruct', parts, tupleOf([TensorType, INTS]))[0]!
        return op('prim::TupleUnpack', [tuple], TensorType, INTS)
      }
      case 21: case 22: return this.#branch(block, scope, depth)
      default: return this.#loop(block, scope, depth)
    }
  }

  #one(block: Block): Value {
    return this.graph.withInsertPoint(block.returnNode, () => this.graph.insertConstant(intValue(1)))
  }

  #small(block: Block): Value {
    return this.graph.withInsertPoint(block.returnNode, () => this.graph.insertConstant(intValue(this.#random(3) - 1)))
  }

  #branch(block: Block, scope: Value[], depth: number): void {
    const node = this.graph.create('prim::If', [this.#pick(scope, BoolType, block)])
    block.append(node)
    const types = Array.from({ length: this.#random(3) }, () => CARRIED[this.#random(CARRIED.length)]!)
    for (let i = 0; i < 2; i++) {
      const inner = node.addBlock()
      const mine = [...scope]
      this.#statements(inner, mine, this.#random(4), depth + 1)
      for (const type of types) inner.registerOutput(this.#pick(mine, type, inner))
    }
    scope.push(...types.map((type) => node.addOutput(type)))
  }

  #loop(block: Block, scope: Value[], depth: number): void {
    const types = Array.from({ length: this.#random(3) }, () => CARRIED[this.#random(CARRIED.length)]!)
    const trips = this.graph.withInsertPoint(block.returnNode, () => this.graph.insertConstant(intValue(this.#random(4))))
    const start = this.#random(4) ? this.graph.withInsertPoint(block.returnNode, () => this.graph.insertConstant(boolValue(true))) : this.#pick(scope, BoolType, block)
    const rounds = this.#random(2) ? trips : scope[2]!
    const node = this.graph.create('prim::Loop', [rounds, start, ...types.map((type) => this.#pick(scope, type, block))])
    block.append(node)
    const body = node.addBlock()
    const mine = [...scope, body.addInput(IntType), ...types.map((type) => body.addInput(type))]
    this.#statements(body, mine, 1 + this.#random(5), depth + 1)
    body.registerOutput(this.#random(3) ? start : this.#pick(mine, BoolType, body))
    for (const type of types) body.registerOutput(this.#pick(mine, type, body))
    scope.push(...types.map((type) => node.addOutput(type)))
  }
}

