// What is fuzzed, built into one module by run.mjs.
import { crc32, inflateRawSync } from 'node:zlib'
import { identifySource } from '../../src/source/index.ts'
import { type ByteSource, bytesSource, compile, inspectLite, PetalError } from '../../src/compiler/index.ts'
import { load } from '../../src/check/engine.ts'

/** Kinds of refusal that are no user's fault. */
const FAULTS: ReadonlySet<string> = new Set(['INTERNAL'])

/** What became of a file. */
export interface Outcome {
  /** `accepted` and `passed` (a compiled file, understood), `refused` with a code, or `failed` with a message. */
  readonly result: 'accepted' | 'passed' | 'refused' | 'failed'
  readonly detail: string
  /** The compiled file, where it was accepted. */
  readonly artifact?: Uint8Array
}

/** As builds read files, and every eighth as browsers do, with nothing but the platform's streams. */
function sourceOf(bytes: Uint8Array): ByteSource {
  const plain = bytesSource(bytes)
  return bytes.length % 8 === 0 ? plain : { ...plain, crc32, inflateRaw: inflated }
}

function inflated(compressed: Uint8Array, size: number): Uint8Array {
  const bytes = inflateRawSync(compressed, { maxOutputLength: Math.max(size, 1) })
  if (bytes.length !== size) throw new RangeError(`inflated to ${bytes.length} bytes in place of ${size}`)
  return bytes
}

/**
 * Does all that a build does with a file: tells its kind, compiles a model to the last byte, reads what a compiled one says and loads it
 * into the runtime.
 */
export async function examine(bytes: Uint8Array): Promise<Outcome> {
  const source = sourceOf(bytes)
  try {
    const { kind } = await identifySource(source, 'model.pt')
    if (kind === 'lite') {
      await inspectLite(source)
      await load({ size: bytes.length, async* stream() { yield bytes } })
      return { result: 'passed', detail: kind }
    }
    // Whatever it seems to be, the compiler is asked: browsers ask nothing before.
    const artifact = await compile(source, { backend: 'cpu', format: 'ptl', block: [] })
    const pieces: Uint8Array[] = []
    for await (const piece of artifact.stream()) pieces.push(piece.slice())
    const file = Buffer.concat(pieces)
    if (file.length !== artifact.size) return { result: 'failed', detail: `${file.length} bytes where ${artifact.size} were said` }
    return { result: 'accepted', detail: kind, artifact: file }
  } catch (error) {
    if (error instanceof PetalError && !FAULTS.has(error.code)) return { result: 'refused', detail: error.code }
    const refusal = error as { code?: unknown; name?: unknown }
    if (refusal.name === 'PetalError' && typeof refusal.code === 'string' && !FAULTS.has(refusal.code)) return { result: 'refused', detail: refusal.code }
    const cause = (error as Error).cause ?? error
    return { result: 'failed', detail: String((cause as Error).stack ?? cause) }
  }
}
