import type { Tensor } from '../archive/tensor.ts'
import { allNodes, toIValue, type Graph, type Node, type Value } from '../ir/graph.ts'
import { intListValue, intValue, NONE, tensorValue, type IValue } from '../ir/ivalue.ts'
import { analyzeLayouts, type Layout } from './layout-analysis.ts'
import type { PassLog } from './pass.ts'
import { packedContext } from './prepacked-context.ts'
import { constantInts, constantNumber, constantTensor, insertConstant, insertOperator, isNone, replaceNode, changingConstants } from './rewriting.ts'

/** What an operator becomes: the packed operator and the plain arguments of its packed weights; or the reason to leave it. */
export type Plan = { readonly run: string; readonly state: readonly IValue[] } | string

/** Plans for an operator: it, and what is known of its input. */
export type Planner = (node: Node, input: Layout) => Plan

/**
 * Operators of constant weights become their packed forms, packed weights and all: what an engine's `insertPrePackedOps` and
 * FoldPrePackingOps (torch/csrc/jit/passes/prepack_folding.cpp) do together. PyTorch packs by running an operator; here its conditions
 * are checked on the constants by the planners, and what fails them stays as it is.
 */
export function insertPacked(graph: Graph, log: PassLog, planners: Readonly<Record<string, Planner>>): void {
  const layoutOf = analyzeLayouts(graph)
  const changeOf = changingConstants(graph)
  let changed = 0
  for (const node of allNodes(graph.block)) {
    const planner = planners[node.kind]
    if (planner === undefined) continue
    const change = node.inputs.map(changeOf).find((why) => why !== undefined)
    const plan = change === undefined ? planner(node, layoutOf(node.input(0))) : `its weight ${change}`
    if (typeof plan === 'string') {
      log.declined('insert_fold_prepack_ops', node.kind, plan)
      continue
    }
    const context = insertConstant(node, packedContext(plan.run, plan.state, { min: NONE, max: NONE }))
    replaceNode(node, insertOperator(node, plan.run, '', [node.input(0), context]))
    changed++
  }
  if (changed > 0) log.changed('insert_fold_prepack_ops', changed)
}

/** An argument of height and width: as numbers, and as it was given. */
export interface Pair {
  readonly ints: readonly [number, number]
  readonly value: IValue
}

/** The arguments that all convolutions of images have. */
export interface Window {
  readonly weight: Tensor
  readonly stride: Pair
  readonly padding: Pair
  readonly dilation: Pair
  readonly groups: { readonly number: number; readonly value: IValue }
}

/** The numbers of `conv2d`'s arguments. */
export const CONV2D: WindowOffsets = { stride: 3, padding: 4, dilation: 5, groups: 6 }
/** The numbers of `conv_transpose2d`'s arguments. */
export const CONV_TRANSPOSE2D: WindowOffsets = { stride: 3, padding: 4, dilation: 7, groups: 6 }

interface WindowOffsets {
  readonly stride: number
  readonly padding: number
  readonly dilation: number
  readonly groups: number
}

/** The arguments that both convolutions have, checked as every engine checks them; or what is wrong with them. */
export function planWindow(node: Node, input: Layout, at: WindowOffsets): Window | string {
  if (node.schema?.overload === 'padding') return 'its padding is given as a word'
  if (input.rank !== undefined && input.rank !== 4) return `its input has ${input.rank} dimensions; the packed form takes 4`
  const weight = plainFloat(node.input(1), 4)
  if (typeof weight === 'string') return weight
  const stride = pair(node.input(at.stride))
  const padding = pair(node.input(at.padding))
  const dilation = pair(node.input(at.dilation))
  const groups = constantNumber(node.input(at.groups))
  if (!stride || !padding || !dilation || groups === undefined) return 'its stride, padding, dilation or groups are not constant'
  if (stride.ints.some((n) => n < 1) || dilation.ints.some((n) => n < 1) || padding.ints.some((n) => n < 0)) return 'its stride, padding or dilation is out of range'
  if (groups < 1 || weight.sizes[0]! % groups !== 0) return `its ${weight.sizes[0]} channels do not divide into ${groups} groups`
  return { weight, stride, padding, dilation, groups: { number: groups, value: intValue(groups) } }
}

/** Two numbers per argument; a list of one stands for two (`expand_param_if_needed`). */
export function pair(value: Value): Pair | undefined {
  const ints = constantInts(value)
  if (ints === undefined || ints.length < 1 || ints.length > 2) return undefined
  return { ints: [ints[0]!, ints[1] ?? ints[0]!], value: intListValue(ints) }
}

/** A constant float32 tensor of `rank` dimensions and no empty one, or what it is in place. */
export function plainFloat(value: Value, rank: number): Tensor | string {
  const tensor = constantTensor(value)
  if (tensor === undefined) return 'its weight is not constant'
  if (tensor.scalarType !== 'Float' || tensor.quantizer !== undefined) return `its weight is ${tensor.scalarType}; packed weights are Float`
  if (tensor.sizes.length !== rank) return `its weight has ${tensor.sizes.length} dimensions, not ${rank}`
  if (tensor.sizes.some((size) => size < 1)) return 'its weight is empty'
  return withoutGradient(tensor)
}

/** A constant bias of so many elements, or None; or what is wrong with it. */
export function biasOf(value: Value, channels: number): IValue | string {
  if (isNone(value)) return NONE
  const constant = toIValue(value)
  if (constant?.tag !== 'Tensor') return 'its bias is not constant'
  const { scalarType, sizes, quantizer } = constant.value
  if (scalarType !== 'Float' || quantizer !== undefined) return `its bias is ${scalarType}; packed weights are Float`
  return sizes.length === 1 && sizes[0] === channels ? tensorValue(withoutGradient(constant.value)) : `its bias does not have ${channels} elements`
}

/** Packing refuses tensors that require gradients. */
function withoutGradient(tensor: Tensor): Tensor {
  return tensor.requiresGrad ? { ...tensor, requiresGrad: false } : tensor
}
