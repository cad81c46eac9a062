/**
 * Copies `count` blocks of `bytes`. Offsets are in bytes, 32 bits each, one for every block; where there are none (address 0), blocks follow one
 * another by `toStep` and `fromStep` bytes.
 */
export function move(to: usize, toOffsets: usize, toStep: isize, from: usize, fromOffsets: usize, fromStep: isize, count: i32, bytes: i32): void {
  if (bytes == 4) walk<u32>(to, toOffsets, toStep, from, fromOffsets, fromStep, count)
  else if (bytes == 8) walk<u64>(to, toOffsets, toStep, from, fromOffsets, fromStep, count)
  else if (bytes == 1) walk<u8>(to, toOffsets, toStep, from, fromOffsets, fromStep, count)
  else if (bytes == 2) walk<u16>(to, toOffsets, toStep, from, fromOffsets, fromStep, count)
  else {
    for (let i = 0; i < count; i++) {
      memory.copy(place(to, toOffsets, toStep, i), place(from, fromOffsets, fromStep, i), <usize>bytes)
    }
  }
}

// @ts-ignore: decorator
@inline
function place(base: usize, offsets: usize, step: isize, i: i32): usize {
  return offsets != 0 ? base + <usize>load<u32>(offsets + (<usize>i << 2)) : base + <usize>(<isize>i * step)
}

function walk<T>(to: usize, toOffsets: usize, toStep: isize, from: usize, fromOffsets: usize, fromStep: isize, count: i32): void {
  for (let i = 0; i < count; i++) {
    store<T>(place(to, toOffsets, toStep, i), load<T>(place(from, fromOffsets, fromStep, i)))
  }
}
