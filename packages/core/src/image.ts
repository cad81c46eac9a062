import { completeImageSpec, type ImageSpec } from '@petaljs/runtime/build'
import type { ByteSource } from './compiler/archive/byte-source.ts'
import { openArchive } from './compiler/archive/zip-reader.ts'
import { flatbufferExtraFile, isFlatbuffer } from './compiler/report/flatbuffer-contents.ts'
import { PetalError } from './errors.ts'
import type { ModelRequest } from './request/index.ts'

/** The extra file of a model that says how pictures become its input: `torch.jit.save(model, file, _extra_files={'image.json': …})`. */
const EXTRA_FILE = 'image.json'
const RECORD = `extra/${EXTRA_FILE}`
const EXAMPLE = '{ "size": [224, 224], "resize": 256, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225] }'

/** A description has some 200 bytes. */
const MAX_BYTES = 64 << 10

/** What the model file itself says of its pictures; undefined where it says nothing. Throws a PetalError for what is no such description. */
export async function imageOfModel(source: ByteSource): Promise<ImageSpec | undefined> {
  const text = await isFlatbuffer(source) ? await flatbufferExtraFile(source, EXTRA_FILE, badFile) : await extraOfArchive(source)
  return text === undefined ? undefined : checked(parsed(text), badFile)
}

async function extraOfArchive(source: ByteSource): Promise<string | undefined> {
  const record = (await openArchive(source)).records.get(RECORD)
  if (record === undefined) return undefined
  return record.size > MAX_BYTES ? '' : new TextDecoder().decode(await record.read())
}

function badFile(why: string): PetalError {
  return new PetalError({
    code: 'BAD_IMAGE_FILE',
    message: `The extra file "${EXTRA_FILE}" in the model does not describe its pictures: ${why}`,
    fix: `Write it as in ${EXAMPLE}.`,
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

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

/** The description as it is, if the runtime takes it. */
function checked(spec: unknown, refusal: (why: string) => PetalError): ImageSpec {
  try {
    completeImageSpec(spec)
    return spec as ImageSpec
  } catch (error) {
    throw refusal((error as Error).message)
  }
}
