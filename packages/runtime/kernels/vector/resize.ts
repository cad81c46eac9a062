import { loadLanes, storeLanes } from './lanes'

// @ts-ignore: a decorator of AssemblyScript
@inline
function weighted(lanes: i32, to: usize, from: usize, step: usize, weights: usize, taps: i32): void {
  let sum = f32x4.mul(loadLanes(lanes, from), v128.load32_splat(weights))
  while (--taps > 0) {
    from += step
    weights += 4
    sum = f32x4.add(sum, f32x4.mul(loadLanes(lanes, from), v128.load32_splat(weights)))
  }
  storeLanes(lanes, to, sum)
}

/**
 * Computes rows as weighted sums of neighbouring rows, in each of `batch` matrices of `inputs` rows: resizing along one dimension.
 * `table` has for each of the `outputs` rows the first row that it takes, how many, and room for `taps` weights.
 */
export function resample(to: usize, from: usize, batch: i32, inputs: i32, outputs: i32, columns: i32, table: usize, taps: i32): void {
  const bytes = <usize>columns << 2
  const vectors = bytes & ~15
  for (let n = 0; n < batch; n++) {
    let entry = table
    for (let output = 0; output < outputs; output++) {
      const first = from + <usize>load<i32>(entry) * bytes
      const count = load<i32>(entry, 4)
      if (count == 1 && load<f32>(entry, 8) == 1) memory.copy(to, first, bytes)
      else {
        let i: usize = 0
        for (; i < vectors; i += 16) weighted(4, to + i, first + i, bytes, entry + 8, count)
        for (; i < bytes; i += 4) weighted(1, to + i, first + i, bytes, entry + 8, count)
      }
      to += bytes
      entry += <usize>(taps + 2) << 2
    }
    from += <usize>inputs * bytes
  }
}
