import { basename, extname } from 'node:path'
import type { Format } from '../compiler/artifact.ts'

/** File systems allow 255 bytes; a bundler adds a hash, and a letter may take four bytes. */
const LONGEST_NAME = 48

/** Names that Windows keeps for devices, with any extension. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i

/** What the formats' files end with. Whoever loads a flatbuffer tells it by its first bytes. */
const EXTENSIONS: Readonly<Record<Format, string>> = { ptl: '.ptl', flatbuffer: '.ptl', torchscript: '.pt' }

/** What a compiled file of a format ends with. */
export const extensionOf = (format: Format): string => EXTENSIONS[format]

/**
 * The name that a compiled model gets: `net.ptl` for `/home/me/net.pt`. Bundlers name the asset after
 * it, so it is made of letters, digits and `_ . -` alone, and never starts with a dot (Android leaves such files out of a package).
 */
export function modelName(file: string, format: Format = 'ptl'): string {
  const stem = basename(file, extname(file)).normalize('NFC')
  const plain = [...stem.replaceAll(/[^\p{L}\p{N}_.-]/gu, '_').replace(/^\.+/, '')].slice(0, LONGEST_NAME).join('')
  const name = plain === '' ? 'model' : RESERVED.test(plain) ? `_${plain}` : plain
  return name + EXTENSIONS[format]
}
