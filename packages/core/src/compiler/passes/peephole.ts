import type { LazyAliasDb } from '../ir/alias-analysis.ts'
import { allNodes, toIValue, type Block, type Graph, type Node, type Value } from '../ir/graph.ts'
import { boolValue, NONE, type IValue } from '../ir/ivalue.ts'
import { isSubtype, NoneType, type Type } from '../ir/types.ts'
import { simplification, type Simplification } from './pass.ts'

/**
 * Simplifications that look at one node and its inputs (torch/csrc/jit/passes/peephole.cpp and peephole_non_tensor.cpp).
 * Left out, as they are not right for every input: `x + 0` (promotes bool tensors), `dim` of a convolution (which may be unbatched),
 * `x == x` of floats (NaN), and dropping a conversion that changes the kind of number.
 */
export const peephole: Simplification = simplification('peephole_optimize', simplify)

function simplify(graph: Graph, aliases: LazyAliasDb): number {
  const context: Context = { graph, aliases }
  let changes = substituteConditions(graph.block, new Map())
  for (const node of allNodes(graph.block)) {
    const rule = Object.hasOwn(RULES, node.kind) ? RULES[node.kind] : undefined
    if (node.kind === 'prim::If') changes += simplifyOutputs(node) + mergeOutputs(node)
    if (node.outputs.length !== 1 || !node.output.hasUses) continue
    const replacement = rule?.(node, context) ?? noneOf(node, context)
    if (replacement === undefined) continue
    node.output.replaceAllUsesWith(replacement)
    changes++
  }
  return changes
}

interface Context {
  readonly graph: Graph
  readonly aliases: LazyAliasDb
}

/** What the node's only output may be replaced with, or undefined. */
type Rule = (node: Node, context: Context) => Value | undefined

function constant(node: Node, value: IValue): Value {
  return node.graph.withInsertPoint(node, () => node.graph.insertConstant(value))
}

function mustBeNone(value: Value): boolean {
  return value.type.kind === 'NoneType' || toIValue(value)?.tag === 'None'
}

/** True for types that None is not of. */
function excludesNone(type: Type): boolean {
  return !isSubtype(NoneType, type) && type.kind !== 'VarType'
}

/** A value that can only be None is the constant. */
function noneOf(node: Node, { graph }: Context): Value | undefined {
  if (node.kind === 'prim::Constant' || node.output.type.kind !== 'NoneType') return undefined
  return graph.withInsertPoint(node, () => graph.insertConstant(NONE))
}

/** Types whose values are themselves; a float may be NaN, which is not. */
const IS_ITSELF: ReadonlySet<Type['kind']> = new Set([
  'TensorType', 'IntType', 'BoolType', 'StringType', 'ListType', 'DictType', 'ClassType', 'NoneType',
])

/** `is` where the static types decide it, or the two sides are one value. */
function identity(same: boolean): Rule {
  return (node) => {
    const [a, b] = [node.input(0), node.input(1)]
    const itself = a === b && IS_ITSELF.has(a.type.kind === 'OptionalType' ? a.type.element.kind : a.type.kind)
    if (itself || (mustBeNone(a) && mustBeNone(b))) return constant(node, boolValue(same))
    const decided = (mustBeNone(a) && excludesNone(b.type)) || (mustBeNone(b) && excludesNone(a.type))
    return decided ? constant(node, boolValue(!same)) : undefined
  }
}

const unwrap: Rule = (node) => excludesNone(node.input(0).type) ? node.input(0) : undefined

/** A value compared with itself, of a type in which everything equals itself and comparing raises nothing. */
function selfComparison(equal: boolean): Rule {
  return (node) => {
    if (node.inputs.length !== 2 || node.input(0) !== node.input(1)) return undefined
    const { type } = node.input(0)
    const element = type.kind === 'ListType' ? type.element : type
    return ['IntType', 'BoolType', 'StringType'].includes(element.kind) ? constant(node, boolValue(equal)) : undefined
  }
}

/** `x op neutral` of ints is `x`. */
function neutral(value: bigint): Rule {
  return (node) => {
    const [x, y] = node.inputs
    if (node.inputs.length !== 2 || x?.type.kind !== 'IntType' || node.output.type.kind !== 'IntType') return undefined
    const other = toIValue(y!)
    return other?.tag === 'Int' && other.value === value ? x : undefined
  }
}

