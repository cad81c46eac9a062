const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

/** Bits of the half float nearest to a number, ties to even (IEEE 754 binary16). */
export function toHalf(value: number): number {
  float[0] = value
  const sign = (bits[0]! >>> 16) & 0x8000
  const magnitude = bits[0]! & 0x7fff_ffff
  if (magnitude > 0x7f80_0000) return sign | 0x7e00
  // From here on the nearest half is infinite.
  if (magnitude >= 0x477f_f000) return sign | 0x7c00
  if (magnitude < 0x3880_0000) {
    // Too small for an exponent of its own: a multiple of 2^-24. Adding a number whose last bit is worth that rounds to it.
    float[0] = Math.abs(float[0]!) + 0.5
    return sign | (bits[0]! - 0x3f00_0000)
  }
  return sign | ((magnitude - 0x3800_0000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

/** The number that a half float's bits stand for. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
