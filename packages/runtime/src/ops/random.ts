import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { type Dtype, Tensor } from '../tensor.ts'
import { createElements, isFloating, toInt64 } from './elements.ts'
import { copyTo, emptyAs, pointwise } from './pointwise.ts'
import { dtypeOf } from './promotion.ts'

// Random numbers: of the distributions that PyTorch has, from a generator of our own (Mulberry32), which begins anew with every model. The
// numbers themselves are other ones than PyTorch's, and the same in every run of a page.

type Code = bigint | null
type Sizes = readonly bigint[]
type Draw = () => number

const states = new WeakMap<Machine, number>()

/** A fraction of 1, of 24 bits: it stays below 1 as float32. */
function draw(m: Machine): number {
  const state = ((states.get(m) ?? 0) + 0x6d2b_79f5) | 0
  states.set(m, state)
  let x = Math.imul(state ^ (state >>> 15), state | 1)
  x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
  return ((x ^ (x >>> 14)) >>> 8) / 2 ** 24
}

/** By Box and Muller. */
function normal(m: Machine): number {
  return Math.sqrt(-2 * Math.log(1 - draw(m))) * Math.cos(2 * Math.PI * draw(m))
}

/** Sets every element of a tensor; one by one, in row-major order. */
function fillBy(m: Machine, tensor: Tensor, next: Draw): Tensor {
  const values = createElements(tensor.dtype, tensor.numel)
  if (values instanceof BigInt64Array) for (let i = 0; i < values.length; i++) values[i] = toInt64(next())
  else for (let i = 0; i < values.length; i++) values[i] = next()
  const type: Dtype = values instanceof BigInt64Array ? 'int64' : values instanceof Float64Array ? 'float64' : 'float32'
  return copyTo(m, m.tensor(type, tensor.sizes, values as Float32Array), tensor)
}

function inPlace(m: Machine, self: Tensor, next: Draw): Tensor {
  m.writing(self)
  return fillBy(m, self, next)
}

const made = (m: Machine, sizes: Sizes, dtype: Dtype, next: Draw): Tensor => fillBy(m, m.empty(sizes.map(Number), dtype), next)

const between = (m: Machine, low: bigint, high: bigint): Draw => {
  if (low >= high) throw m.fail(`random_ expects 'from' to be less than 'to', but got from=${low} >= to=${high}`)
  return () => Math.floor(draw(m) * Number(high - low)) + Number(low)
}

/** Ones with a probability that is one number, or one for each element. */
function bernoulli(m: Machine, target: Tensor, p: number | Tensor): Tensor {
  const chance = (probability: number): number => {
    if (!(probability >= 0 && probability <= 1)) throw m.fail(`bernoulli_ expects p to be in [0, 1], but got p=${probability}`)
    return Number(draw(m) < probability)
  }
  if (!(p instanceof Tensor)) return inPlace(m, target, () => chance(p))
  const ones = pointwise(m, { each: (x: number) => chance(x) }, [p])
  m.writing(target)
  return copyTo(m, ones, target)
}

function permutation(m: Machine, n: bigint, code: Code): Tensor {
  const order = Array.from({ length: Number(n) }, (_, i) => i)
  for (let i = order.length - 1; i > 0; i--) {
    const other = Math.floor(draw(m) * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!]
  }
  let at = 0
  return made(m, [n], dtypeOf(m, code, 'int64'), () => order[at++]!)
}

/** Normal numbers whose means and deviations are tensors or numbers. */
function normalOf(m: Machine, mean: Tensor | number, deviation: Tensor | number): Tensor {
  return pointwise(m, { each: (a: number, b: number) => a + b * normal(m) }, [mean, deviation])
}

const OPTIONS = 'dtype=None, layout=None, device=None, pin_memory=None'
const INTS = OPTIONS.replace('None', '4')

/** With and without a generator among the arguments; there is only the model's own. */
function sized(
  name: string, args: string, options: string, run: (m: Machine, ...args: never[]) => Tensor, overloads: readonly [string, string],
): OperatorTable {
  const count = args.split(', ').length
  return {
    [`aten::${name}${overloads[0]}(${args}, ${options})`]: run as never,
    [`aten::${name}${overloads[1]}(${args}, generator, ${options})`]: (m, ...rest) => run(m, ...rest.toSpliced(count, 1) as never[]),
  }
}

