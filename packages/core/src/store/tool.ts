import { createHash, type Hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(import.meta.url)
const isSource = here.endsWith('.ts')

/** The folder of the running code: `dist` when installed, `src` when run from a checkout. */
const codeFolder = isSource ? dirname(dirname(here)) : dirname(here)

let identity: string | undefined

/**
 * Names the exact code that is running: a hash over its files and those of the runtime, whose operators and results are part of what is stored.
 * A version number alone would serve stale files to everyone who works on the compiler or patches it. Takes a few milliseconds, once.
 */
export function toolIdentity(): string {
  if (identity === undefined) {
    const hash = createHash('sha256')
    const runtime = dirname(createRequire(import.meta.url).resolve('@petaljs/runtime/package.json'))
    for (const folder of [codeFolder, join(runtime, isSource ? 'src' : 'dist')]) hashFolder(hash, folder)
    identity = hash.digest('hex')
  }
  return identity
}

const CODE = isSource ? /(?<!\.spec)\.ts$|\.py$/ : /\.(?:js|py)$/

function hashFolder(hash: Hash, folder: string): void {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => CODE.test(file))
  for (const file of files.map((name) => name.replaceAll('\\', '/')).toSorted()) {
    const text = readFileSync(join(folder, file))
    hash.update(`${file}\0${text.byteLength}\0`).update(text)
  }
}
