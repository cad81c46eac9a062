/** Element types that example inputs can have; PyTorch's names. */
export const DTYPES = [
  'float32', 'float64', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool', 'complex64',
] as const
export type Dtype = typeof DTYPES[number]

/** One example input of a model: what it looks like, not its values. Plain JSON. */
export type InputSpec =
  /** Filled with random values: floats and whole numbers in [0, below) where `below` is given, else floats as `torch.rand` gives them. */
  | { readonly kind: 'tensor'; readonly dtype: Dtype; readonly shape: readonly number[]; readonly below?: number }
  | { readonly kind: 'tuple' | 'list'; readonly items: readonly InputSpec[] }
  | { readonly kind: 'int' | 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
