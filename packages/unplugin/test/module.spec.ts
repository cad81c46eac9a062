import type { BuildResult, Facts } from '@petaljs/core'
import { describe, expect, it } from 'vitest'
import type { ModelFacts } from '../src/handle.ts'
import { summary } from '../src/models.ts'
import { generateModule, modelFacts } from '../src/module.ts'

const FACTS: Facts = {
  format: 'ptl', backend: 'cpu', bytecodeVersion: 8, operatorVersion: 3,
  inputs: [{ name: `it's "x"\u2028</script>`, type: 'Tensor', shape: [1, null] }], outputs: [{ name: 'y', type: 'Tensor' }],
  operators: { before: { 'aten::relu': 1 }, after: JSON.parse('{ "__proto__": 7, "constructor": 1 }') }, optimizations: [], parameters: 12,
  bytes: { before: 3_000_000, after: 2_499_999 },
}
const RESULT: BuildResult = {
  file: '/store/net.ptl', sha256: 'ab', bytes: 2_499_999, facts: FACTS, source: { name: 'net.pt', bytes: 3_000_000, sha256: 'cd' },
  dependencies: [], warnings: [], fromCache: false,
}

async function evaluate(shape: 'handle' | 'url' | 'facts'): Promise<any> {
  const code = generateModule(shape, './net.ptl', modelFacts(RESULT))
  const asset = `data:text/javascript,export default "/net.ptl"`
  const runnable = code.replace('"./net.ptl"', JSON.stringify(asset))
  return (await import(/* @vite-ignore */ `data:text/javascript;charset=utf-8,${encodeURIComponent(runnable)}`)).default
}

describe('the generated module', () => {
  it('carries any fact through, as data', async () => {
    const model = await evaluate('handle')
    const { url, ...facts } = model
    expect(url).toBe('/net.ptl')
    expect(JSON.stringify(facts)).toBe(JSON.stringify(modelFacts(RESULT)))
    expect(Object.keys(model.operators.after)).toEqual(['__proto__', 'constructor'])
  })

  it('makes handles that nothing can change', async () => {
    const model = await evaluate('handle')
    expect(() => { model.inputs[0].shape[0] = 3 }).toThrow(TypeError)
    expect(() => { model.load = 1 }).toThrow(TypeError)
    expect(`${model}`).toBe('/net.ptl')
  })

  it('has only a default export, of the wanted shape', async () => {
    expect(await evaluate('url')).toBe('/net.ptl')
    const facts: ModelFacts = await evaluate('facts')
    expect(facts.source).toEqual(RESULT.source)
    expect(generateModule('facts', './net.ptl', modelFacts(RESULT))).not.toContain('import')
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
