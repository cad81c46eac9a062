import type { ImageSpec } from './image-spec.ts'

// What is a picture; what is made of one is in image.ts, which apps without pictures do not load.

/** Pixels: rows of red, green, blue and alpha. */
export interface Pixels {
  readonly data: Uint8ClampedArray | Uint8Array
  readonly width: number
  readonly height: number
}

/** Whatever an app has a picture in. Of a video and of a canvas it is what they show when the model is run. */
export type ImageSource =
  | ImageData | ImageBitmap | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | HTMLVideoElement | VideoFrame | Blob | Pixels

/** A picture with a description of its own: `{ image: bitmap, size: 224 }`. */
export type ImageInput = { readonly image: ImageSource | readonly ImageSource[] } & Partial<ImageSpec>

/** Pixels of what can be drawn, by its class. Names, because classes of other windows count, too, and none of them is there in Node. */
export const DRAWABLE: Readonly<Record<string, (source: never) => readonly [width: number, height: number]>> = {
  ImageBitmap: ({ width, height }: ImageBitmap) => [width, height],
  HTMLCanvasElement: ({ width, height }: HTMLCanvasElement) => [width, height],
  OffscreenCanvas: ({ width, height }: OffscreenCanvas) => [width, height],
  HTMLImageElement: ({ naturalWidth, naturalHeight }: HTMLImageElement) => [naturalWidth, naturalHeight],
  HTMLVideoElement: ({ videoWidth, videoHeight }: HTMLVideoElement) => [videoWidth, videoHeight],
  VideoFrame: ({ displayWidth, displayHeight }: VideoFrame) => [displayWidth, displayHeight],
}

/** `HTMLImageElement`, for those of other windows as well. */
export function className(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

/** True for what can be drawn, or for that of one class. */
export function isPicture(value: unknown, name: string = className(value)): boolean {
  return name in DRAWABLE && className(value) === name
}

/** True for pictures. */
export function isImageSource(value: unknown): value is ImageSource {
  return isPicture(value) || value instanceof Blob || isPixels(value)
}

/** True for plain pixels and ImageData. */
export function isPixels(value: unknown): value is Pixels {
  const { data, width, height } = (value ?? {}) as Pixels
  return typeof width === 'number' && typeof height === 'number' && (data instanceof Uint8ClampedArray || data instanceof Uint8Array)
}

/** True for a picture that comes with its description. */
export function isImageInput(value: unknown): value is ImageInput {
  const { image } = (value ?? {}) as ImageInput
  return image !== undefined && (isImageSource(image) || isPictures(image))
}

/** True for a list of pictures, which become a batch. */
export function isPictures(value: unknown): value is readonly ImageSource[] {
  return Array.isArray(value) && value.length > 0 && value.every(isImageSource)
}
