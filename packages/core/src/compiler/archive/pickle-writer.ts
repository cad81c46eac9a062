/**
 * Writes pickles with the opcodes that PyTorch's C++ pickler uses (torch/csrc/jit/serialization/pickler.cpp) and no others:
 * its unpickler knows little more. Protocol 2. Strings and globals are memoised by content, as there.
 */
export class PickleWriter {
  #bytes: Uint8Array = new Uint8Array(1024)
  #view: DataView = new DataView(this.#bytes.buffer)
  #size = 0
  #memoSize = 0
  readonly #strings: Map<string, number> = new Map()
  readonly #globals: Map<string, number> = new Map()

  constructor() {
    this.#op(0x80, 1)
    this.#u8(2)
  }

  none(): void {
    this.#op(0x4e)
  }

  bool(value: boolean): void {
    this.#op(value ? 0x88 : 0x89)
  }

  /** Throws a RangeError for what does not fit into 64 bits. */
  int(value: bigint | number): void {
    const big = BigInt(value)
    if (big >= 0n && big <= 0xffn) {
      this.#op(0x4b, 1)
      this.#u8(Number(big))
    } else if (big >= 0n && big <= 0xffffn) {
      this.#op(0x4d, 2)
      this.#view.setUint16(this.#size, Number(big), true)
      this.#size += 2
    } else if (BigInt.asIntN(32, big) === big) {
      this.#op(0x4a, 4)
      this.#view.setInt32(this.#size, Number(big), true)
      this.#size += 4
    } else {
      if (BigInt.asIntN(64, big) !== big) throw new RangeError(`${big} does not fit into 64 bits`)
      this.#op(0x8a, 9)
      this.#u8(8)
      this.#view.setBigInt64(this.#size, big, true)
      this.#size += 8
    }
  }

  float(value: number): void {
    this.#op(0x47, 8)
    this.#view.setFloat64(this.#size, value, false)
    this.#size += 8
  }

  string(value: string): void {
    const known = this.#strings.get(value)
    if (known !== undefined) return this.get(known)
    const bytes = new TextEncoder().encode(value)
    this.#op(0x58, 4 + bytes.length)
    this.#u32(bytes.length)
    this.#raw(bytes)
    this.#strings.set(value, this.put())
  }

  /** A class or function; `module` and `name` must not contain line breaks. */
  global(module: string, name: string): void {
    const text = `${module}\n${name}\n`
    const known = this.#globals.get(text)
    if (known !== undefined) return this.get(known)
    const bytes = new TextEncoder().encode(text)
    this.#op(0x63, bytes.length)
    this.#raw(bytes)
    this.#globals.set(text, this.put())
  }

  /** {@link PickleWriter.global} for a dotted name, split at its last dot. */
  qualified(name: string): void {
    const dot = name.lastIndexOf('.')
    this.global(name.slice(0, Math.max(dot, 0)), name.slice(dot + 1))
  }

  /** Begins a tuple, the items of a list, or the items of a dict; {@link PickleWriter.tuple}, `appends` or `setItems` ends it. */
  mark(): void {
    this.#op(0x28)
  }

  /** Makes a tuple of what was written since the mark. */
  tuple(): void {
    this.#op(0x74)
  }

  /** Makes a tuple of the last `count` values, 0 to 3; needs no mark. */
  shortTuple(count: 0 | 1 | 2 | 3): void {
    this.#op([0x29, 0x85, 0x86, 0x87][count]!)
  }

  emptyList(): void {
    this.#op(0x5d)
  }

  appends(): void {
    this.#op(0x65)
  }

  emptyDict(): void {
    this.#op(0x7d)
  }

  setItems(): void {
    this.#op(0x75)
  }

  reduce(): void {
    this.#op(0x52)
  }

  /** After a class: an empty instance of it. */
  newObject(): void {
    this.shortTuple(0)
    this.#op(0x81)
  }

  build(): void {
    this.#op(0x62)
  }

  persistentId(): void {
    this.#op(0x51)
  }

  /** Remembers the last value; the number brings it back with {@link PickleWriter.get}. */
  put(): number {
    const index = this.#memoSize++
    this.#memo(0x71, 0x72, index)
    return index
  }

  get(index: number): void {
    this.#memo(0x68, 0x6a, index)
  }

  /** Ends the pickle and gives its bytes. Nothing may be written afterwards. */
  finish(): Uint8Array {
    this.#op(0x2e)
    return this.#bytes.slice(0, this.#size)
  }

  #memo(short: number, long: number, index: number): void {
    if (index <= 0xff) {
      this.#op(short, 1)
      this.#u8(index)
    } else {
      this.#op(long, 4)
      this.#u32(index)
    }
  }

  /** An opcode, with room for `extra` bytes behind it. */
  #op(opcode: number, extra = 0): void {
    const needed = this.#size + 1 + extra
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, needed))
      grown.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    this.#bytes[this.#size++] = opcode
  }

  #u8(value: number): void {
    this.#bytes[this.#size++] = value
  }

  #u32(value: number): void {
    this.#view.setUint32(this.#size, value, true)
    this.#size += 4
  }

  #raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#size)
    this.#size += bytes.length
  }
}
