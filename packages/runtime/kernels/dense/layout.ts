/**
 * Brings images from N, C, H, W into N, H, left + W + right, C with zeros at both sides: where there are few channels, a line of a kernel's
 * window is then one run of neighbours.
 */
export function padNchw(from: usize, to: usize, batch: i32, channels: i32, height: i32, width: i32, left: i32, right: i32): void {
  const step = <usize>channels << 2
  const plane = <usize>(height * width) << 2
  for (let n = 0; n < batch; n++) {
    for (let h = 0; h < height; h++) {
      memory.fill(to, 0, left * step)
      to += left * step
      for (let c = 0; c < channels; c++) {
        let a = from + c * plane + (<usize>(h * width) << 2)
        let b = to + (<usize>c << 2)
        for (let w = 0; w < width; w++, a += 4, b += step) store<f32>(b, load<f32>(a))
      }
      to += width * step
      memory.fill(to, 0, right * step)
      to += right * step
    }
    from += channels * plane
  }
}
