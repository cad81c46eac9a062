import activationMore from './ops/activation-more.ts'
import activation from './ops/activation.ts'
import arithmetic from './ops/arithmetic.ts'
import attention from './ops/attention.ts'
import bits from './ops/bits.ts'
import collections from './ops/collections.ts'
import compare from './ops/compare.ts'
import conv from './ops/conv.ts'
import distance from './ops/distance.ts'
import einsum from './ops/einsum.ts'
import grid from './ops/grid.ts'
import index from './ops/index.ts'
import join from './ops/join.ts'
import mathMore from './ops/math-more.ts'
import math from './ops/math.ts'
import matmul from './ops/matmul.ts'
import nested from './ops/nested.ts'
import norm from './ops/norm.ts'
import pool from './ops/pool.ts'
import recurrent from './ops/recurrent.ts'
import resize from './ops/resize.ts'
import scalar from './ops/scalar.ts'
import shape from './ops/shape.ts'
import softmax from './ops/softmax.ts'
import strings from './ops/strings.ts'
import unfold from './ops/unfold.ts'
import unpool from './ops/unpool.ts'
import type { Family } from './operator.ts'

/** Every family of operators. */
export const families: readonly Family[] = [
  activationMore, activation, arithmetic, attention, bits, collections, compare, conv, distance, einsum, grid, index, join, mathMore, math,
  matmul, nested, norm, pool, recurrent, resize, scalar, shape, softmax, strings, unfold, unpool,
]
