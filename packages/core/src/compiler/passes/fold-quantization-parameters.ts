import { numel } from '../archive/tensor.ts'
import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { doubleValue, intValue } from '../ir/ivalue.ts'
import { readElement } from '../ir/literal.ts'
import type { PassLog } from './pass.ts'
import { changingConstants, constantTensor, insertConstant, insertOperator, replaceNode } from './rewriting.ts'

/**
 * `quantize_per_tensor` with a scale and a zero point that are constant tensors, as models quantized in FX graph mode have them, takes
 * them as numbers: the operator reads just these (`quantize_per_tensor_tensor_qparams` in aten/src/ATen/native/quantized/QTensor.cpp).
 * That spares two reads of memory for each call, and runtimes before 1.10 know no other form.
 */
export function foldQuantizationParameters(graph: Graph, log: PassLog): void {
  const calls = [...allNodes(graph.block)].filter(({ kind, schema }) => kind === 'aten::quantize_per_tensor' && schema?.overload === 'tensor_qparams')
  if (calls.length === 0) return
  const changeOf = changingConstants(graph)
  let changed = 0
  for (const call of calls) {
    const why = fold(call, changeOf)
    if (why === undefined) changed++
    else log.declined('fold_quantization_parameters', call.kind, why)
  }
  if (changed > 0) log.changed('fold_quantization_parameters', changed)
}

function fold(call: Node, changeOf: (value: Value) => string | undefined): string | undefined {
  const [input, scale, zeroPoint, dtype] = call.inputs as [Value, Value, Value, Value]
  const change = changeOf(scale) ?? changeOf(zeroPoint)
  if (change !== undefined) return `its scale or zero point ${change}`
  const [factor, offset] = [scale, zeroPoint].map(number)
  if (typeof factor !== 'number' || typeof offset !== 'bigint') return 'its scale and zero point are not a constant float and a constant int'
  const numbers = [insertConstant(call, doubleValue(factor)), insertConstant(call, intValue(offset))]
  replaceNode(call, insertOperator(call, 'aten::quantize_per_tensor', '', [input, ...numbers, dtype]))
  return undefined
}

/** The only element of a constant tensor. */
function number(value: Value): number | bigint | boolean | undefined {
  const tensor = constantTensor(value)
  return tensor !== undefined && numel(tensor) === 1 && tensor.quantizer === undefined ? readElement(tensor) : undefined
}
