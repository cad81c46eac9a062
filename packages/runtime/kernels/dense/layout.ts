/**
 * Brings rows of an image from planes (C, H, W) to pixels (H, left + W + right, C), with zeros at both sides: where there are few channels,
 * a line of a kernel's window is then one run of neighbours.
 *
 * @param from the first row in the first plane
 * @param planeStep bytes from one plane to the next
 */
export function interleave(from: usize, to: usize, channels: i32, planeStep: usize, rows: i32, width: i32, left: i32, right: i32): void {
  const pixel = <usize>channels << 2
  const line = <usize>width << 2
  for (let row = 0; row < rows; row++, from += line) {
    memory.fill(to, 0, left * pixel)
    to += left * pixel
    for (let c = 0; c < channels; c++) {
      let a = from + c * planeStep
      let b = to + (<usize>c << 2)
      for (const end = a + line; a < end; a += 4, b += pixel) store<f32>(b, load<f32>(a))
    }
    to += width * pixel
    memory.fill(to, 0, right * pixel)
    to += right * pixel
  }
}
