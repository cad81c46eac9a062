import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../archive/byte-source.ts'
import { openArchive } from '../archive/zip-reader.ts'
import type { ScriptFunction } from '../ir/class-type.ts'
import { toIValue } from '../ir/graph.ts'
import type { IValue } from '../ir/ivalue.ts'
import { printGraph } from '../ir/printer.ts'
import { typeString } from '../ir/types.ts'
import { verify } from '../ir/verifier.ts'
import { loadModule, type LoadedModule } from './load.ts'

const FIXTURES = new URL('../../../test/fixtures/frontend/', import.meta.url)

async function load(name: string): Promise<LoadedModule> {
  return loadModule(await openArchive(bytesSource(readFileSync(new URL(`${name}.pt`, FIXTURES)))))
}

/** A function or method by its qualified name. */
function named(module: LoadedModule, name: string): ScriptFunction | undefined {
  const dot = name.lastIndexOf('.')
  const type = module.typeNamed(name.slice(0, dot))
  return (type?.kind === 'ClassType' ? type.methods.get(name.slice(dot + 1)) : undefined) ?? module.functionNamed(name)
}

/**
 * The text of a graph without what does not matter: values are numbered in order of appearance, constants stand where they are used,
 * and spellings that PyTorch's printer and ours do not share are made the same. Everything else must be equal: nodes, order, blocks,
 * attributes, types, and what is connected to what.
 */
