import { coverage } from '@petaljs/runtime/build'
import { describe, expect, it } from 'vitest'
import type { Call, Needs } from './compiler/artifact.ts'
import { lackOf, notOnWeb, runtimeFact, runtimeImports } from './coverage.ts'

const call = (operator: string, line?: number): Call =>
  ({ operator, instruction: 0, ...line !== undefined && { at: { file: 'code/__torch__.py', line } } })

const NEEDS: Needs = {
  calls: [call('aten::softmax.int', 3), call('aten::zap', 7), call('aten::softmax.int', 9), call('aten::zap', 9), call('constructor')],
  instructions: ['FORMAT', 'LOAD', 'OP', 'ZAP'], classes: ['__torch__.a.Packed', '__torch__.a.Other'], dtypes: ['float32', 'bfloat16'],
}

const SMALL = {
  operators: { 'aten::softmax.int': 'softmax', 'aten::relu': 'activation', 'aten::format': 'strings' }, classes: { '__torch__.a.Packed': 'conv' },
  instructions: ['FORMAT', 'LOAD', 'OP'], behind: { FORMAT: 'aten::format' }, dtypes: ['float32'],
}

describe('what a model needs of the runtime', () => {
  it('are the families of its operators and packed weights, and what there is none for', () => {
    expect(runtimeFact(NEEDS, SMALL)).toEqual({
      families: ['conv', 'softmax', 'strings'],
      unsupported: [
        { operator: 'aten::zap', count: 2, at: 'code/__torch__.py:7' },
        { operator: 'bfloat16 tensors', count: 1 },
        { operator: 'constructor', count: 1 },
        { operator: 'the instruction ZAP', count: 1 },
        { operator: 'weights packed as Other', count: 1 },
      ],
    })
  })

  it('is imported operator by operator, with what stands for those of old models', () => {
    const operators = { ...SMALL.operators, 'aten::div.Tensor': 'arithmetic', 'aten::div.Tensor_mode': 'arithmetic' }
    const coverage = { ...SMALL, operators, upgrades: { 'aten::div.Tensor': { until: 3, uses: 'aten::div.Tensor_mode' } } }
    const needs = { ...NEEDS, calls: [...NEEDS.calls, call('aten::div.Tensor')] }
    const imports = { conv: ['Packed'], softmax: ['aten__softmax_int'], strings: ['aten__format'] }
    expect(runtimeImports(needs, 4, coverage)).toEqual({ arithmetic: ['aten__div_Tensor'], ...imports })
    expect(runtimeImports(needs, 3, coverage)).toEqual({ arithmetic: ['aten__div_Tensor', 'aten__div_Tensor_mode'], ...imports })
  })

  it('is told with names, counts and places', () => {
    const runtime = runtimeFact({ ...NEEDS, instructions: [], classes: [], dtypes: [] }, SMALL)
    expect(lackOf(runtime)?.message).toContain('lacks aten::zap (2 times, first at code/__torch__.py:7), constructor (once)')
    expect(lackOf(runtime)?.location).toEqual({ file: 'code/__torch__.py', line: 7 })
    expect(notOnWeb(runtime, 'net.pt')).toMatchObject({ code: 'NOT_ON_WEB', what: expect.stringContaining('net.pt cannot run on the web') })
    const complete = runtimeFact({ calls: [call('aten::relu')], instructions: ['OP'], classes: [], dtypes: [] }, SMALL)
    expect([lackOf(complete), notOnWeb(complete, 'net.pt')]).toEqual([undefined, undefined])
  })

  it('is looked up in the runtime that comes with it', () => {
    const known = Object.entries(coverage.operators)
    expect(known.length).toBeGreaterThan(50)
    const [operator, family] = known[0]!
    expect(runtimeFact({ calls: [call(operator), call('aten::no_such')], instructions: ['OP'], classes: [], dtypes: ['float32'] })).toEqual({
      families: [family], unsupported: [{ operator: 'aten::no_such', count: 1 }],
    })
  })
})
