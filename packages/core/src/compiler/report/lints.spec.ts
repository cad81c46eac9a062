import { describe, expect, it } from 'vitest'
import { graphOf } from '../../../test/ir.ts'
import type { ScalarType } from '../archive/tensor.ts'
import { classType } from '../ir/class-type.ts'
import { type IValue, type ObjectValue, tensorValue } from '../ir/ivalue.ts'
import { literalTensor, memoryStorage } from '../ir/literal.ts'
import type { Program } from '../program.ts'
import { lintWarnings, refuseLints } from './lint-policy.ts'
import { lintsOf } from './lints.ts'

const TYPE = classType('__torch__.Net', { isModule: true })

function program(body: string, slots: Readonly<Record<string, IValue>> = {}): Program {
  const root: ObjectValue = { tag: 'Object', type: TYPE, slots: new Map(Object.entries(slots)) }
  const graph = graphOf(`graph(%self : __torch__.Net, %x : Tensor, %flag : bool):
  %p : float = prim::Constant[value=0.5]()
  %true : bool = prim::Constant[value=1]()
  %false : bool = prim::Constant[value=0]()
  %none : None = prim::Constant()
${body}
  return (%x)`, { types: new Map([[TYPE.name, TYPE]]) })
  const schema = { name: 'forward', overload: '', arguments: [], returns: [], isVararg: false, isVarret: false }
  const method = (name: string): Program['methods'][number] => ({ name, schema, graph })
  return { root, methods: [method('forward'), { ...method('get_all_bundled_inputs'), graph: graphOf('graph():\n  return ()') }], flags: {} }
}

const codes = (made: Program): string[] => lintsOf(made).map(({ code }) => code)

const weight = (scalarType: ScalarType, count: number, requiresGrad = false): IValue => {
  const bytes = new Uint8Array(count * 8)
  return tensorValue({ ...literalTensor('Float', [count], Array(count).fill(0)), scalarType, requiresGrad, storage: memoryStorage(`${scalarType} ${count}`, scalarType, bytes) })
}

describe('lints', () => {
  it.each<[string, Program, string[]]>([
    ['nothing', program('  %y : Tensor = aten::relu(%x)'), []],
    ['no bundled inputs', { ...program(''), methods: program('').methods.slice(0, 1) }, ['BUNDLED_INPUT']],
    ['dropout', program('  %y : Tensor = aten::dropout(%x, %p, %flag)'), ['DROPOUT']],
    ['dropout of features', program('  %y : Tensor = aten::feature_dropout(%x, %p, %false)'), ['DROPOUT']],
    ['dropout in training', program('  %y : Tensor = aten::dropout(%x, %p, %true)'), ['DROPOUT', 'TRAINING_MODE']],
    ['a batch norm', program('  %y : Tensor = aten::batch_norm(%x, %none, %none, %x, %x, %false, %p, %p, %true)'), ['BATCHNORM']],
    ['a batch norm in training', program('  %y : Tensor = aten::batch_norm(%x, %none, %none, %x, %x, %true, %p, %p, %true)'), ['BATCHNORM', 'TRAINING_MODE']],
    ['a batch norm without averages', program('  %y : Tensor = aten::batch_norm(%x, %none, %none, %none, %none, %true, %p, %p, %true)'), ['BATCHNORM']],
    ['a weight with gradients', program('', { w: weight('Float', 3, true) }), ['REQUIRES_GRAD']],
    ['a weight of half floats', program('', { w: weight('Half', 3) }), ['FLOAT16_WEIGHTS']],
    ['a weight of doubles', program('', { w: weight('Double', 3) }), ['FLOAT64_WEIGHTS']],
    ['a number that is a double', program('', { w: weight('Double', 1) }), []],
    ['bundled inputs of doubles', program('', { _bundled_inputs_deflated_forward: weight('Double', 3) }), []],
  ])('of %s', (_, made, expected) => {
    expect(codes(made)).toEqual(expected)
  })

  it('count and name what they are about', () => {
    const made = program(`  %y : Tensor = aten::dropout(%x, %p, %flag)
  %z : Tensor = aten::dropout(%x, %p, %flag)
  %w : Tensor = aten::alpha_dropout(%x, %p, %flag)`, { a: weight('Half', 3), b: weight('Half', 4), c: weight('Float', 2, true) })
    expect(lintsOf(made)).toEqual([
      { code: 'REQUIRES_GRAD', message: 'The parameter c requires gradients.', count: 1 },
      { code: 'DROPOUT', message: 'aten::alpha_dropout (once), aten::dropout (2 times) are left in the file.', count: 3 },
      { code: 'FLOAT16_WEIGHTS', message: '2 weights with 7 elements are float16.', count: 2 },
    ])
  })

  it('are told of operators that a runtime lacks', () => {
    const missing = { operators: [{ operator: 'aten::silu', count: 2, why: 'too new', at: { file: 'code/a.py', line: 3 } }], sentence: (list: string) => `It lacks ${list}.` }
    expect(lintsOf(program(''), missing)).toEqual([
      { code: 'MISSING_OPERATOR', message: 'It lacks aten::silu (too new, 2 times, first at code/a.py:3).', count: 2, at: { file: 'code/a.py', line: 3 } },
    ])
  })
})

describe('a policy', () => {
  const lints = lintsOf({ ...program('  %y : Tensor = aten::dropout(%x, %p, %flag)'), methods: program('  %y : Tensor = aten::dropout(%x, %p, %flag)').methods.slice(0, 1) })

  it.each([['off', []], ['auto', ['DROPOUT']], ['warn', ['BUNDLED_INPUT', 'DROPOUT']]] as const)('%s warns of %s', (policy, warned) => {
    expect(lintWarnings(lints, policy).map(({ code }) => code)).toEqual(warned)
    expect(() => refuseLints(lints, policy)).not.toThrow()
  })

  it('that makes errors lists them, with what to do about each', () => {
    expect(() => refuseLints(lints, 'error', 'net.pt')).toThrow(/^net\.pt has 2 lints that are errors: BUNDLED_INPUT: .* DROPOUT: /)
    expect(() => refuseLints(lints, ['DROPOUT'])).toThrow(/^The model has a lint that is an error: DROPOUT: aten::dropout \(once\) is left in the file\.\n\n"lint=dropout" asks for that\. DROPOUT: Call /)
    expect(() => refuseLints(lints, ['BATCHNORM'])).not.toThrow()
  })
})