function normalized(text: string): string {
  const names = new Map<string, string>()
  let count = 0
  const lines: string[] = []
  for (const raw of text.split('\n')) {
    const line = raw.trimEnd()
    const constant = /^\s*(%[\w.-]+) : (.*?) = prim::Constant(?:\[(?:value|name)=(.*)\])?\(\)$/.exec(line)
    if (constant) {
      const [, name, type, value] = constant
      const isNumber = type === 'float' || type === 'int'
      names.set(name!, `<${type} ${type === 'Tensor' ? '' : isNumber ? Number(value) : spelled(value ?? 'None')}>`)
    } else if (line !== '') {
      lines.push(line.replace(/%[\w.-]+/g, (name) => names.get(name) ?? names.set(name, `%${count++}`).get(name)!))
    }
  }
  return lines.join('\n')
    .replace(/NamedTuple\(__torch__[\w.]+\)\(/g, 'NamedTuple(').replace(/ : /g, ': ')
    .replace(/InterfaceType<__torch__\.(?:\w+\.)*/g, 'InterfaceType<').replace(/\[warn_id=\d+\]/, '').replace(/EnumValue\.\w+/, 'EnumValue')
}

/** Escapes as our printer writes them, members of enums as PyTorch's does. */
function spelled(value: string): string {
  return value.replace(/^<Enum ([\w.]+) "(\w+)" .*>$/, '$1.$2').replace(/\\([afv'])/g, (all, letter: string) => ({ a: '\\x07', f: '\\x0c', v: '\\x0b', '\'': '\'' })[letter] ?? all)
}

function slot(value: IValue, name: string): IValue {
  if (value.tag !== 'Object') throw new Error(`a ${value.tag} has no attributes`)
  return value.slots.get(name)!
}

/** The parts of a convolution's packed weights. */
function packed(convolution: IValue): object {
  const params = slot(convolution, '_packed_params')
  if (params.tag !== 'CustomObject' || params.state.tag !== 'Tuple') throw new Error('not packed')
  const [version, tensors, optional] = params.state.elements
  const [settings, weight, bias] = [tensors, optional].flatMap((list) => list?.tag === 'List' ? list.elements : [])
    .map((value) => value.tag === 'Tensor' ? value.value : undefined)
  return {
    version: version?.tag === 'String' && version.value, weight: weight?.sizes, bias: bias?.sizes,
    settings: [...new Int16Array(settings!.storage.resident!.slice().buffer)],
  }
}

/** `lstm`, and `2x/lstm` for what PyTorch 2 wrote. */
const NAMES = ['', '2x/'].flatMap((folder) => readdirSync(new URL(`./${folder}`, FIXTURES))
  .filter((file) => file.endsWith('.graph')).map((file) => `${folder}${file.slice(0, -'.graph'.length)}`))

describe('loadModule', () => {
  it.each(NAMES)('lowers every function of %s to the graph that PyTorch has', async (name) => {
    const module = await load(name)
    const expected = readFileSync(new URL(`${name}.graph`, FIXTURES), 'utf8').split('### ').slice(1)
    expect(expected.length).toBeGreaterThan(0)
    for (const part of expected) {
      const newline = part.indexOf('\n')
      const callee = named(module, part.slice(0, newline))
      expect(callee, part.slice(0, newline)).toBeDefined()
      const graph = callee!.graph()
      verify(graph)
      expect(normalized(printGraph(graph)), part.slice(0, newline)).toBe(normalized(part.slice(newline + 1)))
    }
  })

  it('reads text that is not ASCII', async () => {
    const module = await load('strings')
    expect(toIValue(module.method('unicode')!.graph().outputs[0]!)).toEqual({ tag: 'String', value: 'café ☃' })
  })

  it('knows signatures with defaults', async () => {
    const module = await load('optionals')
    const { schema } = module.method('forward')!
    expect(schema.arguments.map(({ name, defaultValue }) => [name, defaultValue])).toEqual([
      ['self', undefined], ['x', undefined], ['y', { tag: 'None' }], ['n', { tag: 'Int', value: 3n }],
    ])
  })

  it('tells parameters, buffers and other attributes apart', async () => {
    const module = await load('state')
    const attributes = module.root.type.attributes.map(({ name, isParameter, isBuffer }) => [name, isParameter, isBuffer])
    expect(attributes).toContainEqual(['total', false, true])
    expect(attributes).toContainEqual(['n', false, false])
    expect((await load('traced')).typeNamed('__torch__.torch.nn.modules.conv.Conv2d')).toMatchObject({ attributes: [{ name: 'weight', isParameter: true }, {}, {}] })
  })

  it('reads tasks as graphs of their own, which are given what they use of the values around them', async () => {
    const graph = (await load('forks')).method('forward')!.graph()
    verify(graph)
    const fork = [...graph.block.nodes()].find(({ kind }) => kind === 'prim::fork')!
    const task = fork.attributes.get('Subgraph')
    expect(typeString(fork.output.type)).toBe('Future(Tensor)')
    expect(task?.kind === 'g' && [...task.value.block.nodes()].map(({ kind }) => kind)).toContain('prim::CallFunction')
    expect(task?.kind === 'g' && task.value.inputs.map(({ type }) => type)).toEqual(fork.inputs.map(({ type }) => type))
    expect(graph.outputs[0]!.node.kind).toBe('aten::wait')
  })

  it('restores quantized convolutions as PyTorch does', async () => {
    const { root } = await load('quantized')
    expect(packed(slot(root, '1'))).toEqual({ version: '2', settings: [2, 2, 1, 1, 1, 2, 2, 0, 0, 2, 0], weight: [4, 2, 3, 3], bias: [4] })
    expect(packed(slot(root, '3'))).toEqual({ version: '2', settings: [2, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0], weight: [2, 4, 1, 1], bias: [2] })
    // One dimension is two, the first of which does nothing.
    expect(packed(slot(root, '5'))).toEqual({ version: '2', settings: [2, 1, 3, 0, 0, 1, 1, 0, 0, 1, 0], weight: [3, 2, 1, 2], bias: [3] })
    const attributes = slot(root, '1')
    expect(attributes.tag === 'Object' && [...attributes.slots.keys()]).toEqual(attributes.tag === 'Object' && attributes.type.attributes.map(({ name }) => name))
    expect(slot(slot(root, '1'), 'stride')).toMatchObject({ tag: 'Tuple', elements: [{ value: 2n }, { value: 1n }] })
  })

  it('gives nodes the line they come from', async () => {
    const module = await load('ifs')
    const graph = module.method('forward')!.graph()
    const ranges = [...graph.block.nodes()].flatMap((node) => node.range ?? [])
    expect(ranges.length).toBeGreaterThan(3)
    expect(ranges.every(({ file, line }) => file === 'code/__torch__.py' && line > 1)).toBe(true)
  })
})
