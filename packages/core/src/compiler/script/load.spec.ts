import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../archive/byte-source.ts'
import { openArchive } from '../archive/zip-reader.ts'
import type { ScriptFunction } from '../ir/class-type.ts'
import { toIValue } from '../ir/graph.ts'
import { printGraph } from '../ir/printer.ts'
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

const NAMES = readdirSync(FIXTURES).filter((file) => file.endsWith('.graph')).map((file) => file.slice(0, -'.graph'.length))

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

  it('gives nodes the line they come from', async () => {
    const module = await load('ifs')
    const graph = module.method('forward')!.graph()
    const ranges = [...graph.block.nodes()].flatMap((node) => node.range ?? [])
    expect(ranges.length).toBeGreaterThan(3)
    expect(ranges.every(({ file, line }) => file === 'code/__torch__.py' && line > 1)).toBe(true)
  })
})
