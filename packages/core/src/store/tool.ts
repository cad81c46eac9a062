import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CLOCK_STEP_NS } from './clock.ts'
import { temporaryName } from './write.ts'

const here = fileURLToPath(import.meta.url)
const isSource = here.endsWith('.ts')

/** The folder of the running code: `dist` when installed, `src` when run from a checkout. */
const codeFolder = isSource ? dirname(dirname(here)) : dirname(here)

let identity: string | undefined

/**
 * Names the exact code that is running: a hash over its files and those of the runtime, whose operators and results are part of what is stored.
 * A version number alone would serve stale files to everyone who works on the compiler or patches it.
 * @param memo a folder to remember it in for as long as no file changes; without it, all of them are read, once in a process.
 */
export function toolIdentity(memo?: string): string {
  if (identity === undefined) {
    const files = codeFiles()
    const print = memo === undefined ? undefined : fingerprint(files)
    identity = (print && recall(memo!, print)) ?? hashed(files)
    if (print) remember(memo!, print, identity)
  }
  return identity
}

const CODE = isSource ? /(?<!\.spec)\.ts$|\.py$/ : /\.(?:js|py)$/

interface CodeFile {
  /** Relative, with slashes. */
  readonly name: string
  readonly path: string
}

function codeFiles(): CodeFile[] {
  const runtime = dirname(createRequire(import.meta.url).resolve('@petaljs/runtime/package.json'))
  return [codeFolder, join(runtime, isSource ? 'src' : 'dist')].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/')).filter((name) => CODE.test(name)).toSorted()
      .map((name) => ({ name, path: join(folder, name) })))
}

function hashed(files: readonly CodeFile[]): string {
  const hash = createHash('sha256')
  for (const { name, path } of files) {
    const text = readFileSync(path)
    hash.update(`${name}\0${text.byteLength}\0`).update(text)
  }
  return hash.digest('hex')
}

/** What tells the code's versions apart without reading it; undefined where a file is so new that it may change again unseen. */
function fingerprint(files: readonly CodeFile[]): string | undefined {
  const hash = createHash('sha256')
  const recently = BigInt(Date.now()) * 1_000_000n - CLOCK_STEP_NS
  for (const { path } of files) {
    const { size, mtimeNs, ctimeNs, ino, dev } = statSync(path, { bigint: true })
    if (mtimeNs > recently || ctimeNs > recently) return undefined
    hash.update([path, size, mtimeNs, ctimeNs, ino, dev].join('\0'))
  }
  return hash.digest('hex')
}

const MEMO = 'tool.json'

function recall(folder: string, print: string): string | undefined {
  try {
    const memo = JSON.parse(readFileSync(join(folder, MEMO), 'utf8')) as { print?: unknown; identity?: unknown }
    return memo.print === print && typeof memo.identity === 'string' && /^[\da-f]{64}$/.test(memo.identity) ? memo.identity : undefined
  } catch {
    return undefined
  }
}

/** A shortcut: that it cannot be written is no error, and before there is a store there is no folder for it. */
function remember(folder: string, print: string, identity: string): void {
  if (recall(folder, print) !== undefined) return
  const temporary = join(folder, temporaryName())
  try {
    writeFileSync(temporary, JSON.stringify({ print, identity }))
    renameSync(temporary, join(folder, MEMO))
  } catch {
    rmSync(temporary, { force: true })
  }
}
