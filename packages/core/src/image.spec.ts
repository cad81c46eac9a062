import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { imageOfModel } from './image.ts'
import { imageOf } from './image-request.ts'
import { parseImport } from './request/index.ts'
import { openFileSource } from './source/index.ts'

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
const OF_MODEL = { size: [8, 8], mean: [0.5, 0.25, 0.125], std: [0.5, 0.5, 0.5] } as const

const request = (query: string): Parameters<typeof imageOf>[0] => parseImport(`net.pt?mobile&${query}`)!.request

async function extraFile(name: string): Promise<unknown> {
  const source = await openFileSource(join(import.meta.dirname, '../test/fixtures/check', name))
  try {
    return await imageOfModel(source)
  } finally {
    await source.close()
  }
}

describe('how pictures become an input', () => {
  it.each([
    ['image=224x224', { size: [224, 224] }],
    ['image=224', { size: [224, 224] }],
    ['image=192x256&resize=288&crop=none', { size: [192, 256], resize: 288, crop: 'none' }],
    ['image=224&mean=imagenet&std=ImageNet', { size: [224, 224], ...IMAGENET }],
    ['image=224&mean=0.485,0.456,0.406&std=0.229%2C0.224,0.225', { size: [224, 224], ...IMAGENET }],
    ['image=28&channels=gray&mean=-.5&std=1e-1&layout=nhwc&range=0,255&scaling=exact',
      { size: [28, 28], channels: 'gray', mean: [-0.5], std: [0.1], layout: 'nhwc', range: [0, 255], scaling: 'exact' }],
  ])('%s', (query, spec) => {
    expect(imageOf(request(query), undefined)).toEqual(spec)
  })

  it('is what the model says, but for what the import says', () => {
    expect(imageOf(request('block=remove_dropout'), OF_MODEL)).toBe(OF_MODEL)
    expect(imageOf(request('mean=imagenet'), OF_MODEL)).toEqual({ ...OF_MODEL, mean: IMAGENET.mean })
    expect(imageOf(request('image=16'), OF_MODEL)).toEqual({ ...OF_MODEL, size: [16, 16] })
    expect(imageOf(request('as=url'), undefined)).toBeUndefined()
  })

  it.each([
    ['mean=imagenet', 'NO_IMAGE_SIZE', '"mean" says how pictures become'],
    ['image=28&channels=gray&mean=imagenet', 'BAD_IMAGE', 'mean'],
    ['image=28&std=1,2', 'BAD_IMAGE', 'std'],
  ])('%s does not fit together', (query, code, said) => {
    expect(() => imageOf(request(query), undefined)).toThrow(expect.objectContaining({ code, what: expect.stringContaining(said) }))
  })

  it.each([
    ['image=', 'EMPTY_DIRECTIVE'], ['image=big', 'BAD_VALUE'], ['image=0x4', 'BAD_VALUE'], ['image=99999', 'BAD_VALUE'], ['image=1x2x3', 'BAD_VALUE'],
    ['mean=imagnet', 'BAD_VALUE'], ['mean=1,,2', 'BAD_VALUE'], ['mean=1,2,3,4,5', 'BAD_VALUE'], ['std=0', 'BAD_VALUE'], ['crop=middle', 'UNKNOWN_VALUE'],
    ['channels=rgba', 'UNKNOWN_VALUE'], ['resize=-1', 'BAD_VALUE'], ['range=255', 'BAD_VALUE'],
  ])('%s is refused', (query, code) => {
    expect(() => request(query)).toThrow(expect.objectContaining({ code }))
  })

  it('is read from the model\'s extra file', async () => {
    expect(await extraFile('net.pt')).toEqual(OF_MODEL)
    expect(await extraFile('noise.pt')).toBeUndefined()
    await expect(extraFile('bad-image.pt')).rejects.toMatchObject({ code: 'BAD_IMAGE_FILE', what: expect.stringMatching(/image\.json.*mean should be one number or 3/) })
  })
})
