import { dense } from '../kernels/dense.ts'
import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { PackedObject, type Scalar, Tuple, type Value } from '../values.ts'
import { reshaped } from './dense/batch.ts'
import { listed } from './dense/listed.ts'
import { combine, matmul } from './dense/matmul.ts'
import { identity, isRow, multiplyPacked, packedOnce, stays } from './dense/packed.ts'
import { LINEAR, packLinear } from './prepacked.ts'

/** A matrix seen with rows and columns exchanged. */
export function transposed(matrix: Tensor): Tensor {
  const { sizes, strides } = matrix
  return matrix.view([...sizes.slice(0, -2), sizes.at(-1)!, sizes.at(-2)!], [...strides.slice(0, -2), strides.at(-1)!, strides.at(-2)!])
}

/** `input @ weight.T + bias`. */
export function linear(m: Machine, input: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  if (weight.dim === 2 && weight.dtype === 'float32' && stays(weight) && (!bias || stays(bias))) {
    return multiplyPacked(m, input, packedOnce(m, transposed(weight), bias))
  }
  const product = matmul(m, input, weight.dim === 2 ? transposed(weight) : weight)
  return bias ? combine(m, product, bias, 1, 1) : product
}

/** Weights that the model itself packs while it runs. */
function packedNow(m: Machine, ...state: Value[]): PackedObject {
  const object = new PackedObject(LINEAR, new Tuple(state))
  const [weight, bias, low, high] = state as [Tensor, Tensor | null, Value, Value]
  const key = JSON.stringify([weight.sizes, weight.offset, weight.strides, bias && identity(bias), String(low), String(high)])
  // Only of biases that stay is the address a name.
  object.prepared = bias && !stays(bias) ? packLinear(m, state) : m.cached(weight, key, () => packLinear(m, state))
  return object
}

/** `beta * self + alpha * (a @ b)`. */
function addProduct(m: Machine, self: Tensor, a: Tensor, b: Tensor, beta: Scalar, alpha: Scalar): Tensor {
  const isBias = Number(beta) === 1 && Number(alpha) === 1 && b.dim === 2 && stays(b) && stays(self) && isRow(self, b.sizes[1]!)
  if (isBias && a.dtype === 'float32' && b.dtype === 'float32') return multiplyPacked(m, a, packedOnce(m, b, self))
  return combine(m, matmul(m, a, b), self, beta, alpha)
}

function addProductInPlace(m: Machine, self: Tensor, a: Tensor, b: Tensor, beta: Scalar, alpha: Scalar): Tensor {
  const result = addProduct(m, self, a, b, beta, alpha)
  m.writing(self)
  m.assign(self, result)
  return self
}

/** Refuses numbers of dimensions that the operator does not take. */
const exactly = (aDim: number, bDim: number) => (m: Machine, a: Tensor, b: Tensor): Tensor => {
  if (a.dim !== aDim || b.dim !== bDim) throw m.fail(`expected ${aDim}-D and ${bDim}-D tensors, got ${a.dim}-D and ${b.dim}-D`)
  return matmul(m, a, b)
}

const dot = exactly(1, 1)

function outer(m: Machine, a: Tensor, b: Tensor): Tensor {
  return matmul(m, a.view([a.numel, 1], [a.strides[0]!, 1]), b.view([1, b.numel], [1, b.strides[0]!]))
}

/** Sums over the last dimension of both. */
function inner(m: Machine, a: Tensor, b: Tensor): Tensor {
  const rows = m.contiguous(b)
  const depth = b.sizes.at(-1)!
  const product = matmul(m, a, transposed(reshaped(rows, [depth === 0 ? 0 : b.numel / depth, depth])))
  return reshaped(product, [...a.sizes.slice(0, -1), ...b.sizes.slice(0, -1)])
}

