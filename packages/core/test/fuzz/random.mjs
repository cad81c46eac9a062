/** Numbers that tempt a reader: around the widths of integers, and what sizes and counts are seldom. */
export const EDGES = [
  0n, 1n, 2n, 3n, 7n, 64n, 127n, 128n, 255n, 256n, 65535n, 65536n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n,
  (1n << 53n) - 1n, 1n << 53n, (1n << 63n) - 1n, -1n, -2n, -128n, -(1n << 31n), -(1n << 63n),
]

/** Random numbers that are the same for the same seed everywhere (xoshiro128**, seeded by splitmix32). */
export class Random {
  #s

  constructor(...seeds) {
    let h = 0x9e3779b9
    const next = () => {
      h = (h + 0x9e3779b9) | 0
      let z = h ^ (h >>> 16)
      z = Math.imul(z, 0x21f0aaad)
      z ^= z >>> 15
      z = Math.imul(z, 0x735a2d97)
      return z ^ (z >>> 15)
    }
    for (const seed of seeds) {
      h ^= seed
      h = next()
    }
    this.#s = Uint32Array.from([next(), next(), next(), next()])
  }

  /** 32 random bits. */
  bits() {
    const s = this.#s
    const x = Math.imul(s[1], 5)
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0
    const t = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = (s[3] << 11) | (s[3] >>> 21)
    return result
  }

  /** An integer of [0, n). */
  below(n) {
    return this.bits() % n
  }

  chance(p) {
    return this.bits() < p * 0x100000000
  }

  pick(items) {
    return items[this.below(items.length)]
  }

  edge() {
    return this.pick(EDGES)
  }

  bytes(count) {
    return Uint8Array.from({ length: count }, () => this.below(256))
  }
}
