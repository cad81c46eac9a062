import { RuntimeError } from './errors.ts'
import { type CompleteImageSpec, completeImageSpec, type ImageSpec, placePicture } from './image-spec.ts'
import { className, DRAWABLE, type ImageSource, isPixels, type Pixels } from './pictures.ts'
import { resample } from './resample.ts'
import type { TensorLike } from './tensor-value.ts'

export { completeImageSpec } from './image-spec.ts'

/** One picture, or several as a batch, as the tensor that a model takes. */
export async function imageToTensor(pictures: ImageSource | readonly ImageSource[], spec: ImageSpec, where?: string): Promise<TensorLike> {
  const complete = completeImageSpec(spec, where)
  const list = Array.isArray(pictures) ? pictures as readonly ImageSource[] : [pictures as ImageSource]
  const { height, width, layout, channels, dtype } = complete
  if (list.length > 1 && !layout.startsWith('n')) {
    throw new RuntimeError('WRONG_INPUT', `${where}: ${list.length} pictures need a layout with a batch dimension, such as n${layout}.`)
  }
  const depth = channels === 'gray' ? 1 : 3
  const area = height * width
  const tables = lookupTables(complete)
  const data = new ARRAYS[dtype](list.length * area * depth)
  for (const [i, picture] of list.entries()) {
    const pixels = await picturePixels(picture, complete)
    const into = data.subarray(i * area * depth, (i + 1) * area * depth)
    fill(into as Float32Array, pixels, channels, tables as Float32Array[], layout.endsWith('chw') ? [1, area] : [depth, 1])
  }
  const dims = layout.endsWith('chw') ? [depth, height, width] : [height, width, depth]
  return { data, dims: layout.startsWith('n') ? [list.length, ...dims] : dims, dtype }
}

/** Half floats are given as floats; they are converted where the tensor is made. */
const ARRAYS = {
  float32: Float32Array, float64: Float64Array, float16: Float32Array, uint8: Uint8ClampedArray, int8: Int8Array, int32: Int32Array, int64: BigInt64Array,
} as const

/** For each channel, what each of the 256 values becomes, computed in float32 as torchvision does it. */
function lookupTables({ dtype, mean, std, range: [black, white] }: CompleteImageSpec): ArrayLike<number | bigint>[] {
  const round = dtype === 'float64' ? (value: number): number => value : Math.fround
  return mean.map((_, channel) => {
    const values = Array.from({ length: 256 }, (_, byte) => {
      const value = white === 255 && black === 0 ? byte : round(black + round(round(byte / 255) * (white - black)))
      return round(round(value - round(mean[channel]!)) / round(std[channel]!))
    })
    if (dtype === 'int64') return BigInt64Array.from(values, (value) => BigInt(Math.round(value)))
    if (dtype.startsWith('float')) return ARRAYS[dtype as 'float32'].from(values)
    const limit = dtype === 'int8' ? 127 : Infinity
    return ARRAYS[dtype as 'int32'].from(values, (value) => Math.min(Math.max(Math.round(value), -limit - 1), limit))
  })
}

/** Red, green, blue; `pixelStep` and `channelStep` are distances in the result. */
function fill(
  to: Float32Array, { data, stride }: Picture, channels: string, tables: readonly Float32Array[], [pixelStep, channelStep]: readonly [number, number],
): void {
  const count = data.length / stride
  if (channels === 'gray') {
    const table = tables[0]!
    for (let i = 0, from = 0; i < count; i++, from += stride) {
      // Pillow's integer form of ITU-R 601-2: libImaging/ConvertMatrix, rgb2l.
      to[i] = table[(data[from]! * 19_595 + data[from + 1]! * 38_470 + data[from + 2]! * 7471 + 0x8000) >> 16]!
    }
    return
  }
  const [first, third] = channels === 'bgr' ? [2, 0] : [0, 2]
  const [one, two, three] = tables as [Float32Array, Float32Array, Float32Array]
  for (let i = 0, from = 0, index = 0; i < count; i++, from += stride, index += pixelStep) {
    to[index] = one[data[from + first]!]!
    to[index + channelStep] = two[data[from + 1]!]!
    to[index + 2 * channelStep] = three[data[from + third]!]!
  }
}

