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
    './net.pt?', '\0virtual?mobile', './mobile.pt', './net.pt?Mobile',
  ])('%s is not ours', (id) => {
    expect(parseImport(id)).toBeUndefined()
  })

  it.each([
    './net.pt?mobile', './net.pt?mobile=', './net.pt?mobile=true', './net.pt?&mobile&', './net.pt?mobile&backend=cpu&format=ptl&as=handle',
  ])(
    '%s asks for the defaults', (id) => {
      expect(parseImport(id)).toMatchObject({ path: './net.pt', request: defaultRequest })
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
    ['mobile=yes', 'UNKNOWN_PRESET', '"yes" in "mobile=yes" is not a preset.'],
    ['mobile&=x', 'UNKNOWN_DIRECTIVE', 'A value has no directive name before it.'],
    ['mobile&block=a!b', 'BAD_QUERY', '"block=a!b" in this "?mobile" import has characters that it may not have.'],
    ['mobile!', 'BAD_QUERY', '"mobile!" in this "?mobile" import has characters that it may not have.'],
    ['mobile#top', 'BAD_QUERY', '"mobile#top" in this "?mobile" import has characters that it may not have.'],
    ['block=remove_dropout& mobile%21', 'BAD_QUERY', '" mobile%21" in this "?mobile" import has characters that it may not have.'],
    ['mobile&amp;block=a', 'BAD_QUERY', '"&amp;block=a" in this "?mobile" import begins with what HTML writes for "&".'],
    ['mobile&block=%zz', 'BAD_QUERY', '"block=%zz" in this "?mobile" import has characters that it may not have.'],
    ['mobile&a%3Db', 'BAD_QUERY', '"a%3Db" in this "?mobile" import has characters that it may not have.'],
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
    ['backend=opencl', 'Valid: cpu, vulkan, metal.'],
    ['format=onnx', 'Valid: ptl, flatbuffer, torchscript.'],
    ['runtime=pixel', 'Valid: 1.9, 1.10, 1.11, 1.12, 1.13, 2.0, 2.1, any.'],
    ['zebra=1', 'Valid: args, as, backend, block,'],
    ['block=amp', 'Valid: conv_1d_to_2d, conv_bn_fusion,'],
  ])('?mobile&%s names what is valid and guesses nothing', (query, valid) => {
    const { fix } = failureOf(`x.pt?mobile&${query}`)
    expect(fix).toContain(valid)
    expect(fix).not.toContain('Did you mean')
  })
})

describe('a Python source', () => {
  const conversion = (query: string): string => canonicalRequest(parseImport(`net.py?mobile&${query}`)!.request, 'conversion')
  const DEFAULTS = 'check=auto&convert=auto&quantize=none&trust=false'

  it.each([
    ['convert=trace', 'convert=trace'],
    ['convert=SCRIPT', 'convert=script'],
    ['entry=nets.make_net', 'entry=nets.make_net'],
    ['args=10,hidden=64,rate=1e-3,fast=True,mode=same,bias=None', 'args=10,hidden=64,rate=0.001,fast=true,mode=same,bias=null'],
    ['args=-1,.5', 'args=-1,0.5'],
    ['input=1x3x224x224', 'input=1x3x224x224'],
    ['input=float32[1x3x224x224];long[1x16]<1000', 'input=1x3x224x224;int64[1x16]<1000'],
    ['input=int64%5B1x16%5D%3C1000', 'input=int64[1x16]<1000'],
    ['input=float32[];bool[2];uint8[1x3]<12;float[4]<0.5', 'input=float32[];bool[2];uint8[1x3]<12;float32[4]<0.5'],
    ['input=1x5;(1x1x20,(2,3))', 'input=1x5;(1x1x20,(2,3))'],
    ['input=[1x5,2x5];int:10;float:-0.5;bool:True', 'input=[1x5,2x5];int:10;float:-0.5;bool:true'],
    ['check=2x3,4x3', 'check=2x3,4x3'],
    ['check=(1,2);3,(4,5);6', 'check=(1,2);3,(4,5);6'],
    ['check=none', 'check=none'],
    ['weights=./net.pth', 'weights=./net.pth'],
    ['weights=../my%20nets/net%232.pth', 'weights=../my nets/net#2.pth'],
    ['weights=./it\'s+new%21.pth', 'weights=./it\'s+new!.pth'],
    ['weights=./100%25.pth', undefined],
    ['weights=./a%26b.pth', undefined],
    ['weights=../@my%20nets/net(2).pth', 'weights=../@my nets/net(2).pth'],
    ['script=decoder.attn,encoder,decoder.attn', 'script=decoder.attn,encoder'],
    ['trace=layers.0', 'trace=layers.0'],
    ['quantize=dynamic', 'quantize=dynamic'],
    ['trust', 'trust=true'],
    ['trust=', 'trust=true'],
  ])('%s', (query, canonical) => {
    if (canonical === undefined) return expect(failureOf(`net.py?mobile&${query}`).code).toBe('BAD_QUERY')
    const name = canonical.split('=')[0]!
    expect(conversion(query)).toBe([...DEFAULTS.split('&').filter((part) => !part.startsWith(`${name}=`)), canonical].toSorted().join('&'))
    expect(canonicalRequest(parseImport(`net.py?mobile&${query}`)!.request)).toBe(canonicalRequest(defaultRequest))
    expect(conversion(canonical.replaceAll(' ', '%20'))).toBe(conversion(query))
  })

  it.each([
    ['input=', 'The directive "input" has no value.'],
    ['input=1x', '"1x" is not a value of the directive "input": "x" is not expected there.'],
    ['input=1x3,1x4', 'a comma separates the parts of a tuple'],
    ['input=int64[1x16', '"]" is missing'],
    ['input=int65[1x16]', '"int65" is none of float32,'],
    ['input=int64[1x16]<0', 'a number above 0 is missing'],
    ['input=int64[1x16]<1.5', 'ends at a whole number'],
    ['input=1x3;', 'a shape is missing at its end'],
    ['input=99999x99999x9', 'has more than 268435456 elements'],
    [`input=${'('.repeat(500)}`, 'more than 8 tuples are in one another'],
    ['input=str:abc', '"str:" is none of int:, float:, bool:'],
    ['input=bool:maybe', '"maybe" is no bool'],
    ['args=a=1,2', 'an argument without a name follows one with a name'],
    ['args=1;2', 'it is no number, True, False, None or plain word'],
    ['entry=1net', 'it is no Python name'],
    ['script=a..b', '"a..b" is no path of a submodule'],
    ['trust=yes', 'it takes no value'],
    ['weights=a"b', 'has characters that it may not have'],
  ])('%s is refused', (query, said) => {
    expect(failureOf(`net.py?mobile&${query}`).what).toContain(said)
  })

  it('is told the directive for the whole model', () => {
    expect(failureOf('net.py?mobile&trace').fix).toContain('Write "convert=trace" to trace the whole model')
  })
})

