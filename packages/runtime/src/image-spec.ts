import { RuntimeError } from './errors.ts'

/**
 * How a picture becomes the input of a model, as the pictures were made that it was trained on. Declared at the import
 * (`image=224x224&resize=256&mean=imagenet&std=imagenet`), in the model's extra file `image.json`, or where the model runs. Plain JSON; what is
 * left out has the default that is named here.
 *
 * What torchvision writes as `Resize(256), CenterCrop(224), ToTensor(), Normalize(mean, std)` is
 * `{ size: [224, 224], resize: 256, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }`.
 */
export interface ImageSpec {
  /** Height and width of the input, in pixels. One number is a square. */
  readonly size: number | readonly [height: number, width: number]
  /**
   * `center`: scaled evenly until it covers the size, then cut to it around the middle. `none`: stretched to the size. `pad`: scaled evenly
   * until it fits into the size, the rest is `background`. Default: `center`.
   */
  readonly crop?: 'center' | 'none' | 'pad'
  /** Length of the shorter side after scaling and before cutting, as torchvision's `Resize(256)` before `CenterCrop(224)`. Default: just covers the size. */
  readonly resize?: number
  /**
   * `smooth` is the engine's own best scaling, fast. `exact` is Pillow's bilinear filter, which torchvision uses for pictures: slower, but
   * the pixels are those of training; it is always used where there is no canvas (Node). Default: `smooth`.
   */
  readonly scaling?: 'smooth' | 'exact'
  /** What black and white are, before `mean` and `std`. Default: `[0, 1]`. */
  readonly range?: readonly [black: number, white: number]
  /** Subtracted from every channel. One number for each channel, in the order of `channels`, or one for all. Default: 0. */
  readonly mean?: number | readonly number[]
  /** What every channel is divided by then. Default: 1. */
  readonly std?: number | readonly number[]
  /** Channels and their order; `gray` is one, weighted as Pillow's. Default: `rgb`. */
  readonly channels?: 'rgb' | 'bgr' | 'gray'
  /** Order of the dimensions of the tensor; without `n` there is no batch dimension. Default: `nchw`. */
  readonly layout?: 'nchw' | 'nhwc' | 'chw' | 'hwc'
  /** Element type. Integers are rounded and clamped. Default: `float32`. */
  readonly dtype?: 'float32' | 'float16' | 'float64' | 'uint8' | 'int8' | 'int32' | 'int64'
  /** Red, green and blue, 0 to 255, behind transparent pixels and around `pad`. Default: black. */
  readonly background?: readonly [red: number, green: number, blue: number]
}

/** A description with everything filled in. */
export interface CompleteImageSpec extends Required<Omit<ImageSpec, 'size' | 'resize' | 'mean' | 'std'>> {
  readonly height: number
  readonly width: number
  readonly resize: number | undefined
  /** One for each channel. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

const CHOICES = {
  crop: ['center', 'none', 'pad'],
  scaling: ['smooth', 'exact'],
  channels: ['rgb', 'bgr', 'gray'],
  layout: ['nchw', 'nhwc', 'chw', 'hwc'],
  dtype: ['float32', 'float16', 'float64', 'uint8', 'int8', 'int32', 'int64'],
} as const
const KEYS: readonly string[] = ['size', 'resize', 'range', 'mean', 'std', 'background', ...Object.keys(CHOICES)]

/** Larger inputs than any model has; keeps a mistaken size from taking all memory. */
const MAX_SIDE = 16_384

/** Checks a description and fills in what it leaves out. Throws WRONG_INPUT, naming the key. `where` says whose description it is. */
export function completeImageSpec(spec: unknown, where: string = 'image'): CompleteImageSpec {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) {
    throw new RuntimeError('WRONG_INPUT', `${where}: the description of pictures should be an object such as { "size": 224 }.`)
  }
  const given = spec as ImageSpec
  const check = (fits: boolean, key: keyof ImageSpec, expected: string): void => {
    if (!fits) throw new RuntimeError('WRONG_INPUT', `${where}: ${key} should be ${expected}, got ${JSON.stringify(given[key])}.`)
  }
  const unknown = Object.keys(given).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) throw new RuntimeError('WRONG_INPUT', `${where}: there is no "${unknown}"; there are ${KEYS.join(', ')}.`)
  for (const [key, choices] of Object.entries(CHOICES) as [keyof typeof CHOICES, readonly string[]][]) {
    const value = given[key]
    check(value === undefined || choices.includes(value), key, `one of ${choices.join(', ')}`)
  }

  const [height, width] = typeof given.size === 'number' ? [given.size, given.size] : given.size ?? [0, 0]
  check(isSide(height) && isSide(width), 'size', 'a number of pixels or [height, width]')
  check(given.resize === undefined || isSide(given.resize), 'resize', 'a number of pixels')
  const channels = given.channels ?? 'rgb'
  const range = given.range ?? [0, 1]
  check(range.length === 2 && range.every(Number.isFinite), 'range', 'two numbers, for black and white')
  const background = given.background ?? [0, 0, 0]
  check(background.length === 3 && background.every((each) => each >= 0 && each <= 255), 'background', 'red, green and blue from 0 to 255')
  const count = channels === 'gray' ? 1 : 3
  const perChannel = (key: 'mean' | 'std', fallback: number): readonly number[] => {
    const value = given[key] ?? fallback
    const list = typeof value === 'number' ? [value] : value
    const all = list.length === 1 ? Array.from<number>({ length: count }).fill(list[0]!) : list
    const fits = all.length === count && all.every((each) => Number.isFinite(each) && (key === 'mean' || each !== 0))
    check(fits, key, `one number or ${count}, one for each channel${key === 'std' ? ', none of them 0' : ''}`)
    return all
  }
  return {
    height, width, channels, range, background, mean: perChannel('mean', 0), std: perChannel('std', 1), resize: given.resize,
    crop: given.crop ?? 'center', scaling: given.scaling ?? 'smooth', layout: given.layout ?? 'nchw', dtype: given.dtype ?? 'float32',
  }
}

function isSide(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= MAX_SIDE
}

/** Where a scaled picture lies relative to the model's input, in pixels of the input. */
export interface Placement {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * Where a picture of `width` x `height` goes. `center` is torchvision's `Resize(resize)` (the longer side truncated) and `CenterCrop`
 * (offsets rounded half to even, as Python's `round`): torchvision/transforms/functional.py.
 */
export function placePicture(spec: CompleteImageSpec, width: number, height: number): Placement {
  const [w, h] = scaledSize(spec, width, height)
  return { left: 0 - roundHalfEven((w - spec.width) / 2), top: 0 - roundHalfEven((h - spec.height) / 2), width: w, height: h }
}

function scaledSize(spec: CompleteImageSpec, width: number, height: number): readonly [width: number, height: number] {
  if (spec.crop === 'none') return [spec.width, spec.height]
  if (spec.crop === 'center' && spec.resize !== undefined) {
    const long = Math.trunc((spec.resize * Math.max(width, height)) / Math.min(width, height))
    return width <= height ? [spec.resize, long] : [long, spec.resize]
  }
  const [across, down] = [spec.width / width, spec.height / height]
  const scale = spec.crop === 'pad' ? Math.min(across, down) : Math.max(across, down)
  return [Math.max(Math.round(width * scale), 1), Math.max(Math.round(height * scale), 1)]
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  return value - floor === 0.5 ? floor + Math.abs(floor % 2) : Math.round(value)
}
