import { describe, expect, it } from 'vitest'
import { PetalError } from '../errors.ts'
import { editDistance } from '../compiler/ir/ops/nearest.ts'
import { canonicalRequest, defaultRequest, DIRECTIVES, nearest, parseDirectives, parseImport, stripDevQuery } from './index.ts'

function failureOf(id: string): PetalError {
  try {
    parseImport(id)
  } catch (error) {
    if (error instanceof PetalError) return error
    throw error
  }
  throw new Error(`${id} was accepted`)
}

describe('an import', () => {
  it.each([
    './net.pt', './net.pt?url', './net.pt?import&t=17', './net.pt?mobilenet', './net.pt?as=mobile', './net.pt?block=conv_bn_fusion',
    './net.pt?', '\0virtual?mobile', './mobile.pt', './net.pt?mobile#part', './net.pt?Mobile',
  ])('%s is not ours', (id) => {
    expect(parseImport(id)).toBeUndefined()
  })

  it.each([
    './net.pt?mobile', './net.pt?mobile=', './net.pt?mobile=true', './net.pt?&mobile&', './net.pt?mobile&backend=cpu&format=ptl&as=handle',
  ])(
    '%s asks for the defaults', (id) => {
      expect(parseImport(id)).toEqual({ path: './net.pt', request: defaultRequest })
    },
  )

  it('keeps the path as it is', () => {
    expect(parseImport('/a b/%20/[x]#1.pt?mobile')?.path).toBe('/a b/%20/[x]#1.pt')
  })

  it('takes lists in any order, any case, with repetitions, escaped or not', () => {
    const spellings = [
      'mobile&block=conv_bn_fusion,fuse_add_relu', 'block=fuse_add_relu,conv_bn_fusion&mobile',
      'mobile&block=FUSE_ADD_RELU,Conv_BN_Fusion,fuse_add_relu', 'block=conv_bn_fusion%2Cfuse_add_relu&mobile=true',
      'format=PTL&mobile&block=conv_bn_fusion,fuse_add_relu&backend=CPU',
    ]
    for (const spelling of spellings) {
      expect(parseImport(`x.pt?${spelling}`)?.request).toEqual({ ...defaultRequest, block: ['conv_bn_fusion', 'fuse_add_relu'] })
    }
  })

  it.each([
    ['mobile&block=', 'EMPTY_DIRECTIVE', 'The directive "block" has no value.'],
    ['mobile&block', 'EMPTY_DIRECTIVE', 'The directive "block" has no value.'],
    ['mobile&block=conv_bn_fusion,', 'UNKNOWN_VALUE', 'The directive "block" has an empty item in its list.'],
    ['mobile&as=url&as=url', 'DUPLICATE_DIRECTIVE', 'The directive "as" is given more than once.'],
    ['mobile&mobile', 'DUPLICATE_DIRECTIVE', 'The directive "mobile" is given more than once.'],
    ['mobile=yes', 'MARKER_VALUE', '"mobile" takes no value, and was given "yes".'],
    ['mobile&=x', 'UNKNOWN_DIRECTIVE', 'A value has no directive name before it.'],
    ['mobile&block=a!b', 'BAD_QUERY', '"block=a!b" in this "?mobile" import has characters that no directive uses.'],
    ['mobile&block=%zz', 'BAD_QUERY', '"block=%zz" in this "?mobile" import has characters that no directive uses.'],
    ['mobile&a%3Db', 'BAD_QUERY', '"a%3Db" in this "?mobile" import has characters that no directive uses.'],
    ['mobile&__proto__=1', 'UNKNOWN_DIRECTIVE', '"__proto__" is not a directive of a "?mobile" import.'],
    ['mobile&constructor=1', 'UNKNOWN_DIRECTIVE', undefined],
    [`mobile&block=${'a'.repeat(3000)}`, 'QUERY_TOO_LONG', undefined],
  ])('?%s is refused: %s', (query, code, what) => {
    const error = failureOf(`x.pt?${query}`)
    expect(error.code).toBe(code)
    if (what !== undefined) expect(error.what).toBe(what)
  })

  it.each([
    ['block=conv_bn', 'Did you mean "conv_bn_fusion"?'],
    ['block=conv-bn-fusion', 'Did you mean "conv_bn_fusion"?'],
    ['block=dropout', 'Did you mean "remove_dropout"?'],
    ['block=conv1d_to_2d', 'Did you mean "conv_1d_to_2d"?'],
    ['blcok=conv_bn_fusion', 'Did you mean "block"?'],
    ['blocklist=conv_bn_fusion', 'Did you mean "block"?'],
    ['Block=conv_bn_fusion', 'Did you mean "block"?'],
    ['url', 'Did you mean "as=url"?'],
    ['cpu', 'Did you mean "backend=cpu"?'],
    ['fuse_add_relu', 'Did you mean "block=fuse_add_relu"?'],
    ['as=facst', 'Did you mean "facts"?'],
  ])('?mobile&%s gets a suggestion', (query, suggestion) => {
    expect(failureOf(`x.pt?mobile&${query}`).fix).toContain(suggestion)
  })

  it.each([
    ['backend=vulkan', 'Valid: cpu.'],
    ['backend=metal', 'Valid: cpu.'],
    ['format=onnx', 'Valid: ptl.'],
    ['zebra=1', 'Valid: as, backend, block, format.'],
    ['block=vulkan_automatic_gpu_transfer', 'Valid: conv_1d_to_2d, conv_bn_fusion,'],
  ])('?mobile&%s names what is valid and guesses nothing', (query, valid) => {
    const { fix } = failureOf(`x.pt?mobile&${query}`)
    expect(fix).toContain(valid)
    expect(fix).not.toContain('Did you mean')
  })
})

