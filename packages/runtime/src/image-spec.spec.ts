import { describe, expect, it } from 'vitest'
import { completeImageSpec, type ImageSpec, placePicture } from './image-spec.ts'

const place = (spec: ImageSpec, width: number, height: number): number[] => {
  const { left, top, width: w, height: h } = placePicture(completeImageSpec(spec), width, height)
  return [left, top, w, h]
}

describe('placePicture', () => {
  // By torchvision 0.14: Resize(256), CenterCrop(224) of pictures of these sizes.
  it.each([
    [640, 480, [-58, -16, 341, 256]],
    [480, 641, [-16, -58, 256, 341]],
    [224, 224, [-16, -16, 256, 256]],
    [1000, 333, [-272, -16, 768, 256]],
  ])('resizes and cuts %d x %d as torchvision does', (width, height, expected) => {
    expect(place({ size: 224, resize: 256 }, width, height)).toEqual(expected)
  })

  it('rounds half to even, as Python does', () => {
    // (5 - 2) / 2 = 1.5 -> 2 and (7 - 2) / 2 = 2.5 -> 2
    expect(place({ size: 2, resize: 5 }, 7, 5)).toEqual([-2, -2, 7, 5])
  })

  it('covers, fits or stretches', () => {
    expect(place({ size: [100, 200] }, 100, 100)).toEqual([0, -50, 200, 200])
    expect(place({ size: [100, 200], crop: 'pad' }, 100, 100)).toEqual([50, 0, 100, 100])
    expect(place({ size: [100, 200], crop: 'none' }, 7, 3)).toEqual([0, 0, 200, 100])
  })
})

describe('completeImageSpec', () => {
  it('fills in what is left out, one number for all channels', () => {
    expect(completeImageSpec({ size: 8, mean: 0.5, std: [2] })).toMatchObject({
      width: 8, height: 8, mean: [0.5, 0.5, 0.5], std: [2, 2, 2], range: [0, 1], layout: 'nchw', dtype: 'float32', crop: 'center',
    })
    expect(completeImageSpec({ size: [4, 5], channels: 'gray' })).toMatchObject({ height: 4, width: 5, mean: [0], std: [1] })
  })

  it.each([
    [{}, 'size should be a number of pixels or [height, width], got undefined'],
    [{ size: 0 }, 'size should be'],
    [{ size: 4, std: 0 }, 'std should be one number or 3, one for each channel, none of them 0, got 0'],
    [{ size: 4, channels: 'gray', mean: [0, 0, 0] }, 'mean should be one number or 1'],
    [{ size: 4, layout: 'NCHW' }, 'layout should be one of nchw, nhwc, chw, hwc, got "NCHW"'],
    [{ size: 4, normalise: true }, 'there is no "normalise"; there are size,'],
    [{ size: 4, range: [0] }, 'range should be two numbers'],
    [{ size: 4, background: [0, 0, 256] }, 'background should be'],
    [7, 'should be an object'],
  ])('refuses %j', (spec, message) => {
    expect(() => completeImageSpec(spec, 'here')).toThrow(message)
  })
})
