import type { ImageSpec } from '@petaljs/runtime/spec'
import type { ByteSource } from './compiler/archive/byte-source.ts'
import { openArchive } from './compiler/archive/zip-reader.ts'
import { flatbufferExtraFile, isFlatbuffer } from './compiler/report/flatbuffer-contents.ts'
import { PetalError } from './errors.ts'
import { checked } from './image-request.ts'

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
