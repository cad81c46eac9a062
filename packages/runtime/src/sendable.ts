import { RuntimeError } from './errors.ts'
import { isPicture } from './pictures.ts'

/** Values that can be sent to another thread, with what is handed over by it. */
export interface Sendable {
  readonly value: readonly unknown[]
  readonly transferred: Transferable[]
}

/**
 * Inputs as another thread can take them: elements of pages become bitmaps, frames of videos second handles, arrays copies of just the part
 * that they show. With `transfer`, arrays and bitmaps themselves are handed over, after which the caller has them no more.
 */
export async function sendable(inputs: readonly unknown[], transfer: boolean): Promise<Sendable> {
  const transferred = new Set<Transferable>()
  const value = await Promise.all(inputs.map((input) => convert(input)))
  return { value, transferred: [...transferred] }

  function convert(input: unknown): unknown {
    if (typeof input !== 'object' || input === null) return input
    if (ArrayBuffer.isView(input)) return array(input as Uint8Array<ArrayBuffer>)
    if (Array.isArray(input)) return isPlainList(input) ? input : Promise.all(input.map(convert))
    if (isPicture(input, 'ImageBitmap')) return transfer ? hand(input as ImageBitmap) : input
    if (isPicture(input, 'VideoFrame')) return hand((input as VideoFrame).clone())
    if (isPicture(input, 'HTMLImageElement')) return (input as HTMLImageElement).decode().catch(() => undefined).then(() => bitmap(input as HTMLImageElement))
    if (isPicture(input)) return bitmap(input as ImageBitmapSource)
    // Files and ImageData can be sent as they are.
    if (input instanceof Blob || Object.prototype.toString.call(input) === '[object ImageData]') return input
    if (input instanceof Map) return entries([...input]).then((all) => new Map(all))
    return entries(Object.entries(input)).then((all) => Object.fromEntries(all))
  }

  async function entries<Key>(all: readonly (readonly [Key, unknown])[]): Promise<[Key, unknown][]> {
    return await Promise.all(all.map(async ([key, item]): Promise<[Key, unknown]> => [key, await convert(item)]))
  }

  async function bitmap(source: ImageBitmapSource): Promise<ImageBitmap> {
    return hand(await createImageBitmap(source).catch((cause: unknown) => {
      throw new RuntimeError('WRONG_INPUT', `The picture cannot be used: ${(cause as Error).message}`, { cause })
    }))
  }

  function array(view: Uint8Array<ArrayBuffer>): unknown {
    if (view instanceof DataView) return view
    const whole = transfer && view.buffer instanceof ArrayBuffer && view.byteLength === view.buffer.byteLength
    const sent = whole ? view : view.slice()
    transferred.add(sent.buffer)
    return sent
  }

  function hand<T extends Transferable>(item: T): T {
    transferred.add(item)
    return item
  }
}

/** Nothing in it but numbers, strings and the like: long lists need not be looked through twice. */
function isPlainList(list: readonly unknown[]): boolean {
  return list.every((item) => typeof item !== 'object' || item === null)
}
