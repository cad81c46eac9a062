import type { Facts, PortFact } from '../compiler/facts.ts'
import type { Plain } from './examples.ts'

/** What `forward` takes and gives, with what was seen of it. */
export interface Ports {
  readonly inputs: readonly PortFact[]
  readonly outputs: readonly PortFact[]
}

/** A call, and what it gave. */
interface Seen {
  readonly args: readonly Plain[]
  readonly answer: Plain
}

/** Adds element types and sizes of tensors, as calls had them; a size that differed is free. */
export function knownPorts({ inputs, outputs }: Pick<Facts, 'inputs' | 'outputs'>, calls: readonly Seen[]): Ports {
  return {
    inputs: inputs.map((port, i) => withTensors(port, calls.map(({ args }) => args[i]))),
    outputs: outputs.map((port, i) => withTensors(port, calls.map(({ answer }) => itemOf(answer, i)))),
  }
}

/** A tuple is several outputs. */
function itemOf(answer: Plain, index: number): Plain | undefined {
  if (typeof answer === 'object' && answer !== null && 'tuple' in answer) return answer.tuple[index]
  return index === 0 ? answer : undefined
}

function withTensors(port: PortFact, values: readonly (Plain | undefined)[]): PortFact {
  const tensors = values.flatMap((value) => (typeof value === 'object' && value !== null && 'tensor' in value ? [value.tensor] : []))
  const [first] = tensors
  if (first === undefined || tensors.length < values.length) return port
  const dtype = tensors.every((tensor) => tensor.dtype === first.dtype) ? { dtype: first.dtype } : {}
  const isRanked = tensors.every(({ sizes }) => sizes.length === first.sizes.length)
  const shape = first.sizes.map((size, dim) => (tensors.every(({ sizes }) => sizes[dim] === size) ? size : null))
  return { ...port, ...dtype, ...isRanked && { shape } }
}