describe('a request', () => {
  it('has one canonical spelling, without what does not change the bytes', () => {
    expect(canonicalRequest(defaultRequest)).toBe('backend=cpu&bytecode=auto&code=false&debug=false&format=ptl&lint=auto&runtime=any&tolerance=0.0001')
    const url = parseDirectives([['as', 'url'], ['block', 'remove_dropout,CONV_BN_FUSION']])
    expect(canonicalRequest(url)).toBe('backend=cpu&block=conv_bn_fusion,remove_dropout&bytecode=auto&code=false&debug=false&format=ptl&lint=auto&runtime=any&tolerance=0.0001')
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

describe('a compilation', () => {
  const compilation = (query: string): string => canonicalRequest(parseImport(`net.pt?mobile&${query}`)!.request)

  it.each([
    ['preserve=step,encoder.weight,step', 'preserve=encoder.weight,step'],
    ['preserve=layers.0,_private', 'preserve=_private,layers.0'],
    ['bundle=1x3x224x224', 'bundle=1x3x224x224'],
    ['bundle=1x3,2x3', 'bundle=1x3,2x3'],
    ['bundle=long[1x16]<1000;(1x5,[int:3]);bool:True', 'bundle=int64[1x16]<1000;(1x5,[int:3]);bool:true'],
    ['lint=ERROR', 'lint=error'],
    ['lint=off', 'lint=off'],
    ['lint=dropout,BATCHNORM,dropout', 'lint=BATCHNORM,DROPOUT'],
  ])('%s is %s', (query, canonical) => {
    expect(compilation(query).split('&')).toContain(canonical)
  })

  it.each([
    ['preserve=', 'EMPTY_DIRECTIVE', 'The directive "preserve" has no value.'],
    ['preserve=a,', 'BAD_VALUE', '"a," is not a value of the directive "preserve": "" is no name of a method or an attribute.'],
    ['preserve=a..b', 'BAD_VALUE', '"a..b" is not a value of the directive "preserve": "a..b" is no name of a method or an attribute.'],
    ['bundle=1x', 'BAD_VALUE', '"1x" is not a value of the directive "bundle": "x" is not expected there.'],
    ['bundle', 'EMPTY_DIRECTIVE', 'The directive "bundle" has no value.'],
    ['lint=drop', 'BAD_VALUE', undefined],
    ['lint=off,warn', 'BAD_VALUE', undefined],
  ])('?%s is refused: %s', (query, code, what) => {
    const error = failureOf(`x.pt?mobile&${query}`)
    expect(error.code).toBe(code)
    if (what !== undefined) expect(error.what).toBe(what)
  })

  it('names the lint that was likely meant', () => {
    expect(failureOf('x.pt?mobile&lint=dropuot').fix).toContain('"lint=dropout"')
  })
})
