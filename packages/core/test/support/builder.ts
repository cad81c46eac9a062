import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A model, and what its import says: `block=conv_bn_fusion`. */
export type Wanted = readonly [file: string, query: string]

/** What a process built: the store's counts, and each result's file and digest. */
export interface Built {
  readonly stats: { readonly hits: number; readonly misses: number; readonly computed: number }
  readonly notes: readonly string[]
  readonly results: readonly { readonly file: string; readonly sha256: string; readonly actual: string }[]
  /** The code and text of the PetalError with which it ended. */
  readonly error?: { readonly code: string; readonly message: string }
}

/** Real builds, in a process that says `ready`, waits for a line, and prints what it built. */
const SCRIPT = `
  import { createHash } from 'node:crypto'
  import { readFileSync } from 'node:fs'
  const [code, options, wanted] = process.argv.slice(2)
  const { build, createStore, parseDirectives } = await import(code + '/index.js')
  console.log('ready')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  process.stdin.destroy()
  const notes = []
  const store = createStore({ ...JSON.parse(options), note: (text) => notes.push(text) })
  const answer = { stats: store.stats, notes }
  try {
    answer.results = await Promise.all(JSON.parse(wanted).map(async ([file, query]) => {
      const { file: stored, sha256 } = await build({ ...parseDirectives([...new URLSearchParams(query)]), file }, { store })
      return { file: stored, sha256, actual: createHash('sha256').update(readFileSync(stored)).digest('hex') }
    }))
  } catch (error) {
    if (!error.code) throw error
    answer.error = { code: error.code, message: error.message }
  }
  console.log(JSON.stringify(answer))
  // A dev server.
  if (process.env.PETAL_TEST_STAY) setInterval(() => {}, 1_000)
`

/** A process that is ready to build. */
export interface Builder {
  readonly child: ChildProcess
  /** Lets it build. */
  go(): void
  /** What it built; rejects with what it printed when it did not come to its end. */
  readonly built: Promise<Built>
}

/** How a process is started. */
export interface BuilderOptions {
  /** The folder that `bundle` gave for `src/index.ts`. */
  readonly code: string
  /** A folder for the script. */
  readonly folder: string
  readonly store: { readonly dir: string; readonly readonly?: boolean }
  readonly wanted: readonly Wanted[]
  readonly env?: Readonly<Record<string, string>>
  /** The number of the user that it runs as. */
  readonly user?: number | undefined
  /** What stands before `node`: a program that starts it in some way. */
  readonly prefix?: readonly string[]
}

/** Starts a process that builds when it is told to; resolves when it is ready. */
export async function startBuilder({ code, folder, store, wanted, env, user, prefix = [] }: BuilderOptions): Promise<Builder> {
  const script = join(folder, 'builder.mjs')
  await writeFile(script, SCRIPT)
  const [program, ...args] = [...prefix, process.execPath, script, code, JSON.stringify(store), JSON.stringify(wanted)]
  const child = spawn(program!, args, { env: { ...process.env, ...env }, ...user !== undefined && { uid: user, gid: user } })
  let out = ''
  let err = ''
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', (piece: Buffer) => {
      out += piece
      if (out.includes('ready')) resolve()
    })
  })
  child.stderr.on('data', (piece: Buffer) => { err += piece })
  // One that is killed hears nothing.
  child.stdin.on('error', () => {})
  const built = once(child, 'close').then(([status]) => {
    const line = out.trim().split('\n').at(-1)!
    if (status !== 0 || !line.startsWith('{')) throw new Error(`a build ended with ${status}: ${out}${err}`)
    return JSON.parse(line) as Built
  })
  built.catch(() => {})
  await Promise.race([ready, built.then(() => {})])
  return { child, built, go: () => { child.stdin.write('go\n') } }
}

/** Builds in a process of its own. */
export async function buildOnce(options: BuilderOptions): Promise<Built> {
  const builder = await startBuilder(options)
  builder.go()
  return await builder.built
}
