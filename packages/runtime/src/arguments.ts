import type { Engine } from './engine.ts'
import { RuntimeError } from './errors.ts'
import type { ImageSpec } from './image-spec.ts'
import { byName, type InputPort, toValues } from './inputs.ts'
import type { Port } from './lite/program.ts'
import { isImageInput, isImageSource, isPictures } from './pictures.ts'
import type { Value } from './values.ts'

// Arguments of every kind: what an app loads where it passes something else than arrays of elements; see session.ts.

/**
 * Values for the inputs of a method, of what an app passed: by position or by name, pictures included. `engine` gives the model, or throws
 * when it is gone. Throws WRONG_INPUT, naming the input.
 */
export async function valuesOf(
  engine: () => Engine, method: string, ports: readonly InputPort[] | undefined, args: readonly unknown[], image: ImageSpec | undefined,
): Promise<Value[]> {
  const given = positional(method, ports, args)
  const tensors = await Promise.all(given.map((each, i) => picture(each, image, `${method}: input "${ports?.[i]?.name ?? i}"`)))
  return toValues(engine(), method, ports, tensors)
}

/** One object with the names of inputs stands for all of them. */
function positional(method: string, ports: readonly Port[] | undefined, args: readonly unknown[]): readonly unknown[] {
  const [only] = args
  if (args.length !== 1 || typeof only !== 'object' || only === null || Object.getPrototypeOf(only) !== Object.prototype) return args
  const names = ports?.map(({ name }) => name) ?? []
  const isNamed = Object.keys(only).every((key) => names.includes(key))
  if (!isNamed && ('dims' in only || isImageInput(only) || isImageSource(only))) return args
  return byName(method, ports, only as Record<string, unknown>) ?? args
}

/** The tensor of a picture or several; anything else as it is. */
async function picture(given: unknown, described: ImageSpec | undefined, where: string): Promise<unknown> {
  const own = isImageInput(given)
  if (!own && !isImageSource(given) && !isPictures(given)) return given
  const { image, ...said } = own ? given : { image: given }
  const spec = own || described ? { ...described, ...said } : undefined
  if (!spec?.size) {
    const how = 'Give it with the picture ({ image, size: 224, mean, std }), at the import (?mobile&image=224x224&mean=…&std=…), or in the model\'s extra file image.json'
    throw new RuntimeError('WRONG_INPUT', `${where} is a picture, and nothing says how the model wants it. ${how}.`)
  }
  const { imageToTensor } = await import('./image.ts')
  return await imageToTensor(image, spec as ImageSpec, where)
}
