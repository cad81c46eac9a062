import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readBack, textOf } from '../../../../test/code.ts'
import { bytesSource } from '../../archive/byte-source.ts'
import { openArchive } from '../../archive/zip-reader.ts'
import type { ScriptFunction } from '../../ir/class-type.ts'
import { allNodes } from '../../ir/graph.ts'
import { loadModule, type LoadedModule } from '../../script/load.ts'

const FIXTURES = new URL('../../../../test/fixtures/frontend/', import.meta.url)

const NAMES = ['', '2x/'].flatMap((folder) => readdirSync(new URL(`./${folder}`, FIXTURES))
  .filter((file) => file.endsWith('.graph')).map((file) => `${folder}${file.slice(0, -'.graph'.length)}`))

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
  it.each(NAMES)('is the same graphs, calls and classes included: %s', async (name) => {
    const before = await loadModule(await openArchive(bytesSource(readFileSync(new URL(`${name}.pt`, FIXTURES)))))
    const methods = [...before.root.type.methods].map(([method, each]) => ({ name: method, schema: each.schema, graph: each.graph() }))
    const functions = reached(before)
    const after = reached(await readBack({ root: before.root, methods, flags: {} }, before))
    expect([...after.keys()].toSorted()).toEqual([...functions.keys()].toSorted())
    for (const [qualified, each] of functions) expect(textOf(after.get(qualified)!.graph()), qualified).toBe(textOf(each.graph()))
  })
})
