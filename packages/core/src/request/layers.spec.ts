import { describe, expect, it } from 'vitest'
import { PetalError } from '../errors.ts'
import { defaultRequest, type Layers, parseDirectives, parseImport, parseQuery, readDirectives, specifierOfAttributes } from './index.ts'

const LAYERS: Layers = {
  defaults: (path) => parseQuery(path.endsWith('.py') ? 'convert=trace&lint=error' : '?block=remove_dropout&as=url&lint=error'),
  presets: { camera: parseQuery('image=224&block=conv_bn_fusion'), plain: [] },
}

const requestOf = (id: string): object => parseImport(id, LAYERS)!.request

function failureOf(work: () => unknown): PetalError {
  try {
    work()
  } catch (error) {
    if (error instanceof PetalError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('layers', () => {
  it('let defaults speak where nothing else does, by the file', () => {
    expect(requestOf('./net.pt?mobile')).toEqual({ ...defaultRequest, block: ['remove_dropout'], as: 'url', lint: 'error' })
    expect(requestOf('./net.py?mobile')).toEqual({ ...defaultRequest, convert: 'trace', lint: 'error' })
  })

  it('let a preset win over defaults, and an import over both', () => {
    const camera = { ...defaultRequest, image: [224, 224], block: ['conv_bn_fusion'], as: 'url', lint: 'error' }
    expect(requestOf('./net.pt?mobile=camera')).toEqual(camera)
    expect(requestOf('./net.pt?as=facts&mobile=camera&block=fuse_add_relu')).toEqual({ ...camera, as: 'facts', block: ['fuse_add_relu'] })
    expect(requestOf('./net.pt?mobile=plain')).toEqual(requestOf('./net.pt?mobile'))
  })

  it('can be taken without what defaults say of a stage', () => {
    const asked = parseImport('./net.pt?mobile&lint=off', LAYERS)!
    expect(asked.without(['compilation'])).toEqual({ ...defaultRequest, as: 'url', lint: 'off' })
    expect(asked.without(['conversion'])).toEqual(asked.request)
  })

  it.each([
    ['camra', 'Did you mean "mobile=camera"? Presets: camera, plain.'],
    ['zebra', 'Presets: camera, plain. Name it in the option "presets" of the plugin,'],
    ['__proto__', 'Presets: camera, plain.'],
  ])('know no preset %s', (name, fix) => {
    const error = failureOf(() => requestOf(`./net.pt?mobile=${name}`))
    expect(error.code).toBe('UNKNOWN_PRESET')
    expect(error.what).toBe(`"${name}" in "mobile=${name}" is not a preset.`)
    expect(error.fix).toContain(fix)
  })

  it('say so when there is no preset at all', () => {
    expect(failureOf(() => parseImport('./net.pt?mobile=camera')).fix).toMatch(/^None is defined\. Name it/)
  })

  it('do not excuse what an import says twice, or a default that is no directive', () => {
    expect(failureOf(() => requestOf('./net.pt?mobile&as=url&as=facts')).code).toBe('DUPLICATE_DIRECTIVE')
    expect(failureOf(() => parseImport('./net.pt?mobile', { defaults: () => [['blok', 'x']] })).code).toBe('UNKNOWN_DIRECTIVE')
    expect(failureOf(() => parseDirectives([['mobile', 'camera']])).code).toBe('MARKER_VALUE')
  })
})

describe('directives of an option', () => {
  it('are a query or an object', () => {
    const written = [['image', '224'], ['block', 'conv_bn_fusion,fuse_add_relu'], ['trust', undefined], ['tolerance', '0.001']]
    expect(readDirectives({ image: 224, block: ['conv_bn_fusion', 'fuse_add_relu'], trust: true, tolerance: 1e-3 })).toEqual(written)
    expect(readDirectives('?image=224&block=conv_bn_fusion,fuse_add_relu&trust&tolerance=0.001')).toEqual(written)
    expect(failureOf(() => readDirectives('block=a b')).code).toBe('BAD_QUERY')
  })
})

describe('import attributes', () => {
  it.each([
    ['./net.pt', [['type', 'mobile']], './net.pt?mobile'],
    ['./net.pt', [['type', 'mobile'], ['block', 'conv_bn_fusion,fuse_add_relu'], ['trust', '']], './net.pt?mobile&block=conv_bn_fusion,fuse_add_relu&trust'],
    ['./net.py', [['input', 'int64[1x16]<1000'], ['preset', 'camera'], ['type', 'mobile']], './net.py?mobile=camera&input=int64%5B1x16%5D%3C1000'],
    ['./net.pt?as=url', [['type', 'mobile']], './net.pt?as=url&mobile'],
    ['./data.json', [['type', 'json']], undefined],
  ] as const)('of %s are a query', (specifier, attributes, meant) => {
    expect(specifierOfAttributes(specifier, attributes)).toBe(meant)
  })
})
