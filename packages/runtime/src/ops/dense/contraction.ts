import type { Machine } from '../../machine.ts'
import { isContiguous, numelOf, type Tensor } from '../../tensor.ts'
import { reshaped } from './batch.ts'
import { matmul } from './matmul.ts'

/** A tensor whose dimensions have names, all different. */
export interface Labelled {
  readonly tensor: Tensor
  readonly labels: readonly string[]
}

/**
 * Names dimensions. A name that occurs twice stands for the diagonal. Dimensions of size 1 are dropped where the name has another size elsewhere: they are
 * broadcast.
 */
export function labelled(m: Machine, tensor: Tensor, names: readonly string[], sizes: ReadonlyMap<string, number>): Labelled {
  const strides = new Map<string, number>()
  for (const [dim, name] of names.entries()) {
    if (tensor.sizes[dim] === 1 && sizes.get(name) !== 1) continue
    if (tensor.sizes[dim] !== sizes.get(name)) throw m.fail(`'${name}' has size ${sizes.get(name)} and ${tensor.sizes[dim]}`)
    strides.set(name, (strides.get(name) ?? 0) + tensor.strides[dim]!)
  }
  const labels = [...strides.keys()]
  return { tensor: tensor.view(labels.map((name) => sizes.get(name)!), [...strides.values()]), labels }
}

/** Multiplies two tensors and sums over the names that are not kept: a batch of matrix products. */
export function contract(m: Machine, one: Labelled, other: Labelled, kept: ReadonlySet<string>): Labelled {
  const a = sumAway(m, one, new Set([...kept, ...other.labels]))
  const b = sumAway(m, other, new Set([...kept, ...one.labels]))
  const shared = a.labels.filter((name) => b.labels.includes(name))
  const batch = shared.filter((name) => kept.has(name))
  const sum = shared.filter((name) => !kept.has(name))
  const left = a.labels.filter((name) => !shared.includes(name))
  const right = b.labels.filter((name) => !shared.includes(name))
  const count = (names: readonly string[], { tensor, labels }: Labelled): number => numelOf(names.map((name) => tensor.sizes[labels.indexOf(name)]!))
  const [n, rows, depth, columns] = [count(batch, a), count(left, a), count(sum, a), count(right, b)]
  const matrices = reshaped(m.contiguous(arranged(a, [...batch, ...left, ...sum])), [n, rows, depth])
  // B may lie with its rows or its columns side by side.
  const flipped = arranged(b, [...batch, ...right, ...sum])
  const others = isContiguous(m.plain(flipped))
    ? reshaped(flipped, [n, columns, depth]).view([n, depth, columns], [columns * depth, 1, depth])
    : reshaped(m.contiguous(arranged(b, [...batch, ...sum, ...right])), [n, depth, columns])
  const product = matmul(m, matrices, others)
  const labels = [...batch, ...left, ...right]
  const sizes = labels.map((name) => (a.labels.includes(name) ? count([name], a) : count([name], b)))
  return { tensor: reshaped(product, sizes), labels }
}

/** Sums over the names that are not kept. */
export function sumAway(m: Machine, { tensor, labels }: Labelled, kept: ReadonlySet<string>): Labelled {
  const away = labels.filter((name) => !kept.has(name))
  if (away.length === 0) return { tensor, labels }
  const rest = labels.filter((name) => kept.has(name))
  const own = m.contiguous(arranged({ tensor, labels }, [...rest, ...away]))
  const depth = numelOf(own.sizes.slice(rest.length))
  const ones = m.empty([depth], tensor.dtype)
  m.elements(ones).fill((tensor.dtype === 'int64' ? 1n : 1) as never)
  const sums = matmul(m, reshaped(own, [numelOf(own.sizes.slice(0, rest.length)), depth]), ones)
  return { tensor: reshaped(sums, own.sizes.slice(0, rest.length)), labels: rest }
}

/** The same tensor with its dimensions in another order. */
export function arranged({ tensor, labels }: Labelled, order: readonly string[]): Tensor {
  const dims = order.map((name) => labels.indexOf(name))
  return tensor.view(dims.map((dim) => tensor.sizes[dim]!), dims.map((dim) => tensor.strides[dim]!))
}

/** Einstein's sum: from left to right, two tensors at a time. */
export function einstein(m: Machine, tensors: readonly Tensor[], names: readonly (readonly string[])[], result: readonly string[]): Tensor {
  const sizes = new Map<string, number>()
  for (const [i, tensor] of tensors.entries()) {
    for (const [dim, name] of names[i]!.entries()) if ((sizes.get(name) ?? 1) === 1) sizes.set(name, tensor.sizes[dim]!)
  }
  const [first, ...rest] = tensors.map((tensor, i) => labelled(m, tensor, names[i]!, sizes))
  let sum = first!
  for (const [i, next] of rest.entries()) {
    sum = contract(m, sum, next, new Set([...result, ...rest.slice(i + 1).flatMap(({ labels }) => labels)]))
  }
  const arrangement = arranged(sumAway(m, sum, new Set(result)), result)
  // Of one tensor it may be a view, as in PyTorch.
  return tensors.length === 1 ? arrangement : m.contiguous(arrangement)
}
