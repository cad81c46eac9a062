import type { AliasDb, LazyAliasDb } from '../ir/alias-analysis.ts'
import { isMutableType } from '../ir/alias-types.ts'
import { constantKey } from '../ir/constant-key.ts'
import type { Attribute, Block, Graph, Node } from '../ir/graph.ts'
import { hasOwnSideEffects, isNondeterministic } from '../ir/side-effects.ts'
import { typeString } from '../ir/types.ts'
import { evaluatesToInput } from './evaluate/index.ts'
import { simplification, type Simplification } from './pass.ts'

/** Each of these makes something of its own, or has no value. */
const NEVER_SHARED: ReadonlySet<string> = new Set(['prim::CreateObject', 'prim::Uninitialized', 'prim::profile'])

/**
 * Computes once what is computed twice from the same values, in the same block or in one around it
 * (torch/csrc/jit/passes/common_subexpression_elimination.cpp). Nodes with effects, random ones, and those whose inputs or outputs
 * are written to stay, and so do two results that can both be seen from outside: they must not become one.
 */
export const commonSubexpressionElimination: Simplification = simplification('eliminate_common_subexpression', eliminateCommonSubexpressions)

function eliminateCommonSubexpressions(graph: Graph, aliases: LazyAliasDb): number {
  const elimination = new Elimination(aliases())
  elimination.block(graph.block, [])
  return elimination.removed
}

class Elimination {
  removed = 0
  readonly #aliasDb: AliasDb
  /** Nodes that took the place of one that can be seen from outside. */
  readonly #escaped = new Set<Node>()

  constructor(aliasDb: AliasDb) {
    this.#aliasDb = aliasDb
  }

  /** `scopes` are the expressions of the blocks around, innermost last. */
  block(block: Block, scopes: readonly Map<string, Node>[]): void {
    const mine = new Map<string, Node>()
    const all = [...scopes, mine]
    for (const node of block.nodes()) {
      for (const inner of node.blocks) this.block(inner, all)
      if (node.blocks.length > 0 || NEVER_SHARED.has(node.kind) || hasOwnSideEffects(node) || isNondeterministic(node)) continue
      if (this.#aliasDb.nodeHasWriters(node) || node.outputs.some((output) => this.#aliasDb.identityMatters(output))) continue
      const key = nodeKey(node)
      if (key === undefined) continue
      const known = find(all, key)
      if (known === undefined) mine.set(key, node)
      else this.#merge(node, known)
    }
  }

  #merge(node: Node, known: Node): void {
    const givesMemoryItFound = node.kind === 'prim::GetAttr' || evaluatesToInput(node)
    const makesMemory = !givesMemoryItFound && node.outputs.some((output) => isMutableType(output.type))
    if (makesMemory) {
      const escapes = this.#escapes(node)
      if (escapes && this.#escapes(known)) return
      if (escapes) this.#escaped.add(known)
    }
    node.outputs.forEach((output, i) => output.replaceAllUsesWith(known.outputs[i]!))
    node.destroy()
    this.removed++
  }

  #escapes(node: Node): boolean {
    return this.#escaped.has(node) || this.#aliasDb.escapesScope(node.outputs)
  }
}

function find(scopes: readonly Map<string, Node>[], key: string): Node | undefined {
  for (let i = scopes.length - 1; i >= 0; i--) {
    const known = scopes[i]!.get(key)
    if (known) return known
  }
  return undefined
}

/** What two nodes share when they compute the same; undefined when that cannot be told. */
function nodeKey(node: Node): string | undefined {
  // Tensors and lists live on from run to run: see ConstantPooling.
  if (node.kind === 'prim::Constant') return isMutableType(node.output.type) ? undefined : `constant ${constantKey(node)}`
  const attributes: string[] = []
  for (const [name, attribute] of node.attributes) {
    const text = attributeKey(attribute)
    if (text === undefined) return undefined
    attributes.push(`${name}=${text}`)
  }
  const outputs = node.outputs.map((output) => typeString(output.type)).join(',')
  return `${node.kind}.${node.schema?.overload ?? ''}[${attributes.join(',')}](${node.inputs.map((input) => input.id).join(',')}):${outputs}`
}

function attributeKey(attribute: Attribute): string | undefined {
  switch (attribute.kind) {
    case 's': return JSON.stringify(attribute.value)
    case 'i': return String(attribute.value)
    case 'tys': return attribute.value.map(typeString).join('|')
    case 'ival': case 'g': return undefined
  }
}
