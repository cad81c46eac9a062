/** Of this origin, in the Cache API. */
const NAME = 'petal-models'
/** No request ever goes there: entries only need an address. */
const ORIGIN = 'https://petal.invalid'

/** Where models are kept for the next time, and for when there is no network: the files of one name, by content. */
export interface ModelCache {
  /** The file, when it is there. */
  read(integrity: string): Promise<Response | undefined>
  /** Keeps a file, whose bytes are nobody else's from then on, and lets other versions of it go, but not those in `keep`. */
  write(integrity: string, bytes: Uint8Array, keep: ReadonlySet<string>): Promise<void>
  remove(integrity: string): Promise<void>
}

/**
 * The cache of a model, by the name of its source. Nothing that goes wrong in it ever fails a load: it may be missing (plain http, private
 * windows, old web views), full, or taken away at any time. Undefined where it is missing.
 */
export async function openCache(model: string): Promise<ModelCache | undefined> {
  const cache = await quietly(async () => await globalThis.caches?.open(NAME))
  if (!cache) return undefined
  const folder = `${ORIGIN}/${encodeURIComponent(model)}/`
  const address = (integrity: string): string => folder + encodeURIComponent(integrity)
  return {
    read: (integrity) => quietly(() => cache.match(address(integrity))),
    async write(integrity, bytes, keep) {
      // WebKit reads the bytes only when it stores them.
      const response = new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) } })
      await quietly(async () => {
        const kept = new Set([integrity, ...keep].map(address))
        const old = (await cache.keys()).filter(({ url }) => url.startsWith(folder) && !kept.has(url))
        await Promise.all(old.map((request) => cache.delete(request)))
      })
      await quietly(() => cache.put(address(integrity), response))
    },
    async remove(integrity) {
      await quietly(() => cache.delete(address(integrity)))
    },
  }
}

async function quietly<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action()
  } catch {
    return undefined
  }
}

/**
 * True where a file is worth keeping: it came over the network. Files of native apps (Capacitor, Cordova), data: and blob: addresses are on
 * the device already.
 */
export function isWorthCaching(url: string): boolean {
  const native = (globalThis as { Capacitor?: { isNativePlatform?: () => boolean } }).Capacitor
  return /^https?:/.test(url) && !native?.isNativePlatform?.()
}
