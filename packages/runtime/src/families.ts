import collections from './ops/collections.ts'
import conv from './ops/conv.ts'
import matmul from './ops/matmul.ts'
import pool from './ops/pool.ts'
import scalar from './ops/scalar.ts'
import shape from './ops/shape.ts'
import softmax from './ops/softmax.ts'
import strings from './ops/strings.ts'
import unpool from './ops/unpool.ts'
import type { Family } from './operator.ts'

/** Every family of operators. */
export const families: readonly Family[] = [collections, conv, matmul, pool, scalar, shape, softmax, strings, unpool]