describe('a request', () => {
  it('has one canonical spelling, without what does not change the bytes', () => {
    expect(canonicalRequest(defaultRequest)).toBe('backend=cpu&block=&format=ptl')
    const url = parseDirectives([['as', 'url'], ['block', 'remove_dropout,CONV_BN_FUSION']])
    expect(canonicalRequest(url)).toBe('backend=cpu&block=conv_bn_fusion,remove_dropout&format=ptl')
    expect(canonicalRequest({ ...url, block: url.block.toReversed() })).toBe(canonicalRequest(url))
  })

  it('can be parsed from its canonical spelling again', () => {
    const request = parseDirectives([['block', 'remove_dropout']])
    expect(parseImport(`x?mobile&${canonicalRequest(request)}`)?.request).toEqual(request)
  })

  it('cannot be changed', () => {
    expect(Object.isFrozen(parseDirectives([]))).toBe(true)
  })

  it('has a table whose directives are named as their fields', () => {
    expect(Object.entries(DIRECTIVES).every(([name, directive]) => directive.name === name)).toBe(true)
  })
})

describe('what a dev server adds', () => {
  it.each([
    ['/net.pt?mobile&import', '/net.pt?mobile'],
    ['/net.pt?import&mobile&t=1763800000000', '/net.pt?mobile'],
    ['/net.pt?v=0a1b2c3d&mobile&block=conv_bn_fusion', '/net.pt?mobile&block=conv_bn_fusion'],
    ['/net.pt?import', '/net.pt'],
    ['/net.pt?t=now&v=xyz', '/net.pt?t=now&v=xyz'],
    ['/net.pt', '/net.pt'],
  ])('%s -> %s', (id, kept) => {
    expect(stripDevQuery(id)).toBe(kept)
  })
})

describe('nearest', () => {
  it('counts insertions, deletions, replacements and swaps', () => {
    const pairs = [['', 'abc'], ['abc', 'abc'], ['abc', 'acb'], ['abc', 'abd'], ['abc', 'ab'], ['kitten', 'sitting'], ['ca', 'abc']]
    expect(pairs.map(([a, b]) => editDistance(a!, b!))).toEqual([3, 0, 1, 1, 1, 3, 3])
  })

  it('is silent when nothing is near', () => {
    expect(nearest('vulkan', ['cpu'])).toBeUndefined()
    expect(nearest('', ['cpu'])).toBeUndefined()
    expect(nearest('x'.repeat(65), ['x'.repeat(66)])).toBeUndefined()
  })
})
