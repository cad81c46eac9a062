import type { AliasDb, LazyAliasDb } from '../ir/alias-analysis.ts'
import { allNodes, toIValue, type Graph, type Node, type Value } from '../ir/graph.ts'
import { intValue, type IValue } from '../ir/ivalue.ts'
import { simplification, type Simplification } from './pass.ts'

/**
 * Reads from lists and dicts whose construct is in the graph and which nobody writes to: `len([a, b])`, `[a, b][0]`, unpacking, `[a] + [b]`,
 * `{"k": a}["k"]` (torch/csrc/jit/passes/peephole_list_idioms.cpp and peephole_dict_idioms.cpp).
 */
export const peepholeListIdioms: Simplification = simplification('peephole_optimize_list_idioms', readKnownLists)

function readKnownLists(graph: Graph, aliases: LazyAliasDb): number {
  let changes = 0
  for (const node of allNodes(graph.block)) {
    const container = node.inputs[0]
    const rule = Object.hasOwn(RULES, node.kind) ? RULES[node.kind] : undefined
    const construct = container?.node.kind
    if (rule === undefined || (construct !== 'prim::ListConstruct' && construct !== 'prim::DictConstruct')) continue
    if (!node.outputs.some((output) => output.hasUses) || aliases().isWritten(container!)) continue
    const values = rule(node, container!.node, aliases())
    if (values === undefined || values.length !== node.outputs.length) continue
    node.outputs.forEach((output, i) => output.replaceAllUsesWith(values[i]!))
    changes++
  }
  return changes
}

/** What the node's outputs are, or undefined. */
type Rule = (node: Node, construct: Node, aliasDb: AliasDb) => readonly Value[] | undefined

function isList(construct: Node): boolean {
  return construct.kind === 'prim::ListConstruct'
}

const RULES: Readonly<Record<string, Rule>> = {
  'aten::len': (node, construct) => {
    const length = isList(construct) ? construct.inputs.length : keysOf(construct)?.size
    return length === undefined ? undefined : [node.graph.withInsertPoint(node, () => node.graph.insertConstant(intValue(length)))]
  },
  'aten::__getitem__': (node, construct) => {
    const key = toIValue(node.input(1))
    const value = key && (isList(construct) ? item(construct, key) : keysOf(construct)?.get(keyText(key) ?? ''))
    return value && [value]
  },
  'prim::ListUnpack': (_, construct) => isList(construct) ? construct.inputs : undefined,
  'aten::add': (node, construct, aliasDb) => {
    const other = node.inputs[1]
    if (other?.node.kind !== 'prim::ListConstruct' || aliasDb.isWritten(other)) return undefined
    const joined = node.graph.create('prim::ListConstruct', [...construct.inputs, ...other.node.inputs]).insertBefore(node)
    const value = joined.addOutput(node.output.type)
    aliasDb.copyValue(node.output, value)
    return [value]
  },
}

function item(construct: Node, key: IValue): Value | undefined {
  if (key.tag !== 'Int') return undefined
  const at = Number(key.value)
  return construct.inputs[at < 0 ? at + construct.inputs.length : at]
}

function keyText(key: IValue | undefined): string | undefined {
  switch (key?.tag) {
    case 'Int': case 'Bool': return `${key.tag} ${key.value}`
    case 'String': return `String ${key.value}`
    default: return undefined
  }
}

/** The entries of a dict of constant keys; the last of two equal keys counts. Undefined when a key is not a plain constant. */
function keysOf(construct: Node): Map<string, Value> | undefined {
  const entries = new Map<string, Value>()
  for (let i = 0; i < construct.inputs.length; i += 2) {
    const key = keyText(toIValue(construct.inputs[i]!))
    if (key === undefined) return undefined
    entries.set(key, construct.inputs[i + 1]!)
  }
  return entries
}