/** Pixels of the model's input: red, green, blue, and bytes that do not count up to `stride`. */
interface Picture {
  readonly data: Uint8ClampedArray
  readonly stride: 3 | 4
}

async function picturePixels(source: ImageSource, spec: CompleteImageSpec): Promise<Picture> {
  if (isPixels(source)) return await rawPixels(source, spec)
  const name = className(source)
  if (source instanceof Blob) {
    if (typeof createImageBitmap !== 'function') throw refused('a file of a picture can be decoded in browsers only; give its pixels as { data, width, height }')
    const bitmap = await createImageBitmap(source).catch((cause: unknown) => {
      throw refused('the file is not a picture that this engine can decode', cause)
    })
    try {
      return drawnPixels(bitmap, bitmap.width, bitmap.height, spec)
    } finally {
      bitmap.close()
    }
  }
  // One that failed to load has no size, whether that is known already or only now.
  if (name === 'HTMLImageElement') await (source as HTMLImageElement).decode().catch(() => undefined)
  const [width, height] = DRAWABLE[name]!(source as never)
  if (!(width > 0 && height > 0)) throw refused(`the ${name} has no picture: it did not load, or not yet`)
  return drawnPixels(source as CanvasImageSource, width, height, spec)
}

async function rawPixels(pixels: Pixels, spec: CompleteImageSpec): Promise<Picture> {
  const { data, width, height } = pixels
  if (data.length !== width * height * 4) throw refused(`pixels of ${width} x ${height} are ${width * height * 4} bytes (red, green, blue, alpha), not ${data.length}`)
  const { left, top, ...size } = placePicture(spec, width, height)
  const asIs = left === 0 && top === 0 && size.width === width && size.height === height
  if (asIs || spec.scaling === 'exact' || typeof createImageBitmap !== 'function') {
    return { data: resample(pixels, { left, top, ...size }, spec.width, spec.height, spec.background), stride: 3 }
  }
  const bitmap = await createImageBitmap(new ImageData(new Uint8ClampedArray(data), width, height))
  try {
    return drawnPixels(bitmap, width, height, spec)
  } finally {
    bitmap.close()
  }
}

function drawnPixels(source: CanvasImageSource, width: number, height: number, spec: CompleteImageSpec): Picture {
  const placement = placePicture(spec, width, height)
  if (spec.scaling === 'exact') {
    const context = canvas(width, height)
    context.drawImage(source, 0, 0, width, height)
    return { data: resample(readPixels(context, width, height), placement, spec.width, spec.height, spec.background), stride: 3 }
  }
  const context = canvas(spec.width, spec.height)
  context.fillStyle = `rgb(${spec.background.join(' ')})`
  context.fillRect(0, 0, spec.width, spec.height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(source, placement.left, placement.top, placement.width, placement.height)
  return { data: readPixels(context, spec.width, spec.height).data, stride: 4 }
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D

/** Kept for the next picture, which mostly has the same size. */
let last: Context | undefined

function canvas(width: number, height: number): Context {
  if (last?.canvas.width === width && last.canvas.height === height) {
    last.clearRect(0, 0, width, height)
    return last
  }
  const made = typeof OffscreenCanvas === 'function' ? new OffscreenCanvas(width, height) : Object.assign(document.createElement('canvas'), { width, height })
  // Pixels are read after each drawing, so they had better stay in main memory.
  const context = made.getContext('2d', { willReadFrequently: true }) as Context | null
  if (!context) throw refused(`there is no canvas of ${width} x ${height}`)
  last = context
  return context
}

function readPixels(context: Context, width: number, height: number): ImageData {
  try {
    return context.getImageData(0, 0, width, height)
  } catch (cause) {
    // The canvas stays tainted.
    last = undefined
    throw refused('the picture comes from another origin, so its pixels must not be read: set crossorigin on the element, and let the server allow it', cause)
  }
}

function refused(what: string, cause?: unknown): RuntimeError {
  return new RuntimeError('WRONG_INPUT', `The picture cannot be used: ${what}.`, { cause })
}
