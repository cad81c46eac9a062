import { describe, expect, it } from 'vitest'
import { schemaToString } from '../schema-printer.ts'
import { findSchema, nearestOperators, operatorNames, operatorsNamed, requiresNewerRuntime, schemaTexts } from './index.ts'

/** Types that are another type to the JIT are printed as that one, and numbers as JavaScript prints them. */
function normalize(text: string): string {
  const [parameters, returns] = [text.slice(0, text.lastIndexOf(' -> ')), text.slice(text.lastIndexOf(' -> '))]
  return (parameters.replace(/\b(ScalarType|Layout|MemoryFormat|DeviceIndex)\b(?=[[\]?\d]* \w)/g, 'int').replace(/\bDimname\b/g, 'str')
    + returns.replace(/\b(ScalarType|Layout)\b/g, 'int').replace(/\bSymBool\b/g, 'bool'))
    .replace(/=(-?[\d.]+(?:e[-+]?\d+)?)(?=[,)])/g, (_, number: string) => `=${Number(number)}`)
}

describe('the operator table', () => {
  it('has every schema in a form that parses and prints back', () => {
    let count = 0
    for (const name of operatorNames()) {
      const texts = schemaTexts(name)
      operatorsNamed(name).forEach(({ schema, requires }, i) => {
        count++
        expect(texts[i]!.startsWith('+')).toBe(requires === '2.x')
        expect(normalize(schemaToString(schema))).toBe(normalize(texts[i]!.replace(/^\+/, '')))
      })
    }
    expect(count).toBeGreaterThan(4500)
  })

  it('lists overloads in the order of registration', () => {
    expect(operatorsNamed('aten::floor').map(({ schema }) => schema.overload)).toEqual(['', 'out', 'int', 'float', 'Scalar'])
  })

  it('keeps the older signature first and marks the newer one', () => {
    const [old, newer] = operatorsNamed('aten::pad_sequence').filter(({ schema }) => schema.overload === '')
    expect(old!.schema.arguments.map(({ name }) => name)).toEqual(['sequences', 'batch_first', 'padding_value'])
    expect(newer!.schema.arguments.map(({ name }) => name)).toEqual(['sequences', 'batch_first', 'padding_value', 'padding_side'])
    expect([old!.requires, newer!.requires]).toEqual([undefined, '2.x'])
    expect(requiresNewerRuntime(newer!.schema)).toBe(true)
    expect(findSchema('aten::pad_sequence', '')).toBe(old!.schema)
  })

  it('has operators of libraries that saved models use, and none of Python', () => {
    for (const name of ['torchvision::nms', 'quantized::conv2d', 'prepacked::conv2d_clamp_run']) expect(operatorNames()).toContain(name)
    expect(operatorNames().some((name) => name.startsWith('prims::'))).toBe(false)
  })

  it('knows nothing of other names, whatever they are', () => {
    for (const name of ['aten::no_such', 'constructor', '__proto__', '', 'aten::']) expect(operatorsNamed(name)).toEqual([])
  })

  it('finds names that were meant', () => {
    expect(nearestOperators('aten::conv2')).toContain('aten::conv2d')
    expect(nearestOperators('aten::' + 'x'.repeat(5000))).toEqual([])
  })
})
