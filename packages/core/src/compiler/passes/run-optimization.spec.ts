import { describe, expect, it } from 'vitest'
import { interpret, Raised, show, type Box, type Memory, type RunValue } from '../../../test/interpret.ts'
import { expectPass, recordLog } from '../../../test/ir.ts'
import { randomGraph } from '../../../test/random-graph.ts'
import type { Graph } from '../ir/graph.ts'
import { parseGraph } from '../ir/parser.ts'
import { printGraph } from '../ir/printer.ts'
import { verify } from '../ir/verifier.ts'
import { commonSubexpressionElimination } from './common-subexpression-elimination.ts'
import { constantPooling } from './constant-pooling.ts'
import { constantPropagation } from './constant-propagation.ts'
import { deadCodeElimination } from './dead-code-elimination.ts'
import { eliminateNoOps } from './eliminate-no-ops.ts'
import { unrollConstantLoops } from './loop-unrolling.ts'
import { lowerSimpleTuples } from './lower-tuples.ts'
import { peepholeListIdioms } from './peephole-list-idioms.ts'
import { peephole } from './peephole.ts'
import { removeListMutation } from './remove-list-mutation.ts'
import { runOptimization } from './run-optimization.ts'

/** All that can be seen of two runs from outside: results, what happened to the inputs, who shares memory with whom, effects. */
function observe(graph: Graph): string | undefined {
  const memory: Memory = new Map()
  const seen: string[] = []
  try {
    for (let round = 0; round < 2; round++) {
      const a: Box = { number: 2 + round }
      const inputs: RunValue[] = [a, round === 0 ? a : { number: -3 }, 2n - BigInt(round), round === 0, [5n, 6n], [{ number: 7 }, a]]
      const effects: string[] = []
      const outputs = interpret(graph, inputs, memory, effects)
      const all = [...inputs, ...outputs]
      const shared = all.map((value) => typeof value === 'object' && value !== null ? all.indexOf(value) : '-')
      seen.push(`${all.map(show).join('; ')} | ${shared.join(' ')} | ${effects.join('; ')}`)
      // The caller may change what it was given; the next run must not see that.
      for (const output of outputs) {
        if (Array.isArray(output)) output.push(99n)
        else if (output !== null && typeof output === 'object') output.number = 99
      }
    }
  } catch (error) {
    if (error instanceof Raised) return undefined
    throw error
  }
  return seen.join('\n')
}

const PASSES = [
  deadCodeElimination, commonSubexpressionElimination, constantPropagation, constantPooling, peephole, peepholeListIdioms, lowerSimpleTuples,
  unrollConstantLoops, removeListMutation, eliminateNoOps, runOptimization,
]

const SEEDS = Number(process.env['PETAL_FUZZ'] ?? 100)
const FIRST = Number(process.env['PETAL_FUZZ_FIRST'] ?? 0)

describe('passes on random programs', () => {
  it.each(PASSES)('$name keeps what a program does', (pass) => {
    let compared = 0
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const graph = randomGraph(seed)
      const before = printGraph(graph)
      const expected = observe(graph)
      pass.run(graph, recordLog())
      verify(graph)
      if (expected === undefined) continue
      compared++
      const actual = observe(graph)
      if (actual !== expected) expect.fail(`seed ${seed}\n${before}\n\nbecomes\n${printGraph(graph)}\n\n${expected}\n\nbecomes\n${actual}`)
    }
    expect(compared).toBeGreaterThan(SEEDS / 4)
  })

  it('print, parse and print again as the same text', () => {
    for (let seed = 0; seed < 100; seed++) {
      const graph = randomGraph(seed)
      verify(graph)
      const text = printGraph(graph)
      expect(printGraph(parseGraph(text))).toBe(text)
    }
  })
})

describe('runOptimization', () => {
  it('folds a scripted loop over a constant range with a list and a check', () => {
    expectPass(runOptimization, `graph(%x : Tensor):
  %true : bool = prim::Constant[value=1]()
  %n : int = prim::Constant[value=2]()
  %m : str = prim::Constant[value="too few"]()
  %none : NoneType = prim::Constant()
  %l : Tensor[] = prim::ListConstruct()
  prim::Loop(%n, %true)
    block0(%i : int):
      %a : Tensor = aten::add(%x, %i, %n)
      %b : Tensor[] = aten::append(%l, %a)
      -> (%true)
  %len : int = aten::len(%l)
  %bad : bool = aten::ne(%len, %n)
  prim::If(%bad)
    block0():
      prim::RaiseException(%m, %none)
      -> ()
    block1():
      -> ()
  %p : Tensor, %q : Tensor = prim::ListUnpack(%l)
  %y : Tensor = aten::matmul(%p, %q)
  return (%y)`, `graph(%x : Tensor):
  %n : int = prim::Constant[value=2]()
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %p : Tensor = aten::add(%x, %0, %n)
  %q : Tensor = aten::add(%x, %1, %n)
  %y : Tensor = aten::matmul(%p, %q)
  return (%y)`)
  })

  it('keeps a check that depends on the input', () => {
    expectPass(runOptimization, `graph(%x : Tensor):
  %m : str = prim::Constant[value="rank"]()
  %none : NoneType = prim::Constant()
  %four : int = prim::Constant[value=4]()
  %d : int = aten::dim(%x)
  %bad : bool = aten::ne(%d, %four)
  prim::If(%bad)
    block0():
      prim::RaiseException(%m, %none)
      -> ()
    block1():
      -> ()
  return (%x)`)
  })
})
