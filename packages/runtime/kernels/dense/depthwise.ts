import { axis, Axis, Job } from './job'
import { clamp, madd } from './madd'

/** Neighbouring outputs computed at once: each weight is read once for all of them. */
const OUTPUTS: i32 = 4

/**
 * Depthwise convolution: every channel has a kernel of its own. The job is read as {@link product} does, with these differences:
 * `columns` are the channels; `panels` are for each four channels four biases and for each tap four weights; table, zeros, run, groups
 * and groupStep are not used. Taps of an axis are evenly spaced.
 *
 * Taps outside of the image are left out: by limits on the rows of the kernel, and, at the sides, on its columns, one output at a time.
 */
export function depthwise(job: Job): void {
  const d = axis(job, 0)
  const h = axis(job, 1)
  const w = axis(job, 2)
  // Outputs all of whose taps lie inside.
  const firstInside = min(w.count, firstAtLeast(0 - load<i32>(w.offsets), w.stride))
  const endInside = max(firstInside, min(w.count, firstAtLeast(w.size - load<i32>(w.offsets + ((w.taps - 1) << 2)), w.stride)))
  // Where neighbours share inputs, three and five taps are written out.
  const kind = spacing(w) == w.stride && (w.taps == 3 || w.taps == 5) ? w.taps : 0
  for (let n = 0; n < job.batch; n++) {
    for (let od = 0; od < d.count; od++) {
      for (let oh = 0; oh < h.count; oh++) {
        const input = job.input + n * job.inputBatchStep
        const output = job.output + n * job.outputBatchStep + od * d.outputStep + oh * h.outputStep
        for (let ow = 0; ow < w.count;) {
          const wide = ow >= firstInside && ow + OUTPUTS <= endInside
          const address = output + ow * w.outputStep
          if (!wide) pixel(job, input, address, od, oh, ow)
          else if (kind == 3) pixels3(job, input, address, od, oh, ow)
          else if (kind == 5) pixels5(job, input, address, od, oh, ow)
          else pixels(job, input, address, od, oh, ow)
          ow += wide ? OUTPUTS : 1
        }
      }
    }
  }
}

