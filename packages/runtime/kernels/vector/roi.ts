/**
 * Weighted sums of float32 from each of `planes` planes of `plane` elements: for each of `bins` sums `taps` pairs of an element's number (32 bits)
 * and its weight. Results follow one another.
 */
export function weightedTaps(to: usize, from: usize, numbers: usize, weights: usize, planes: i32, plane: i32, bins: i32, taps: i32): void {
  for (let n = 0; n < planes; n++) {
    let number = numbers
    let weight = weights
    for (let bin = 0; bin < bins; bin++) {
      let sum: f32 = 0
      for (let tap = 0; tap < taps; tap++) {
        sum += load<f32>(weight) * load<f32>(from + (<usize>load<u32>(number) << 2))
        number += 4
        weight += 4
      }
      store<f32>(to, sum)
      to += 4
    }
    from += <usize>plane << 2
  }
}
