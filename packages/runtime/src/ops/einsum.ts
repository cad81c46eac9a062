import { dense } from '../kernels/dense.ts'
import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { combine } from './dense/matmul.ts'
import { wrapDim } from './nn/arguments.ts'
import { arrange, contract, sumOut, type Term } from './nn/contraction.ts'

const ELLIPSIS = '...'

/** Labels of one operand; an ellipsis stands for one label or none. */
function parse(m: Machine, text: string): string[] {
  const labels = text.match(/\.\.\.|\S/g) ?? []
  for (const label of labels) if (label !== ELLIPSIS && !/^[A-Za-z]$/.test(label)) throw m.fail(`einsum: '${label}' is no subscript`)
  if (labels.filter((label) => label === ELLIPSIS).length > 1) throw m.fail(`einsum: more than one ellipsis in '${text}'`)
  return labels
}

/** Labels of the dimensions that an ellipsis covers, counted from the last one. */
function covered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `.${count - i}`)
}

/** Gives each dimension a label; of labels that come again, the diagonal is taken. */
function label(m: Machine, tensor: Tensor, labels: readonly string[]): Term {
  const ellipsis = labels.includes(ELLIPSIS)
  const missing = tensor.dim - labels.length + (ellipsis ? 1 : 0)
  if (missing < 0 || (!ellipsis && missing > 0)) {
    throw m.fail(`einsum: ${labels.join('')} does not fit a tensor of ${tensor.dim} dimensions`)
  }
  const own = labels.flatMap((each) => (each === ELLIPSIS ? covered(missing) : [each]))
  const unique = [...new Set(own)]
  const dims = unique.map((each) => own.flatMap((other, dim) => (other === each ? [dim] : [])))
  const sizes = dims.map((same) => tensor.sizes[same[0]!]!)
  for (const [i, same] of dims.entries()) {
    if (same.some((dim) => tensor.sizes[dim] !== sizes[i])) throw m.fail(`einsum: dimensions of ${unique[i]} differ`)
  }
  const strides = dims.map((same) => same.reduce((sum, dim) => sum + tensor.strides[dim]!, 0))
  return { tensor: m.plain(tensor).view(sizes, strides), labels: unique }
}

/** Without an arrow: the ellipsis, then what occurs once, in the order of ASCII. */
function implied(inputs: readonly (readonly string[])[]): string[] {
  const all = inputs.flat()
  const once = all.filter((each) => each !== ELLIPSIS && all.indexOf(each) === all.lastIndexOf(each)).toSorted()
  return all.includes(ELLIPSIS) ? [ELLIPSIS, ...once] : once
}

function einsum(m: Machine, equation: string, tensors: readonly Tensor[]): Tensor {
  const [left = '', right] = equation.split('->')
  const inputs = left.split(',').map((text) => parse(m, text))
  if (tensors.length === 0 || inputs.length !== tensors.length) throw m.fail(`einsum: ${tensors.length} operands for '${equation}'`)
  const terms = tensors.map((tensor, i) => label(m, tensor, inputs[i]!))
  const output = right === undefined ? implied(inputs) : parse(m, right)
  const most = Math.max(...terms.map(({ labels }) => labels.filter((each) => each.length > 1).length))
  const labels = output.flatMap((each) => (each === ELLIPSIS ? covered(most) : [each]))
  const known = new Set(terms.flatMap((term) => term.labels))
  for (const each of labels) {
    if (!known.has(each) || labels.indexOf(each) !== labels.lastIndexOf(each)) {
      throw m.fail(`einsum: output subscript ${each} in '${equation}'`)
    }
  }
  return product(m, terms, labels)
}

/** Multiplies terms from the left to the right, and sums over what is not in `labels`. */
function product(m: Machine, terms: readonly Term[], labels: readonly string[]): Tensor {
  let result = terms[0]!
  for (let i = 1; i < terms.length; i++) {
    result = contract(m, result, terms[i]!, new Set([...labels, ...terms.slice(i + 1).flatMap((term) => term.labels)]))
  }
  return arrange(m, sumOut(m, result, (each) => labels.includes(each)), labels)
}

function tensordot(m: Machine, a: Tensor, b: Tensor, aDims: readonly bigint[], bDims: readonly bigint[]): Tensor {
  if (aDims.length !== bDims.length) throw m.fail('both dimension lists should have same length')
  const name = (prefix: string, tensor: Tensor, dims: readonly bigint[]): string[] => {
    const summed = dims.map((dim) => wrapDim(m, dim, tensor.dim))
    return tensor.sizes.map((_, dim) => (summed.includes(dim) ? `s${summed.indexOf(dim)}` : prefix + dim))
  }
  const [first, second] = [{ tensor: a, labels: name('a', a, aDims) }, { tensor: b, labels: name('b', b, bDims) }]
  const kept = [...first.labels, ...second.labels].filter((each) => !each.startsWith('s'))
  return product(m, [first, second], kept)
}

/** `sum over i and j of a[..., i] * weight[o, i, j] * b[..., j]`, and a bias. */
function bilinear(m: Machine, a: Tensor, b: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  const outer = a.sizes.slice(0, -1).map((_, dim) => `.${dim}`)
  const terms = [
    { tensor: a, labels: [...outer, 'i'] }, { tensor: weight, labels: ['o', 'i', 'j'] }, { tensor: b, labels: [...outer, 'j'] },
  ]
  const result = m.contiguous(product(m, terms, [...outer, 'o']))
  return bias ? combine(m, result, bias, 1, 1) : result
}

const operators: OperatorTable = {
  'aten::einsum(equation, tensors, path=None)': einsum,
  'aten::tensordot(self, other, dims_self, dims_other)': tensordot,
  'aten::bilinear(input1, input2, weight, bias=None)': bilinear,
}

const family: Family = { name: 'einsum', kernels: [dense], operators }

export default family