/** The first multiple of `stride`, counted in strides, that is not below `value`, and 0 at least. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function firstAtLeast(value: i32, stride: i32): i32 {
  return value <= 0 ? 0 : (value + stride - 1) / stride
}

/** Space between two taps. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function spacing(a: Axis): i32 {
  return a.taps > 1 ? load<i32>(a.offsets, 4) - load<i32>(a.offsets) : 1
}

/** The taps of an axis that lie inside for an output position. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function firstTap(a: Axis, start: i32): i32 {
  return min(a.taps, firstAtLeast(-start, spacing(a)))
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function endTap(a: Axis, start: i32): i32 {
  return min(a.taps, firstAtLeast(a.size - start, spacing(a)))
}

function pixel(job: Job, input: usize, output: usize, od: i32, oh: i32, ow: i32): void {
  compute(false, 0, job, input, output, od, oh, ow)
}

function pixels(job: Job, input: usize, output: usize, od: i32, oh: i32, ow: i32): void {
  compute(true, 0, job, input, output, od, oh, ow)
}

function pixels3(job: Job, input: usize, output: usize, od: i32, oh: i32, ow: i32): void {
  compute(true, 3, job, input, output, od, oh, ow)
}

function pixels5(job: Job, input: usize, output: usize, od: i32, oh: i32, ow: i32): void {
  compute(true, 5, job, input, output, od, oh, ow)
}

/**
 * All channels of four neighbouring outputs, all of whose columns lie inside, or of one output.
 * @param wide a constant
 * @param taps a constant: 3 or 5 where a tap of one output is the next tap of its neighbour, so that an input is read once; else 0
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
function compute(wide: bool, taps: i32, job: Job, input: usize, output: usize, od: i32, oh: i32, ow: i32): void {
  const d = axis(job, 0)
  const h = axis(job, 1)
  const w = axis(job, 2)
  const startD = od * d.stride + load<i32>(d.offsets)
  const startH = oh * h.stride + load<i32>(h.offsets)
  const startW = ow * w.stride + load<i32>(w.offsets)
  const beginD = firstTap(d, startD)
  const endD = endTap(d, startD)
  const beginH = firstTap(h, startH)
  const endH = endTap(h, startH)
  const beginW = wide ? 0 : firstTap(w, startW)
  const endW = wide ? w.taps : max(beginW, endTap(w, startW))
  const stepD = spacing(d) * d.inputStep
  const stepH = spacing(h) * h.inputStep
  const step = spacing(w) * w.inputStep
  const next = w.stride * w.inputStep
  const outputStep = w.outputStep
  const low = f32x4.splat(job.low)
  const high = f32x4.splat(job.high)
  const rowOfTaps = <usize>w.taps << 4
  const planeOfTaps = rowOfTaps * h.taps
  const allTaps = planeOfTaps * d.taps
  let weights = job.panels
  input += startD * d.inputStep + startH * h.inputStep + (startW + beginW * spacing(w)) * w.inputStep
  for (let left = job.columns; left > 0; left -= 4) {
    let s0 = v128.load(weights)
    let s1 = s0, s2 = s0, s3 = s0
    weights += 16
    for (let td = beginD; td < endD; td++) {
      let line = input + td * stepD + beginH * stepH
      let b = weights + td * planeOfTaps + beginH * rowOfTaps
      for (let th = beginH; th < endH; th++) {
        if (taps == 0) {
          let a = line
          let x = b + (beginW << 4)
          for (const end = b + (endW << 4); x < end; x += 16) {
            const weight = v128.load(x)
            s0 = madd(v128.load(a), weight, s0)
            if (wide) {
              s1 = madd(v128.load(a + next), weight, s1)
              s2 = madd(v128.load(a + 2 * next), weight, s2)
              s3 = madd(v128.load(a + 3 * next), weight, s3)
            }
            a += step
          }
        } else {
          const w0 = v128.load(b), w1 = v128.load(b, 16), w2 = v128.load(b, 32)
          let x = v128.load(line)
          let a = line + step
          s0 = madd(x, w0, s0)
          x = v128.load(a)
          a += step
          s0 = madd(x, w1, s0)
          s1 = madd(x, w0, s1)
          x = v128.load(a)
          a += step
          s0 = madd(x, w2, s0)
          s1 = madd(x, w1, s1)
          s2 = madd(x, w0, s2)
          x = v128.load(a)
          a += step
          s1 = madd(x, w2, s1)
          s2 = madd(x, w1, s2)
          s3 = madd(x, w0, s3)
          if (taps == 3) {
            x = v128.load(a)
            s2 = madd(x, w2, s2)
            s3 = madd(x, w1, s3)
            s3 = madd(v128.load(a + step), w2, s3)
          } else {
            const w3 = v128.load(b, 48), w4 = v128.load(b, 64)
            s0 = madd(x, w3, s0)
            x = v128.load(a)
            a += step
            s0 = madd(x, w4, s0)
            s1 = madd(x, w3, s1)
            s2 = madd(x, w2, s2)
            s3 = madd(x, w1, s3)
            x = v128.load(a)
            a += step
            s1 = madd(x, w4, s1)
            s2 = madd(x, w3, s2)
            s3 = madd(x, w2, s3)
            x = v128.load(a)
            s2 = madd(x, w4, s2)
            s3 = madd(x, w3, s3)
            s3 = madd(v128.load(a + step), w4, s3)
          }
        }
        line += stepH
        b += rowOfTaps
      }
    }
    weights += allTaps
    put(output, left, clamp(s0, low, high))
    if (wide) {
      put(output + outputStep, left, clamp(s1, low, high))
      put(output + 2 * outputStep, left, clamp(s2, low, high))
      put(output + 3 * outputStep, left, clamp(s3, low, high))
    }
    input += 16
    output += 16
  }
}

/** Writes the first `count` lanes. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function put(address: usize, count: i32, x: v128): void {
  if (count >= 4) v128.store(address, x)
  else {
    v128.store32_lane(address, x, 0)
    if (count > 1) v128.store32_lane(address + 4, x, 1)
    if (count > 2) v128.store32_lane(address + 8, x, 2)
  }
}
