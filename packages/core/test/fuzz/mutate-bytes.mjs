// Changes of the finished file, without a look at what it means.

const later = (file, change) => (file.after ??= []).push(change)

/** Each changes a file and says how; undefined where there was nothing to change. */
export const bytesMutations = {
  flip(file, random) {
    const count = 1 + random.below(4)
    const places = Array.from({ length: count }, () => [random.bits(), 1 << random.below(8)])
    later(file, (bytes) => {
      const copy = Buffer.from(bytes)
      for (const [place, bit] of places) copy[place % copy.length] ^= bit
      return copy
    })
    return `${count} bits`
  },
  overwrite(file, random) {
    const [place, noise] = [random.bits(), random.bytes(1 + random.below(16))]
    later(file, (bytes) => {
      const copy = Buffer.from(bytes)
      copy.set(noise.subarray(0, copy.length - (place % copy.length)), place % copy.length)
      return copy
    })
    return `${noise.length} bytes`
  },
  cut(file, random) {
    const [from, length] = [random.bits(), 1 + random.below(4096)]
    later(file, (bytes) => Buffer.concat([bytes.subarray(0, from % bytes.length), bytes.subarray((from % bytes.length) + length)]))
    return `${length} bytes`
  },
  truncate(file, random) {
    const share = random.bits() / 0x100000000
    later(file, (bytes) => bytes.subarray(0, Math.floor(bytes.length * share)))
    return `to ${Math.floor(share * 100)} %`
  },
  insert(file, random) {
    const [place, noise] = [random.bits(), random.bytes(1 + random.below(64))]
    later(file, (bytes) => Buffer.concat([bytes.subarray(0, place % bytes.length), noise, bytes.subarray(place % bytes.length)]))
    return `${noise.length} bytes`
  },
  number(file, random) {
    const [place, value] = [random.bits(), random.edge()]
    later(file, (bytes) => {
      const copy = Buffer.from(bytes)
      if (copy.length >= 8) copy.writeBigUInt64LE(BigInt.asUintN(64, value), place % (copy.length - 7))
      return copy
    })
    return `${value}`
  },
}
