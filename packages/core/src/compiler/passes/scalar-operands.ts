import { SCALAR_TYPES, type ScalarType, type Tensor } from '../archive/tensor.ts'
import { allNodes, type Graph, type Value } from '../ir/graph.ts'
import { doubleValue, intValue, type IValue } from '../ir/ivalue.ts'
import { findSchema } from '../ir/ops/index.ts'
import { TensorType } from '../ir/types.ts'
import { analyzeFloats } from './float-analysis.ts'
import type { PassLog } from './pass.ts'
import { constantTensor, insertConstant, changingConstants, replaceNode } from './rewriting.ts'
import { holdsNoFloats } from './whole-numbers.ts'

/** Arithmetic that has a form with a number for its second operand, `Scalar`. */
const ARITHMETIC: ReadonlySet<string> = new Set(['add', 'add_', 'sub', 'sub_', 'mul', 'mul_', 'div', 'div_'].map((name) => `aten::${name}`))

/**
 * `x + tensor(3.)` becomes `x + 3.`: traces write numbers as tensors without dimensions, which a Vulkan runtime has none of
 * (`image_extents` in aten/src/ATen/native/vulkan/ops/Tensor.cpp). For `x` of float32 both give the same; inputs are taken for that, as
 * Vulkan has tensors of nothing else.
 */
export function scalarOperands(graph: Graph, log: PassLog): void {
  const isFloat = analyzeFloats(graph, graph.inputs.filter((input) => input.type.kind === 'TensorType' && !holdsNoFloats(input)))
  const changeOf = changingConstants(graph)
  const made = new Set<Value>()
  const takesNumber = (value: Value): boolean => made.has(value) || isFloat(value)
  let changed = 0
  for (const node of allNodes(graph.block)) {
    if (!ARITHMETIC.has(node.kind) || node.schema?.overload !== 'Tensor') continue
    const number = numberOf(node.input(1), changeOf)
    if (number === undefined || !takesNumber(node.input(0))) continue
    const scalar = node.graph.create(node.kind, [node.input(0), insertConstant(node, number), ...node.inputs.slice(2)], findSchema(node.kind, 'Scalar')).insertBefore(node)
    scalar.range = node.range
    const result = scalar.addOutput(TensorType)
    made.add(result)
    replaceNode(node, result)
    changed++
  }
  if (changed > 0) log.changed('scalar_operands', changed)
}

/** The number in a constant tensor without dimensions. */
function numberOf(value: Value, changeOf: (value: Value) => string | undefined): IValue | undefined {
  const tensor = constantTensor(value)
  if (tensor === undefined || tensor.sizes.length > 0 || tensor.quantizer !== undefined || changeOf(value) !== undefined) return undefined
  return READERS[tensor.scalarType]?.(bytesOf(tensor))
}

function bytesOf({ storage, storageOffset, scalarType }: Tensor): DataView | undefined {
  const { bytes } = SCALAR_TYPES[scalarType]
  const { resident } = storage
  return resident === undefined ? undefined : new DataView(resident.buffer, resident.byteOffset + storageOffset * bytes, bytes)
}

const READERS: Partial<Record<ScalarType, (bytes: DataView | undefined) => IValue | undefined>> = {
  Float: (bytes) => bytes && doubleValue(bytes.getFloat32(0, true)),
  Double: (bytes) => bytes && doubleValue(bytes.getFloat64(0, true)),
  Long: (bytes) => bytes && intValue(bytes.getBigInt64(0, true)),
  Int: (bytes) => bytes && intValue(bytes.getInt32(0, true)),
}
