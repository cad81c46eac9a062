import { basename, extname } from 'node:path'

/** File systems allow 255 bytes; a bundler adds a hash, and a letter may take four bytes. */
const LONGEST_NAME = 48

/** Names that Windows keeps for devices, with any extension. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i

/**
 * The base name that a compiled model gets, without extension: `net` for `/home/me/net.pt`. Bundlers name the asset after
 * it, so it is made of letters, digits and `_ . -` alone, and never starts with a dot (Android leaves such files out of a package).
 */
export function modelName(file: string): string {
  const stem = basename(file, extname(file)).normalize('NFC')
  const plain = [...stem.replaceAll(/[^\p{L}\p{N}_.-]/gu, '_').replace(/^\.+/, '')].slice(0, LONGEST_NAME).join('')
  if (plain === '') return 'model'
  return RESERVED.test(plain) ? `_${plain}` : plain
}
