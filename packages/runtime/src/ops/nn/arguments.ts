import type { Machine } from '../../machine.ts'
import type { Dtype, Tensor } from '../../tensor.ts'

/** `int[n]` of a schema: a number stands for all dimensions, as does a list of one. */
export type Ints = bigint | readonly bigint[]

/** One number for each of `dims` dimensions. */
export function spread(m: Machine, list: Ints, dims: number, what: string): number[] {
  const all = typeof list === 'bigint' ? [list] : list
  if (all.length !== 1 && all.length !== dims) throw m.fail(`${what} [${all.join(', ')}] does not have ${dims} numbers`)
  return Array.from({ length: dims }, (_, dim) => Number(all[all.length === 1 ? 0 : dim]))
}

/** A dimension counted from the front. A tensor without dimensions is taken for one of one. */
export function wrapDim(m: Machine, dim: bigint | number, dims: number): number {
  const top = Math.max(dims, 1)
  const index = Number(dim)
  if (index < -top || index >= top) throw m.fail(`dimension ${index} is out of range for a tensor of ${dims} dimensions`)
  return index < 0 ? index + top : index
}

/** Refuses sizes that do not go together. */
export function requireFit(m: Machine, fits: boolean, ...shapes: readonly (Pick<Tensor, 'sizes'> | readonly (number | bigint)[])[]): void {
  if (fits) return
  const texts = shapes.map((shape) => `[${('sizes' in shape ? shape.sizes : shape).join(', ')}]`)
  throw m.fail(`sizes ${texts.join(' and ')} do not fit`)
}

/** Refuses tensors of another type. */
export function requireType(m: Machine, dtype: Dtype, ...tensors: readonly (Tensor | null)[]): void {
  for (const tensor of tensors) if (tensor && tensor.dtype !== dtype) throw m.fail(`expected ${dtype}, got ${tensor.dtype}`)
}