const family: Family = {
  name: 'random',
  operators: {
    ...sized('rand', 'size', OPTIONS, (m, sizes: Sizes, code: Code) => made(m, sizes, floatOf(m, code), () => draw(m)), ['', '.generator']),
    ...sized('randn', 'size', OPTIONS, (m, sizes: Sizes, code: Code) =>
      made(m, sizes, floatOf(m, code), () => normal(m)), ['', '.generator']),
    ...sized('randint', 'high, size', INTS, (m, high: bigint, sizes: Sizes, code: Code) =>
      made(m, sizes, dtypeOf(m, code, 'int64'), between(m, 0n, high)), ['', '.generator']),
    ...sized('randint', 'low, high, size', INTS, (m, low: bigint, high: bigint, sizes: Sizes, code: Code) =>
      made(m, sizes, dtypeOf(m, code, 'int64'), between(m, low, high)),
      ['.low', '.low_generator']),
    ...sized('randperm', 'n', INTS, permutation, ['', '.generator']),
    [`aten::rand_like(self, ${OPTIONS}, memory_format=None)`]: (m, self: Tensor, code: Code) =>
      fillBy(m, emptyAs(m, self, floatOf(m, code, self.dtype)), () => draw(m)),
    [`aten::randn_like(self, ${OPTIONS}, memory_format=None)`]: (m, self: Tensor, code: Code) =>
      fillBy(m, emptyAs(m, self, floatOf(m, code, self.dtype)), () => normal(m)),
    [`aten::randint_like(self, high, ${OPTIONS}, memory_format=None)`]: (m, self: Tensor, high: bigint, code: Code) =>
      fillBy(m, emptyAs(m, self, dtypeOf(m, code, self.dtype)), between(m, 0n, high)),
    [`aten::randint_like.low_dtype(self, low, high, ${OPTIONS}, memory_format=None)`]:
      (m, self: Tensor, low: bigint, high: bigint, code: Code) => fillBy(m, emptyAs(m, self, dtypeOf(m, code, self.dtype)), between(m, low, high)),
    'aten::uniform_(self, from=0., to=1., generator=None)': (m, self: Tensor, from: number, to: number) =>
      inPlace(m, self, () => from + draw(m) * (to - from)),
    'aten::normal_(self, mean=0., std=1., generator=None)': (m, self: Tensor, mean: number, std: number) =>
      inPlace(m, self, () => mean + std * normal(m)),
    'aten::exponential_(self, lambd=1., generator=None)': (m, self: Tensor, rate: number) =>
      inPlace(m, self, () => -Math.log(1 - draw(m)) / rate),
    'aten::random_.from(self, from, to, generator=None)': (m, self: Tensor, from: bigint, to: bigint | null) =>
      inPlace(m, self, between(m, from, to ?? 1n << 53n)),
    'aten::random_.to(self, to, generator=None)': (m, self: Tensor, to: bigint) => inPlace(m, self, between(m, 0n, to)),
    'aten::normal.Tensor_Tensor(mean, std, generator=None)': normalOf,
    'aten::normal.Tensor_float(mean, std=1., generator=None)': normalOf,
    'aten::normal.float_Tensor(mean, std, generator=None)': normalOf,
    [`aten::normal.float_float(mean, std, size, generator=None, ${OPTIONS})`]:
      (m, mean: number, std: number, sizes: Sizes, _, code: Code) => made(m, sizes, floatOf(m, code), () => mean + std * normal(m)),
    'aten::bernoulli(self, generator=None)': (m, self: Tensor) => bernoulli(m, emptyAs(m, self), self),
    'aten::bernoulli.p(self, p, generator=None)': (m, self: Tensor, p: number) => bernoulli(m, emptyAs(m, self), p),
    'aten::bernoulli.Tensor(self, p, generator=None)': (m, self: Tensor, p: Tensor) => bernoulli(m, emptyAs(m, self), p),
    'aten::bernoulli_.float(self, p=0.5, generator=None)': bernoulli,
    'aten::bernoulli_.Tensor(self, p, generator=None)': bernoulli,
  },
}

function floatOf(m: Machine, code: Code, otherwise: Dtype = 'float32'): Dtype {
  const dtype = dtypeOf(m, code, otherwise)
  if (!isFloating(dtype)) throw m.fail(`random floats are not implemented for '${dtype}'`)
  return dtype
}

export default family
