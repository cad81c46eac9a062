import { allNodes, toIValue, type Node, type Value } from '../ir/graph.ts'
import { intValue, stringValue, type IValue } from '../ir/ivalue.ts'
import { findSchema } from '../ir/ops/index.ts'
import { IntType, listOf, StringType, type EnumType, type Type } from '../ir/types.ts'
import type { PassLog } from './pass.ts'
import { passedAround, replaceTypes, valuesBelow, type Copies, type Typed } from './type-replacement.ts'

/**
 * Replaces members of enums by their positions in the enum, where nobody outside of the graphs sees them: PyTorch's lite interpreter
 * cannot load a file that holds one. Comparing compares the positions; names and values are looked up in a list. Gives the copy of
 * the module; undefined when nothing has changed.
 */
export function lowerEnums(program: Typed, log: PassLog): Copies | undefined {
  const members = membersOf(program)
  const lowered = passedAround(program, members.keys(), isEnumOperator)
  if (lowered.size === 0) return undefined
  let changes = 0
  for (const graph of program.graphs) for (const node of allNodes(graph.block)) {
    const type = node.inputs.map((value) => value.type).find((each): each is EnumType => each.kind === 'EnumType' && lowered.has(each))
    if (type === undefined || !isEnumOperator(node, type)) continue
    lowerOperator(node, members.get(type)!)
    changes++
  }
  const copies = replaceTypes(program, {
    type: (type) => type.kind === 'EnumType' && lowered.has(type) ? IntType : undefined,
    value: (value) => value.tag === 'Enum' && lowered.has(value.type) ? intValue(value.type.members.indexOf(value.name)) : undefined,
  })
  log.changed('lower_enums', changes + lowered.size)
  return copies
}

/** Values of members by name. */
type Members = Map<string, IValue>

/** The enums that occur, with the members that do: there is no way to get at others. */
function membersOf({ graphs, root }: Typed): Map<EnumType, Members> {
  const found = new Map<EnumType, Members>()
  const note = (value: IValue): void => {
    for (const each of valuesBelow(value)) {
      if (each.tag !== 'Enum') continue
      const members: Members = found.get(each.type) ?? new Map()
      found.set(each.type, members.set(each.name, each.value))
    }
  }
  note(root)
  for (const graph of graphs) for (const node of allNodes(graph.block)) {
    const value = node.kind === 'prim::Constant' ? toIValue(node.output) : undefined
    if (value !== undefined) note(value)
  }
  return found
}

/** True for what is known to be done with members themselves. */
function isEnumOperator(node: Node, type: EnumType): boolean {
  switch (node.kind) {
    case 'aten::eq': case 'aten::ne': return node.inputs.every((value) => value.type === type)
    case 'prim::EnumName': case 'prim::EnumValue': return node.input(0).type === type
    default: return false
  }
}

function lowerOperator(node: Node, members: Members): void {
  switch (node.kind) {
    case 'aten::eq': case 'aten::ne':
      node.schema = findSchema(node.kind, 'int')
      return
    case 'prim::EnumName': return lookUp(node, StringType, (name) => stringValue(name))
    default: return lookUp(node, node.output.type, (name) => members.get(name) ?? members.values().next().value!)
  }
}

/** Takes what a member has from a list of what all members have. */
function lookUp(node: Node, type: Type, of: (member: string) => IValue): void {
  const { graph } = node
  const member = node.input(0)
  const known = toIValue(member)
  const result = graph.withInsertPoint(node, (): Value => {
    if (known?.tag === 'Enum') return graph.insertConstant(of(known.name), type)
    const names = member.type.kind === 'EnumType' ? member.type.members : []
    const list = graph.insertOp('prim::ListConstruct', names.map((name) => graph.insertConstant(of(name), type)), listOf(type))
    return graph.insertOp('aten::__getitem__', [list, member], type, findSchema('aten::__getitem__', 't'))
  })
  result.node.range = node.range
  node.output.replaceAllUsesWith(result)
  node.destroy()
}
