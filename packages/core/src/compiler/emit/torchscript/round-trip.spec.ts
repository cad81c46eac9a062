import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { collect } from '../../../../test/support/archive.ts'
import { bytesSource } from '../../archive/byte-source.ts'
import { openArchive } from '../../archive/zip-reader.ts'
import type { ScriptFunction } from '../../ir/class-type.ts'
import { allNodes, type Graph } from '../../ir/graph.ts'
import { printGraph } from '../../ir/printer.ts'
import { verify } from '../../ir/verifier.ts'
import { loadModule, type LoadedModule } from '../../script/load.ts'
import { emitTorchScript } from './index.ts'

const FIXTURES = new URL('../../../../test/fixtures/frontend/', import.meta.url)

const NAMES = ['', '2x/'].flatMap((folder) => readdirSync(new URL(`./${folder}`, FIXTURES))
  .filter((file) => file.endsWith('.graph')).map((file) => `${folder}${file.slice(0, -'.graph'.length)}`))

async function load(bytes: Uint8Array): Promise<LoadedModule> {
  return loadModule(await openArchive(bytesSource(bytes)))
}

/** A graph's text: values numbered in order of appearance, constants where they are used, and what only reading numbers left out. */
function textOf(graph: Graph): string {
  verify(graph)
  const names = new Map<string, string>()
  let count = 0
  return printGraph(graph, { numbered: true }).split('\n').flatMap((line) => {
    const constant = /^\s*(%[\w.-]+) : (.*) = (prim::Constant.*)$/.exec(line)
    if (constant) {
      names.set(constant[1]!, `<${constant[2]} ${constant[3]}>`)
      return []
    }
    return [line.replace(/%[\w.-]+/g, (name) => names.get(name) ?? names.set(name, `%${count++}`).get(name)!).replace(/\[warn_id=\d+\]/, '')]
  }).join('\n')
}

/** Every function and method that is reached from the root's methods. */
function reached(module: LoadedModule): Map<string, ScriptFunction> {
  const found = new Map<string, ScriptFunction>()
  const pending = [...module.root.type.methods.values()]
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (found.has(next.name)) continue
    found.set(next.name, next)
    for (const node of allNodes(next.graph().block)) {
      const type = node.inputs[0]?.type
      if (node.kind === 'prim::CallFunction' && type?.kind === 'FunctionType') pending.push(module.functionNamed(type.name)!)
      else if (node.kind === 'prim::CallMethod' && type?.kind === 'ClassType') pending.push(type.methods.get(node.string('name'))!)
    }
  }
  return found
}

describe('code that is written and read again', () => {
  it.each(NAMES)('is the same graphs: %s', async (name) => {
    const before = await load(readFileSync(new URL(`${name}.pt`, FIXTURES)))
    const methods = [...before.root.type.methods].map(([method, each]) => ({ name: method, schema: each.schema, graph: each.graph() }))
    const file = emitTorchScript({ root: before.root, methods, flags: {} }, { definitions: before })
    const after = await load(await collect(file.stream()))
    const functions = reached(before)
    expect([...reached(after).keys()].toSorted()).toEqual([...functions.keys()].toSorted())
    for (const [qualified, each] of functions) {
      expect(textOf(reached(after).get(qualified)!.graph()), qualified).toBe(textOf(each.graph()))
    }
  })
})
