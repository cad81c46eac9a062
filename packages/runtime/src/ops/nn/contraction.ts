import { collapse, type Machine } from '../../machine.ts'
import { numelOf, type Tensor } from '../../tensor.ts'
import { reshaped } from '../dense/batch.ts'
import { matmul } from '../dense/matmul.ts'
import { type Operation, pointwise } from '../pointwise.ts'
import { requireFit } from './arguments.ts'

/** A tensor with a label for each dimension. */
export interface Term {
  readonly tensor: Tensor
  readonly labels: readonly string[]
}

const MULTIPLY: Operation = { each: (a, b) => a * b, kernel: 'multiply' }

/** True where a term varies along a label: what has one element is broadcast. */
function has({ tensor, labels }: Term, label: string): boolean {
  const dim = labels.indexOf(label)
  return dim >= 0 && tensor.sizes[dim] !== 1
}

/** A view whose dimensions are those of `labels`; of size 1 where the term lacks them. */
export function arrange(m: Machine, { tensor, labels }: Term, order: readonly string[]): Tensor {
  const dims = order.map((label) => labels.indexOf(label))
  return m.plain(tensor).view(dims.map((dim) => tensor.sizes[dim] ?? 1), dims.map((dim) => tensor.strides[dim] ?? 0))
}

/** A tensor with one dimension for each group of labels; a view where strides allow it. */
function merge(m: Machine, term: Term, groups: readonly (readonly string[])[]): Tensor {
  const view = arrange(m, term, groups.flat())
  let at = 0
  const merged = groups.map((group) => {
    const [begin, end] = [at, at += group.length]
    return collapse(view.sizes.slice(begin, end), [view.strides.slice(begin, end)])
  })
  const sizes = groups.map((group) => numelOf(arrange(m, term, group).sizes))
  if (merged.some((group) => group.sizes.length > 1)) return reshaped(m.contiguous(view), sizes)
  return view.view(sizes, merged.map(({ strides }) => strides[0]![0] ?? 1))
}

function split(labels: readonly string[], product: Tensor, ...terms: readonly Term[]): Term {
  const sizes = labels.map((label) => Math.max(...terms.map((term) => arrangeSize(term, label))))
  return { tensor: reshaped(product, sizes), labels }
}

function arrangeSize({ tensor, labels }: Term, label: string): number {
  return tensor.sizes[labels.indexOf(label)] ?? 1
}

/** Sums over all labels but the kept ones. */
export function sumOut(m: Machine, term: Term, kept: (label: string) => boolean): Term {
  const summed = term.labels.filter((label) => !kept(label))
  if (summed.length === 0) return term
  const rest = term.labels.filter(kept)
  const matrix = merge(m, term, [rest, summed])
  const { dtype } = matrix
  const ones = m.empty([matrix.sizes[1]!, 1], dtype)
  const elements = m.elements(ones) as Float32Array
  elements.fill((dtype === 'int64' ? 1n : 1) as number)
  return split(rest, matmul(m, matrix, ones), term)
}

/** The product of two terms, summed over all labels but the kept ones. */
export function contract(m: Machine, first: Term, second: Term, kept: ReadonlySet<string>): Term {
  // What only one of them has can be summed before.
  const a = sumOut(m, first, (label) => kept.has(label) || has(second, label))
  const b = sumOut(m, second, (label) => kept.has(label) || has(a, label))
  const all = [...new Set([...a.labels, ...b.labels])]
  for (const label of all) {
    const [x, y] = [arrangeSize(a, label), arrangeSize(b, label)]
    requireFit(m, x === y || x === 1 || y === 1, first.tensor, second.tensor)
  }
  const sums = all.filter((label) => !kept.has(label))
  if (sums.length === 0) return { tensor: pointwise(m, MULTIPLY, [arrange(m, a, all), arrange(m, b, all)]), labels: all }
  const rest = all.filter((label) => kept.has(label))
  const batch = rest.filter((label) => has(a, label) && has(b, label))
  const left = rest.filter((label) => has(a, label) && !has(b, label))
  const right = rest.filter((label) => !has(a, label))
  const product = matmul(m, merge(m, a, [batch, left, sums]), merge(m, b, [batch, sums, right]))
  return split([...batch, ...left, ...right], product, a, b)
}