/** A number made a tensor and then a number again, where neither step changes it. The tensor must not be written to in between. */
function roundTrip(...types: Type['kind'][]): Rule {
  return (node, { aliases }) => {
    const tensor = node.inputs[0]
    if (node.inputs.length !== 1 || tensor?.node.kind !== 'prim::NumToTensor') return undefined
    const number = tensor.node.input(0)
    return types.includes(number.type.kind) && isSubtype(number.type, node.output.type) && !aliases().isWritten(tensor) ? number : undefined
  }
}

function alreadyInt(node: Node): Value | undefined {
  return node.inputs.length === 1 && node.inputs[0]!.type.kind === 'IntType' && node.output.type.kind === 'IntType' ? node.inputs[0] : undefined
}

const intRoundTrip = roundTrip('IntType')

/** `x.t().t()` is `x`, unless its shape changes in place (`x.t_()`) or the graph tells it from its views. */
function doubleTranspose(node: Node, { aliases }: Context): Value | undefined {
  const inner = node.input(0).node
  if (inner.kind !== 'aten::t' || aliases().isWritten(node.output) || aliases().identityMatters(node.output)) return undefined
  return inner.input(0)
}

const RULES: Readonly<Record<string, Rule>> = {
  'aten::__is__': identity(true),
  'aten::__isnot__': identity(false),
  'aten::_unwrap_optional': unwrap,
  'prim::unchecked_unwrap_optional': unwrap,
  'prim::unchecked_cast': (node) => isSubtype(node.input(0).type, node.output.type) ? node.input(0) : undefined,
  'aten::Int': (node, context) => alreadyInt(node) ?? intRoundTrip(node, context),
  'aten::ceil': alreadyInt,
  'aten::floor': alreadyInt,
  'aten::eq': selfComparison(true),
  'aten::ne': selfComparison(false),
  'aten::add': neutral(0n),
  'aten::sub': neutral(0n),
  'aten::mul': neutral(1n),
  'aten::floordiv': neutral(1n),
  'aten::IntImplicit': intRoundTrip,
  'aten::Float': roundTrip('FloatType'),
  'aten::FloatImplicit': roundTrip('FloatType'),
  'aten::ScalarImplicit': roundTrip('IntType', 'FloatType', 'NumberType'),
  'aten::item': roundTrip('IntType', 'FloatType', 'NumberType'),
  'aten::t': doubleTranspose,
}

/** Inside a branch its condition is known. `known` holds those of the branches around. */
function substituteConditions(block: Block, known: Map<Value, boolean>): number {
  let changes = 0
  const visit = (node: Node): void => {
    node.inputs.forEach((input, i) => {
      const value = known.get(input)
      if (value === undefined) return
      node.replaceInput(i, constant(node, boolValue(value)))
      changes++
    })
  }
  for (const node of block.nodes()) {
    if (known.size > 0) visit(node)
    const condition = node.kind === 'prim::If' && node.input(0).node.kind !== 'prim::Constant' ? node.input(0) : undefined
    for (const [i, inner] of node.blocks.entries()) {
      if (condition) known.set(condition, i === 0)
      changes += substituteConditions(inner, known)
    }
    if (condition) known.delete(condition)
  }
  if (known.size > 0) visit(block.returnNode)
  return changes
}

/** Outputs that are one value in both branches are one output. */
function mergeOutputs(node: Node): number {
  const first = new Map<string, Value>()
  let changes = 0
  node.outputs.forEach((output, i) => {
    const key = node.blocks.map((block) => block.outputs[i]!.id).join(' ')
    const known = first.get(key)
    if (known === undefined) first.set(key, output)
    else if (output.hasUses && isSubtype(known.type, output.type)) {
      output.replaceAllUsesWith(known)
      changes++
    }
  })
  return changes
}

/** `True if c else False` is `c`; and an output is not optional when neither branch gives an optional. */
function simplifyOutputs(node: Node): number {
  const [yes, no] = node.blocks
  let changes = 0
  node.outputs.forEach((output, i) => {
    const [a, b] = [yes!.outputs[i]!, no!.outputs[i]!]
    const [whenTrue, whenFalse] = [toIValue(a), toIValue(b)]
    if (output.hasUses && whenTrue?.tag === 'Bool' && whenTrue.value && whenFalse?.tag === 'Bool' && !whenFalse.value) {
      output.replaceAllUsesWith(node.input(0))
      changes++
    }
    if (output.type.kind !== 'OptionalType' || a.type.kind === 'OptionalType' || b.type.kind === 'OptionalType') return
    const { element } = output.type
    if (a.type.kind === 'NoneType' || b.type.kind === 'NoneType' || !isSubtype(a.type, element) || !isSubtype(b.type, element)) return
    output.type = element
    changes++
  })
  return changes
}