/** `beta * self` plus the sum of all products of a batch: one product of matrices that are laid side by side. */
function addProducts(m: Machine, self: Tensor, a: Tensor, b: Tensor, beta: Scalar, alpha: Scalar): Tensor {
  const [batch, rows, depth] = a.sizes as [number, number, number]
  if (b.sizes[0] !== batch || b.sizes[1] !== depth) throw m.fail(`batches ${listed(a.sizes)} and ${listed(b.sizes)} cannot be multiplied`)
  const [step, row, column] = a.strides as [number, number, number]
  const left = reshaped(m.contiguous(a.view([rows, batch, depth], [row, step, column])), [rows, batch * depth])
  return combine(m, matmul(m, left, reshaped(m.contiguous(b), [batch * depth, b.sizes[2]!])), self, beta, alpha)
}

/** A product of matrices from the left to the right. */
function chain(m: Machine, matrices: readonly Tensor[]): Tensor {
  return matrices.length === 1 ? m.copy(matrices[0]!) : matrices.reduce((product, each) => matmul(m, product, each))
}

/** Kronecker's product: for each element of the first tensor a block, the second tensor times that element. */
function kron(m: Machine, a: Tensor, b: Tensor): Tensor {
  const dims = Math.max(a.dim, b.dim)
  const padded = ({ sizes }: Tensor): number[] => [...Array.from({ length: dims - sizes.length }, () => 1), ...sizes]
  const [aSizes, bSizes] = [padded(a), padded(b)]
  const product = matmul(m, reshaped(m.contiguous(a), [a.numel, 1]), reshaped(m.contiguous(b), [1, b.numel]))
  const { sizes, strides } = reshaped(product, [...aSizes, ...bSizes])
  // Dimensions of both in turn: those of blocks, those inside of blocks.
  const inTurn = (list: readonly number[]): number[] => aSizes.flatMap((_, dim) => [list[dim]!, list[dim + dims]!])
  return reshaped(m.contiguous(product.view(inTurn(sizes), inTurn(strides))), aSizes.map((size, dim) => size * bSizes[dim]!))
}

/** Matrix products. */
const matrixProducts: Family = {
  name: 'matmul',
  kernels: [dense],
  operators: {
    'aten::linear(input, weight, bias=None)': linear,
    'aten::matmul(self, other)': matmul,
    'aten::linalg_matmul(self, other)': matmul,
    'aten::mm(self, mat2)': exactly(2, 2),
    'aten::bmm(self, mat2)': exactly(3, 3),
    'aten::mv(self, vec)': exactly(2, 1),
    'aten::dot(self, tensor)': dot,
    'aten::vdot(self, other)': dot,
    'aten::outer(self, vec2)': outer,
    'aten::ger(self, vec2)': outer,
    'aten::inner(self, other)': inner,
    'aten::addmm(self, mat1, mat2, beta=1, alpha=1)': addProduct,
    'aten::addmm_(self, mat1, mat2, beta=1, alpha=1)': addProductInPlace,
    'aten::baddbmm(self, batch1, batch2, beta=1, alpha=1)': addProduct,
    'aten::baddbmm_(self, batch1, batch2, beta=1, alpha=1)': addProductInPlace,
    'aten::addmv(self, mat, vec, beta=1, alpha=1)': addProduct,
    'aten::addmv_(self, mat, vec, beta=1, alpha=1)': addProductInPlace,
    'aten::addr(self, vec1, vec2, beta=1, alpha=1)': (m, self: Tensor, a: Tensor, b: Tensor, beta: Scalar, alpha: Scalar) =>
      combine(m, outer(m, a, b), self, beta, alpha),
    'aten::addbmm(self, batch1, batch2, beta=1, alpha=1)': addProducts,
    'aten::chain_matmul(matrices)': chain,
    'aten::linalg_multi_dot(tensors)': chain,
    'aten::kron(self, other)': kron,
    'prepacked::linear_clamp_prepack(W, B=None, output_min=None, output_max=None)': packedNow,
  },
}

export default matrixProducts
