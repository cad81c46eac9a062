/**
 * The store: how long it takes to find a model that was compiled before, whose file did not change, against reading that file once.
 *
 * `node bench/store.mjs [megabytes] [rounds]`, after `pnpm build`.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStore, toolIdentity } from '../packages/core/dist/index.js'

const megabytes = Number(process.argv[2] ?? 500)
const rounds = Number(process.argv[3] ?? 50)

/** What a look-up may take, whatever the size of the model. */
const LIMIT_MS = 5

const folder = await mkdtemp(join(tmpdir(), 'petal-bench-'))
try {
  const file = join(folder, 'net.pt')
  await writeModel(file, megabytes)
  const dir = join(folder, 'cache')
  const cold = createStore({ dir })
  const identifying = await timed(async () => toolIdentity())
  // A file that changed a moment ago may change again unseen, so its digest is not remembered yet.
  await until((await stat(file)).ctimeMs + 2_500)
  const hashing = await timed(() => cold.digest(file))
  const source = await cold.digest(file)
  const wanted = { source, request: 'bench', name: 'net.ptl' }
  await cold.resolve(wanted, async () => ({
    facts: {}, warnings: [], size: megabytes * 1e6, stream: () => createReadStream(file, { highWaterMark: 1 << 20 }),
  }))

  const lookUps = []
  for (let round = 0; round < rounds; round++) {
    // A store of its own each time, as a process has.
    const store = createStore({ dir })
    lookUps.push(await timed(async () => {
      const known = await store.knownDigest(file)
      if (!known || !await store.find({ ...wanted, source: known })) throw new Error('the model is not found')
    }))
    if (store.stats.bytesHashed > 0) throw new Error('a file was read again')
  }
  const [first] = lookUps
  const sorted = lookUps.toSorted((a, b) => a - b)
  const median = sorted[rounds >> 1]
  const worst = sorted.at(-1)
  console.log(`a model of ${megabytes} MB, stored as ${megabytes} MB; ${rounds} look-ups, each by a new store`)
  console.log(`reading it once     ${hashing.toFixed(0)} ms`)
  console.log(`once in a process   ${identifying.toFixed(2)} ms to tell which code compiles`)
  console.log(`first look-up       ${first.toFixed(2)} ms`)
  console.log(`median look-up      ${median.toFixed(2)} ms, ${(hashing / median).toFixed(0)} times as fast`)
  console.log(`slowest look-up     ${worst.toFixed(2)} ms`)
  if (median >= LIMIT_MS) throw new Error(`a look-up takes ${median.toFixed(2)} ms; it should be less than ${LIMIT_MS}`)
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function timed(work) {
  const started = performance.now()
  await work()
  return performance.now() - started
}

async function until(time) {
  await new Promise((resolve) => { setTimeout(resolve, Math.max(0, time - Date.now())) })
}

/** A file of that size without repetition, so that no file system makes it smaller. */
async function writeModel(file, megabytes) {
  const handle = await open(file, 'w')
  const block = Buffer.alloc(1e6)
  for (let i = 0; i < megabytes; i++) {
    block.set(createHash('sha512').update(`${i}`).digest(), (i * 64) % (1e6 - 64))
    await handle.write(block)
  }
  await handle.close()
}
