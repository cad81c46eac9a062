import { RuntimeError } from './errors.ts'

const ALGORITHMS: Readonly<Record<string, string>> = { sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' }

let warned = false

/**
 * Compares bytes with a hash as `integrity` attributes have it: `sha256-…`, base64. True also where the engine cannot compute hashes: pages
 * over plain http, which are told so once.
 */
export async function matches(bytes: Uint8Array, integrity: string): Promise<boolean> {
  const [, name = '', expected] = /^(sha(?:256|384|512))-([A-Za-z0-9+/]+={0,2})$/.exec(integrity) ?? []
  const algorithm = ALGORITHMS[name]
  if (!algorithm) throw new RuntimeError('WRONG_INPUT', `"${integrity}" is no integrity; it looks like sha256-… with base64, as the integrity attribute has it.`)
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined
  if (!subtle) {
    if (!warned) console.warn('Petal: this page was not loaded over https, where browsers compute no hashes. Of the model, only the size is checked.')
    warned = true
    return true
  }
  const digest = new Uint8Array(await subtle.digest(algorithm, bytes as Uint8Array<ArrayBuffer>))
  return btoa(String.fromCharCode(...digest)) === expected
}
