import { describe, expect, test } from 'vitest'
import { classType } from '../../ir/class-type.ts'
import { parseGraph } from '../../ir/parser.ts'
import { allNodes } from '../../ir/graph.ts'
import { operatorNames, operatorsNamed } from '../../ir/ops/index.ts'
import { schemaName } from '../../ir/schema.ts'
import type { PetalError } from '../../errors.ts'
import type { Program } from '../../program.ts'
import type { RuntimeVersion } from '../../artifact.ts'
import { emitLite, type LiteOptions } from '../lite.ts'
import { adapted } from './adapt.ts'
import { missingOperators, requireRuntime, runtimesOf } from './check.ts'
import { operatorIn, RUNTIMES } from './index.ts'

const NET = '__torch__.Net'
const ALL: readonly RuntimeVersion[] = RUNTIMES.map(({ version }) => version)

function program(body: string): Program {
  const type = classType(NET, { isModule: true })
  const graph = parseGraph(`graph(%self : ${NET}, %x : Tensor, %n : int, %s : str):\n  ${body.trim().replaceAll(/\n\s*/g, '\n  ')}`, { types: new Map([[NET, type]]) })
  for (const node of allNodes(graph.block)) node.range = { file: 'code/net.py', line: 7 }
  const argument = (name: string, i: number): Program['methods'][0]['schema']['arguments'][0] => ({ name, type: graph.inputs[i]!.type, kwargOnly: false, isOut: false })
  return {
    root: { tag: 'Object', type, slots: new Map() }, flags: {},
    methods: [{
      name: 'forward', graph,
      schema: { name: `${NET}.forward`, overload: '', arguments: ['self', 'x', 'n', 's'].map(argument), returns: [argument('', 1)], isVararg: false, isVarret: false },
    }],
  }
}

/** What the calls of a file pass, `name/arguments`; the version of its operators; the releases that run it. */
function calls(body: string, options: LiteOptions): { calls: string[]; operators: number; runtimes: RuntimeVersion[] } {
  const file = emitLite(program(body), options)
  return {
    calls: file.codes.flatMap(({ operators }) => operators.map(({ name, numArgs }) => `${name}/${numArgs}`)),
    operators: file.operatorVersion, runtimes: runtimesOf(file.codes, file),
  }
}

const GELU = `%none : str = prim::Constant[value="none"]()
  %y : Tensor = aten::gelu(%x, %none)
  return (%y)`
const LINSPACE = `%null : NoneType = prim::Constant()
  %a : int = prim::Constant[value=0]()
  %y : Tensor = aten::linspace(%a, %n, %n, %null, %null, %null, %null)
  return (%y)`
const OUT = `%one : int = prim::Constant[value=1]()
  %y : Tensor = aten::add(%x, %x, %one, %x)
  return (%y)`
const DIM = `%d : int = aten::dim(%x)
  return (%x)`

describe('the table', () => {
  test('every release has most operators of the table of operators, the newest ones fewer than all', () => {
    const known = operatorNames().filter((name) => name.startsWith('aten::')).flatMap((name) => operatorsNamed(name).map(({ schema }) => schemaName(schema)))
    const has = (version: RuntimeVersion): number => known.filter((operator) => operatorIn(version, operator) !== undefined).length
    const counts = ALL.map(has)
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    expect(counts[0]).toBeGreaterThan(known.length / 2)
    expect(counts.at(-1)).toBeLessThan(known.length)
  })

  test.each<[string, readonly RuntimeVersion[]]>([
    ['aten::relu', ALL], ['prepacked::conv2d_clamp_run', ALL], ['torchvision::nms', ALL],
    ['aten::_add_relu.Scalar', ALL.slice(1)], ['aten::scaled_dot_product_attention', ['2.0', '2.1']], ['aten::_native_multi_head_attention', ['1.12', '1.13', '2.0', '2.1']],
    ['aten::__interpolate', []],
  ])('%s', (operator, releases) => {
    expect(ALL.filter((version) => operatorIn(version, operator) !== undefined)).toEqual(releases)
  })

  test('signatures are those of the release', () => {
    expect(operatorIn('1.9', 'aten::gelu')).toMatchObject({ arguments: [{ name: 'self' }] })
    expect(operatorIn('1.12', 'aten::gelu')).toBe('same')
    expect(operatorIn('1.9', 'aten::relu')).toBe('same')
  })
})

