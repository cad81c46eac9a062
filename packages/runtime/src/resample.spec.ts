import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { imageToTensor } from './image.ts'
import { resample } from './resample.ts'

/** Made by PyTorch's torchvision and Pillow; test/fixtures/make.py. */
const expected = JSON.parse(readFileSync(new URL('../test/fixtures/pictures.json', import.meta.url), 'utf8')) as
  { width: number; height: number; tensor: number[]; small: number[]; gray: number[] }
const { width, height } = expected
const data = new Uint8ClampedArray(width * height * 4)
for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([(x * 7 + y) % 256, (y * 11) % 256, (x * y) % 256, 255], (y * width + x) * 4)
const picture = { data, width, height }

describe('resample', () => {
  it('gives the bytes that Pillow gives, smaller one way and larger the other', () => {
    const pixels = resample(picture, { left: 0, top: 0, width: 13, height: 90 }, 13, 90, [0, 0, 0])
    expect([...pixels]).toEqual(expected.small)
  })

  it('fills what the picture does not cover, and what shows through it', () => {
    const half = { data: new Uint8ClampedArray([200, 100, 0, 51]), width: 1, height: 1 }
    // 0.2 * 200 + 0.8 * 255 and so on.
    expect([...resample(half, { left: 1, top: 0, width: 1, height: 1 }, 2, 1, [255, 0, 10])]).toEqual([255, 0, 10, 244, 20, 8])
  })
})

describe('imageToTensor', () => {
  it('gives the tensor that torchvision gives', async () => {
    const spec = { size: [20, 24], resize: 28, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], scaling: 'exact' } as const
    const tensor = await imageToTensor(picture, spec)
    expect(tensor.dims).toEqual([1, 3, 20, 24])
    const worst = expected.tensor.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(tensor.data[i]))), 0)
    // The file has seven digits.
    expect(worst).toBeLessThan(1e-6)
  })

  it('makes gray as Pillow does, nearly: it scales colours, Pillow here scaled gray', async () => {
    const { data, dims } = await imageToTensor(picture, { size: [33, 9], crop: 'none', channels: 'gray', range: [0, 255], dtype: 'uint8', layout: 'chw' })
    expect(dims).toEqual([1, 33, 9])
    const worst = expected.gray.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(data[i]))), 0)
    expect(worst).toBeLessThanOrEqual(1)
  })

  it('orders channels and dimensions, scales and rounds', async () => {
    const one = { data: new Uint8ClampedArray([0, 128, 255, 255]), width: 1, height: 1 }
    const make = async (spec: object): Promise<unknown[]> => {
      const tensor = await imageToTensor([one, one], { size: 1, ...spec })
      return [...tensor.data as Float32Array].slice(0, 3)
    }
    expect(await make({ channels: 'bgr', range: [0, 255] })).toEqual([255, 128, 0])
    expect(await make({ range: [-1, 1], layout: 'nhwc' })).toEqual([-1, Math.fround(Math.fround(128 / 255) * 2 - 1), 1].map((value) => expect.closeTo(value, 6)))
    expect(await make({ range: [-300, 300], dtype: 'int8' })).toEqual([-128, 1, 127])
    expect(await make({ range: [0, 255], dtype: 'int64' })).toEqual([0n, 128n, 255n])
    await expect(imageToTensor([one, one], { size: 1, layout: 'chw' }, 'here')).rejects.toThrow('2 pictures need a layout with a batch dimension, such as nchw')
  })
})
