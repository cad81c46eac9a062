import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { PetalError } from '../errors.ts'
import type { IValue } from '../ir/ivalue.ts'
import { parseGraph } from '../ir/parser.ts'
import { dictOf, IntType, optionalOf, StringType, TensorType, type Type } from '../ir/types.ts'
import { emitBytecode } from './bytecode.ts'
import type { SlotOf } from './emitter.ts'

interface Golden {
  name: string
  graph: string
  slots: Record<string, string[]>
  bytecode: { instructions: unknown[]; operators: unknown[]; constants: unknown[]; types: string[]; register_size: number }
}

const goldens = JSON.parse(readFileSync(new URL('../../../test/fixtures/emit/golden.json', import.meta.url), 'utf8')) as Golden[]

const types = new Map<string, Type>([['__torch__.Point', {
  kind: 'TupleType', name: '__torch__.Point', fields: ['x', 'names', 'more'],
  elements: [TensorType, dictOf(StringType, IntType), optionalOf(TensorType)],
}]])

/** As scripts/fixtures/emit.py writes constants. */
function plain(value: IValue): unknown {
  switch (value.tag) {
    case 'None': return null
    case 'Int': return Number(value.value)
    case 'List': return [`torch.jit._pickle.build_${value.elementType.kind === 'IntType' ? 'int' : '?'}list`, value.elements.map(plain)]
    case 'Device': return ['torch.device', value.value]
    case 'Bool': case 'Double': case 'String': return value.value
    default: return value.tag
  }
}

const noSlots: SlotOf = (type, name) => { throw new Error(`${type.name}.${name}`) }

describe('the same bytecode as PyTorch', () => {
  test.each(goldens.map((golden) => [golden.name, golden] as const))('%s', (_, { graph, slots, bytecode }) => {
    const emitted = emitBytecode(parseGraph(graph, { types }), (type, name) => slots[type.name]!.indexOf(name))
    expect(emitted.instructions.map(({ op, x, n }) => [op, x, n])).toEqual(bytecode.instructions)
    expect(emitted.operators.map(({ name, overload, numArgs }) => [name, overload, numArgs])).toEqual(bytecode.operators)
    expect(emitted.constants.map(plain)).toEqual(bytecode.constants)
    expect(emitted.types).toEqual(bytecode.types)
    expect(emitted.registerSize).toBe(bytecode.register_size)
  })
})

function thrown(graph: string): PetalError {
  try {
    emitBytecode(parseGraph(graph), noSlots)
  } catch (error) {
    return error as PetalError
  }
  throw new Error('not refused')
}

describe('limits', () => {
  test('a long chain needs no call stack', () => {
    const length = 20_000
    const lines = Array.from({ length }, (_, i) => `  %${i + 1} : Tensor = aten::relu(%${i})`)
    const { instructions, registerSize } = emitBytecode(parseGraph(`graph(%0 : Tensor):\n${lines.join('\n')}\n  return (%${length})`), noSlots)
    expect(instructions).toHaveLength(length + 3)
    expect(registerSize).toBe(1)
  })

  test('a list with more elements than an instruction can name', () => {
    const list = Array.from({ length: 65_536 }, () => '%0').join(', ')
    const error = thrown(`graph(%0 : int):\n  %1 : int[] = prim::ListConstruct(${list})\n  return (%1)`)
    expect(error.code).toBe('NOT_MOBILE')
    expect(error.message).toContain('65535')
  })

  test('a type that the runtime cannot read', () => {
    expect(thrown('graph(%0 : Tensor):\n  %1 : Future(Tensor)[] = prim::ListConstruct()\n  return (%1)').message).toContain('Future(Tensor)')
  })

  test.each([
    ['prim::CreateObject', '%1 : __torch__.Box = prim::CreateObject()'],
    ['torch.jit.wait', '%1 : Tensor = aten::wait(%0)'],
    ['recursive', '%1 : Tensor = prim::CallMethod[name="again"](%m, %0)'],
  ])('%s', (_, line) => {
    const error = thrown(`graph(%m : __torch__.Net, %0 : Future(Tensor)):\n  ${line}\n  return (%1)`)
    expect(error.code).toBe('NOT_MOBILE')
    expect(error.message).toContain('lite interpreter')
  })
})

test('a register that a loop reads again is not emptied, though PyTorch does', () => {
  const { instructions } = emitBytecode(parseGraph(`graph(%x : Tensor, %n : int):
  %true : bool = prim::Constant[value=1]()
  %a : Tensor = aten::relu(%x)
  %z : Tensor = prim::Loop(%n, %true, %x)
    block0(%i : int, %y : Tensor):
      %next : Tensor = aten::mul(%y, %a)
      -> (%true, %next)
  %t : (Tensor, Tensor, bool) = prim::TupleConstruct(%a, %z, %true)
  return (%t)`), noSlots)
  const loop = instructions.findIndex(({ op }) => op === 'LOOP')
  const body = instructions.slice(loop, loop + instructions[loop]!.x)
  const stored = new Set(body.flatMap(({ op, x, n }) => op === 'STORE' ? [x] : op === 'STOREN' ? Array.from({ length: n }, (_, i) => x + i) : []))
  expect(body.filter(({ op, x }) => op === 'MOVE' && !stored.has(x))).toEqual([])
})