describe('what calls pass', () => {
  test.each<[string, string, LiteOptions, string[]]>([
    ['all but trailing defaults, and out arguments', OUT, { bytecode: 8 }, ['aten::add/3']],
    ['since 7', OUT, { bytecode: 7 }, ['aten::add/3']],
    ['in 6 everything before an out argument', OUT, { bytecode: 6 }, ['aten::add/4']],
    ['in 5 everything', OUT, { bytecode: 5 }, ['aten::add/4']],
    ['instructions that were operators', DIM, { bytecode: 8 }, []],
    ['before 8', DIM, { bytecode: 7 }, ['aten::dim/1']],
    ['everything of the newest signature', GELU, { bytecode: 5 }, ['aten::gelu/2']],
    ['everything of the signature of a release', GELU, { runtime: '1.9' }, ['aten::gelu/1']],
  ])('%s', (_, body, options, expected) => {
    expect(calls(body, options).calls).toEqual(expected)
  })

  test('a graph that needs no change stays as it is, and one that does is copied', () => {
    const { graph } = program(GELU).methods[0]!
    expect(adapted(graph, '1.13')).toBe(graph)
    const changed = adapted(graph, '1.11')
    expect(changed).not.toBe(graph)
    expect(graph.outputs[0]!.node.inputs).toHaveLength(2)
    expect(changed.outputs[0]!.node.inputs).toHaveLength(1)
    expect(changed.outputs[0]!.node.range).toEqual({ file: 'code/net.py', line: 7 })
  })
})

describe('versions of operators', () => {
  test.each<[string, string, LiteOptions, number]>([
    ['gelu', GELU, {}, 10], ['gelu as releases before 1.12 have it', GELU, { bytecode: 7 }, 6], ['in the newest that 1.11 reads', GELU, { runtime: '1.11' }, 9],
    ['gelu with an argument that those lack', GELU, { bytecode: 5 }, 10], ['linspace', LINSPACE, { bytecode: 8 }, 8], ['linspace with all arguments', LINSPACE, { bytecode: 7 }, 6],
  ])('%s', (_, body, options, version) => {
    expect(calls(body, options).operators).toBe(version)
  })
})

describe('what runs a file', () => {
  test.each<[string, string, LiteOptions, readonly RuntimeVersion[]]>([
    ['by its version', DIM, {}, ALL.slice(3)], ['an older one', DIM, { bytecode: 7 }, ALL.slice(1)], ['the oldest', DIM, { bytecode: 4 }, ALL],
    ['by the arguments that calls pass', GELU, { runtime: '1.9' }, ['1.9', '1.10', '1.11']], ['which newer versions leave out', GELU, { runtime: '1.10' }, ALL.slice(1)],
  ])('%s', (_, body, options, expected) => {
    expect(calls(body, options).runtimes).toEqual(expected)
  })

  test('a version that the release does not load is refused', () => {
    expect(() => emitLite(program(DIM), { runtime: '1.11', bytecode: 8 })).toThrow(expect.objectContaining({ code: 'BYTECODE_TOO_NEW' }))
  })

  const ATTENTION = `%null : NoneType = prim::Constant()
    %p : float = prim::Constant[value=0.]()
    %no : bool = prim::Constant[value=0]()
    %a : Tensor = aten::scaled_dot_product_attention(%x, %x, %x, %null, %p, %no, %null, %no)
    %y : Tensor = aten::scaled_dot_product_attention(%a, %x, %x, %null, %p, %no, %null, %no)
    return (%y)`

  test('an operator that the release lacks is refused by name, count, line and the release that has it', () => {
    let error: PetalError | undefined
    try { requireRuntime(emitLite(program(ATTENTION), { runtime: '1.13' }).codes, '1.13', 8) } catch (thrown) { error = thrown as PetalError }
    expect(error).toMatchObject({
      code: 'RUNTIME_LACKS_OPERATOR', location: { file: 'code/net.py', line: 7 },
      what: 'code/net.py:7: the lite interpreter of PyTorch 1.13 lacks aten::scaled_dot_product_attention (2 calls, first at code/net.py:7; since 2.0).',
      fix: 'Compile for runtime=2.0 or newer, or change that part of the model.',
    })
    const { codes } = emitLite(program(ATTENTION))
    expect(missingOperators(codes, '1.12', 8)).toMatchObject([{ operator: 'aten::scaled_dot_product_attention', why: 'missing', count: 2, oldest: '2.0' }])
    expect(missingOperators(codes, '2.0', 8)).toEqual([])
  })

  test('an argument that the release does not know is refused', () => {
    const { codes } = emitLite(program(GELU.replace('"none"', '"tanh"')), { runtime: '1.11' })
    expect(() => requireRuntime(codes, '1.11', 7)).toThrow(expect.objectContaining({
      code: 'RUNTIME_LACKS_OPERATOR', what: expect.stringContaining('aten::gelu with these arguments (1 call') as string,
    }))
  })
})
