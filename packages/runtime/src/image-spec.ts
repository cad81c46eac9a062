/**
 * How a picture becomes the input of a model. Declared at the import (`image=224x224&mean=imagenet&std=imagenet`) or in the model's
 * extra file `image.json`. Plain JSON; what is left out has the default that is named here.
 */
export interface ImageSpec {
  /** Height and width of the input, in pixels. */
  readonly size: readonly [height: number, width: number]
  /**
   * `center`: scaled evenly until it covers the size, then cut to it around the middle. `none`: stretched to the size.
   * Default: `center`.
   */
  readonly crop?: 'center' | 'none'
  /** Length of the shorter side after scaling and before cutting, as torchvision's `Resize(256)` before `CenterCrop(224)`. Default: just covers the size. */
  readonly resize?: number
  /** Subtracted from every channel, whose values are from 0 to 1. One number for each channel. Default: 0. */
  readonly mean?: readonly number[]
  /** What every channel is divided by then. Default: 1. */
  readonly std?: readonly number[]
  /** Channels and their order. Default: `rgb`. */
  readonly channels?: 'rgb' | 'bgr' | 'gray'
  /** Order of the dimensions of the tensor. Default: `nchw`. */
  readonly layout?: 'nchw' | 'nhwc'
}
