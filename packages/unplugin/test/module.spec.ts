import type { BuildResult, BuiltFacts } from '@petaljs/core'
import { createHandle } from '@petaljs/runtime/handle'
import { describe, expect, it } from 'vitest'
import type { ModelFacts } from '../src/handle.ts'
import { summary } from '../src/models.ts'
import { generateModule, modelFacts, runtimeSpecifier, type Shape } from '../src/module.ts'

const PORTS = {
  inputs: [{ name: `it's "x"\u2028</script>`, type: 'Tensor', shape: [1, null] }], outputs: [{ name: 'y', type: 'Tensor' }],
}
const FACTS: BuiltFacts = {
  format: 'ptl', backend: 'cpu', bytecodeVersion: 8, operatorVersion: 3,
  ...PORTS, signature: PORTS,
  runtime: { families: ['pool', 'prepacked'], unsupported: [] },
  imports: { pool: ['aten__max_pool2d'], prepacked: ['Conv2dOpContext', 'prepacked__conv2d_clamp_run'] }, check: { skipped: 'there are no example inputs' },
  operators: { before: { 'aten::relu': 1 }, after: JSON.parse('{ "__proto__": 7, "constructor": 1 }') }, optimizations: [], parameters: 12,
  bytes: { before: 3_000_000, after: 2_499_999 },
}
const RESULT: BuildResult = {
  file: '/store/net.ptl', sha256: 'ab', bytes: 2_499_999, facts: FACTS, source: { name: 'net.pt', bytes: 3_000_000, sha256: 'cd' },
  dependencies: [], warnings: [], fromCache: false, key: 'a'.repeat(64),
}

const RUNTIME = { load: 'load', families: [] }

/** What the module exports by default, with `imported` in place of what it imports. */
function evaluate(shape: Shape): any {
  const code = generateModule(shape, { asset: './net.ptl', runtime: './net.pt?mobile&as=runtime', facts: modelFacts(RESULT), imports: FACTS.imports })
  const body = code.replaceAll(/^import (\w+|\{ \w+ \}) from (.*)$/gm, 'const $1 = imported[$2]').replaceAll('import(', 'load(').replace('export default', 'return')
  const imported = { './net.ptl': '/net.ptl', '@petaljs/runtime/handle': { createHandle } }
  return new Function('imported', 'load', body)(imported, async (specifier: string) => ({ ...RUNTIME, specifier }))
}

describe('the generated module', () => {
  it('carries any fact through, as data', () => {
    const model = evaluate('handle')
    const { url, ...facts } = model
    expect(url).toBe('/net.ptl')
    expect(JSON.stringify(facts)).toBe(JSON.stringify(modelFacts(RESULT)))
    expect(Object.keys(model.operators.after)).toEqual(['__proto__', 'constructor'])
  })

  it('makes handles that nothing can change', () => {
    const model = evaluate('handle')
    expect(() => { model.inputs[0].shape[0] = 3 }).toThrow(TypeError)
    expect(() => { model.load = 1 }).toThrow(TypeError)
    expect(`${model}`).toBe('/net.ptl')
  })

  it('has only a default export, of the wanted shape', () => {
    expect(evaluate('url')).toBe('/net.ptl')
    const facts: ModelFacts = evaluate('facts')
    expect(facts.source).toEqual(RESULT.source)
    expect(facts.integrity).toBe(`sha256-${Buffer.from([0xab]).toString('base64')}`)
    expect(generateModule('facts', { asset: './net.ptl', runtime: '', facts, imports: FACTS.imports })).not.toContain('import')
  })

  it('imports the operators that the model needs and no others', () => {
    const code = generateModule('runtime', { asset: './net.ptl', runtime: '', facts: modelFacts(RESULT), imports: FACTS.imports })
    expect(code).toBe(`\
import { aten__max_pool2d as part0_0, kernels as kernels0 } from "@petaljs/runtime/ops/pool"
import { Conv2dOpContext as part1_0, prepacked__conv2d_clamp_run as part1_1, kernels as kernels1 } from "@petaljs/runtime/ops/prepacked"
export { load } from '@petaljs/runtime/load'
export const families = [{
  name: 'used',
  operators: { ...part0_0, ...part1_1 },
  kernels: [...kernels0, ...kernels1],
  prepare: { ...part1_0 },
}]
`)
    expect(modelFacts(RESULT)).not.toHaveProperty('imports')
  })

  it.each([
    ['/app/src/net.pt?mobile', './net.pt?mobile&as=runtime'],
    ['C:\\app\\my net.pt?block=remove_dropout&mobile&as=handle', './my net.pt?block=remove_dropout&mobile&as=runtime'],
    ['/app/net.py?mobile&weights=../a/b.pth', './net.py?mobile&weights=../a/b.pth&as=runtime'],
  ])('%s has its runtime in %s', (id, specifier) => {
    expect(runtimeSpecifier(id)).toBe(specifier)
  })
})

describe('the line at the end of a build', () => {
  it('counts models, cached and compiled, and their sizes', () => {
    const cached = { ...RESULT, fromCache: true }
    const small = { ...RESULT, facts: { ...FACTS, bytes: { before: 999, after: 5 } }, bytes: 5 }
    expect(summary([RESULT])).toBe('1 model, compiled: 3.00 MB → 2.50 MB')
    expect(summary([cached])).toBe('1 model, from the cache: 3.00 MB → 2.50 MB')
    expect(summary([RESULT, cached, cached])).toBe('3 models, 1 compiled, 2 from the cache: 9.00 MB → 7.50 MB')
    expect(summary([small])).toBe('1 model, compiled: 999 B → 5 B')
  })
})
