import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(import.meta.url)
const isSource = here.endsWith('.ts')

/** The folder of the running code: `dist` when installed, `src` when run from a checkout. */
const codeFolder = isSource ? dirname(dirname(here)) : dirname(here)

let identity: string | undefined

/**
 * Names the exact code that is running: a hash over its files. A version number alone would serve stale files to everyone
 * who works on the compiler or patches it. Takes a few milliseconds, once.
 */
export function toolIdentity(): string {
  identity ??= hashFolder(codeFolder, isSource ? /(?<!\.spec)\.ts$|\.py$/ : /\.(?:js|py)$/)
  return identity
}

function hashFolder(folder: string, wanted: RegExp): string {
  const hash = createHash('sha256')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => wanted.test(file))
  for (const file of files.map((name) => name.replaceAll('\\', '/')).toSorted()) {
    const text = readFileSync(join(folder, file))
    hash.update(`${file}\0${text.byteLength}\0`).update(text)
  }
  return hash.digest('hex')
}
