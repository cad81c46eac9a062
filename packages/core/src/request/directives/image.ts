import { badValue, choice, type Directive, written } from '../directive.ts'

/** Pixels in each direction; a wrong digit should be an error. */
const MAX_PIXELS = 16_384
/** Channels of a picture, and so numbers of a list. */
const MAX_CHANNELS = 4

/** What torchvision's models were trained with. */
const IMAGENET: Readonly<Record<'mean' | 'std', readonly number[]>> = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

/** Height and width of the model's pictures; empty where nothing is said of them. */
export const image: Directive<'image'> = written({
  name: 'image',
  stage: 'import',
  example: '224x224',
  fallback: [],
  read(value) {
    const sizes = /^\d+(?:x\d+)?$/.test(value) ? value.split('x').map(Number) : []
    if (sizes.length === 0) throw badValue('image', value, 'it is no height and width', '224x224')
    if (!sizes.every((size) => size >= 1 && size <= MAX_PIXELS)) throw badValue('image', value, `a side has 1 to ${MAX_PIXELS} pixels`, '224x224')
    return [sizes[0]!, sizes.at(-1)!]
  },
  print: (sizes) => sizes.join('x'),
})

/** Length of the shorter side before the picture is cut; 0 where nothing is said. */
export const resize: Directive<'resize'> = written({
  name: 'resize',
  stage: 'import',
  example: '256',
  fallback: 0,
  read(value) {
    if (/^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= MAX_PIXELS) return Number(value)
    throw badValue('resize', value, `it is no number of pixels, 1 to ${MAX_PIXELS}`, '256')
  },
  print: String,
})

const numbersOf = (value: string): number[] => value.split(',').map((text) => (text === '' ? NaN : Number(text)))

/** What is subtracted from each channel. */
export const mean: Directive<'mean'> = perChannel('mean', '0.485,0.456,0.406')

/** What each channel is divided by. */
export const std: Directive<'std'> = perChannel('std', '0.229,0.224,0.225')

function perChannel<Field extends 'mean' | 'std'>(name: Field, example: string): Directive<Field> {
  return written<Field>({
    name,
    stage: 'import',
    words: ['imagenet'],
    example,
    fallback: [],
    read(value) {
      if (value.toLowerCase() === 'imagenet') return IMAGENET[name]
      const numbers = numbersOf(value)
      if (!numbers.every(Number.isFinite)) throw badValue(name, value, 'it is neither "imagenet" nor a list of numbers', example)
      if (numbers.length > MAX_CHANNELS) throw badValue(name, value, `it has ${numbers.length} numbers for at most ${MAX_CHANNELS} channels`, example)
      if (name === 'std' && numbers.includes(0)) throw badValue(name, value, 'channels cannot be divided by 0', example)
      return numbers
    },
    print: (numbers) => numbers.join(','),
  })
}

/** What black and white are before that. */
export const range: Directive<'range'> = written({
  name: 'range',
  stage: 'import',
  example: '0,255',
  fallback: [],
  read(value) {
    const numbers = numbersOf(value)
    if (numbers.length === 2 && numbers.every(Number.isFinite)) return numbers
    throw badValue('range', value, 'it is not two numbers, for black and white', '0,255')
  },
  print: (numbers) => numbers.join(','),
})

/** Whether a picture of other proportions is cut, stretched, or gets borders. */
export const crop: Directive<'crop'> = choice({ name: 'crop', words: ['center', 'none', 'pad'], fallback: '', stage: 'import' })

/** Whether scaling is quick, or as Pillow does it. */
export const scaling: Directive<'scaling'> = choice({ name: 'scaling', words: ['smooth', 'exact'], fallback: '', stage: 'import' })

/** Channels and their order. */
export const channels: Directive<'channels'> = choice({ name: 'channels', words: ['rgb', 'bgr', 'gray'], fallback: '', stage: 'import' })

/** Order of the input's dimensions. */
export const layout: Directive<'layout'> = choice({ name: 'layout', words: ['nchw', 'nhwc', 'chw', 'hwc'], fallback: '', stage: 'import' })
