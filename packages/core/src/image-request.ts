import { completeImageSpec, type ImageSpec } from '@petaljs/runtime/spec'
import { PetalError } from './errors.ts'
import type { ModelRequest } from './request/index.ts'

/** The description that the directives and the model make together; directives win, each for itself. Throws a PetalError. */
export function imageOf(request: ModelRequest, ofModel: ImageSpec | undefined): ImageSpec | undefined {
  const { image, crop, resize, scaling, range, mean, std, channels, layout } = request
  const given = Object.entries({ size: image, crop, resize, scaling, range, mean, std, channels, layout })
    .filter(([, value]) => (Array.isArray(value) ? value.length > 0 : Boolean(value)))
  if (given.length === 0) return ofModel
  const spec = { ...ofModel, ...Object.fromEntries(given) }
  if (!Object.hasOwn(spec, 'size')) {
    throw new PetalError({
      code: 'NO_IMAGE_SIZE',
      message: `"${given[0]![0]}" says how pictures become the model's input, and nothing says how large they are.`,
      fix: 'Add "image=224x224", with the height and width that the model takes.',
    })
  }
  return checked(spec, (why) => new PetalError({
    code: 'BAD_IMAGE', message: `The directives about pictures do not fit one another: ${why}`, fix: 'Give one number for each channel, or one for all.',
  }))
}

/** The description as it is, if the runtime takes it; else throws what `refusal` makes of the reason. */
export function checked(spec: unknown, refusal: (why: string) => PetalError): ImageSpec {
  try {
    completeImageSpec(spec)
    return spec as ImageSpec
  } catch (error) {
    throw refusal((error as Error).message)
  }
}
