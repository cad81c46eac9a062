import { allNodes, type Graph, type Node } from '../ir/graph.ts'
import type { ObjectValue } from '../ir/ivalue.ts'
import { objectsOf } from '../ir/objects.ts'
import { objectAt } from '../passes/module-paths.ts'
import type { Members } from '../passes/preserved.ts'
import type { InnerMethod, Program } from '../program.ts'
import { forwardedName } from './methods.ts'

/**
 * The program for a file whose modules have methods of their own, as a TorchScript archive's do: methods of modules within are where they
 * were, and modules that were preserved whole have all of theirs, as they were saved. What cannot be moved there stays a method of the root:
 * one that uses what was packed into the root, and one of a class that further modules have, which it would not fit.
 */
export function placeInnerMethods(program: Program, { innerMethods, modules }: Members, saved: ObjectValue): Program {
  const placed: InnerMethod[] = modules.flatMap((path) => {
    const module = objectAt(program.root, path)
    return module === undefined ? [] : [...objectsOf(module)].flatMap((object) => savedMethods(object, saved))
  })
  const moved = new Set<string>()
  for (const inner of innerMethods) {
    const { path, name } = inner
    const forwarded = forwardedName(saved, inner)
    const owner = objectAt(program.root, path)
    const method = program.methods.find((each) => each.name === forwarded)
    if (owner === undefined || method === undefined) continue
    if (placed.some((each) => each.owner === owner.type && each.name === name)) moved.add(forwarded)
    else if (isOnly(owner, program.root)) {
      const graph = rerooted(method.graph, path, owner)
      if (graph === undefined) continue
      moved.add(forwarded)
      // Where calls stay calls, all that the root's method does is to call this one.
      if ([...allNodes(graph.block)].some(({ kind }) => kind === 'prim::CallMethod')) {
        placed.push({ owner: owner.type, name })
        continue
      }
      const [self, ...args] = method.schema.arguments
      const schema = { ...method.schema, name, arguments: [{ ...self!, type: owner.type }, ...args] }
      placed.push({ owner: owner.type, name, path, method: { name, schema, graph } })
    }
  }
  return { ...program, methods: program.methods.filter(({ name }) => !moved.has(name)), innerMethods: placed }
}

/** Methods of a class that code may call; what only saving and loading calls is done. */
function savedMethods({ type }: ObjectValue, root: ObjectValue): InnerMethod[] {
  if (type === root.type) return []
  return [...type.methods.keys()].filter((name) => !/^__(?:get|set)state__$/.test(name)).map((name) => ({ owner: type, name }))
}

function isOnly(owner: ObjectValue, root: ObjectValue): boolean {
  return [...objectsOf(root)].filter(({ type }) => type === owner.type).length === 1
}

/** The graph with the module at `path` as its first input in place of the root; undefined where it uses more of the root than that. */
function rerooted(original: Graph, path: readonly string[], owner: ObjectValue): Graph | undefined {
  const graph = original.copy()
  const [self] = graph.inputs
  let reads: Node[] = []
  let values = [self!]
  const steps: Node[] = []
  for (const step of path) {
    reads = values.flatMap((value) => [...value.uses].map(({ user }) => user))
    if (reads.some((node) => node.kind !== 'prim::GetAttr' || node.string('name') !== step)) return undefined
    values = reads.map((node) => node.output)
    steps.push(...reads)
  }
  for (const value of values) value.replaceAllUsesWith(self!)
  for (const node of steps.toReversed()) node.destroy()
  self!.type = owner.type
  return graph
}
