import { execFileSync } from 'node:child_process'
import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { buildOnce, type BuilderOptions, type Built, type Wanted } from '../support/builder.ts'
import { bundle } from '../support/bundle.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const fixtures = join(import.meta.dirname, '../fixtures/build')

/** Permissions mean nothing to root, so its builds run as somebody else. */
const user = process.getuid?.() === 0 ? 65534 : undefined

let code: string
beforeAll(async () => {
  code = await bundle({ index: 'src/index.ts' })
  await chmod(code, 0o755)
})
afterAll(async () => { await rm(code, { recursive: true, force: true }) })

let folder: string
let dir: string
let wanted: Wanted
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'petal-places-'))
  await mkdir(join(folder, 'tmp'))
  if (user !== undefined) for (const path of [folder, join(folder, 'tmp')]) await chown(path, user, user)
  dir = join(folder, 'cache')
  await copyFile(join(fixtures, 'net.pt'), join(folder, 'net.pt'))
  wanted = [join(folder, 'net.pt'), '']
})
afterEach(async () => {
  await unlock()
  await rm(folder, { recursive: true, force: true })
})

const build = (options: Partial<BuilderOptions> = {}): Promise<Built> =>
  buildOnce({ code, folder, store: { dir }, wanted: [wanted], env: { TMPDIR: join(folder, 'tmp') }, user, ...options })

/** All files and folders of the store, with their times and sizes. */
async function snapshot(): Promise<string[]> {
  return execFileSync('find', [dir, '-printf', '%p %s %T@\n'], { encoding: 'utf8' }).split('\n').toSorted()
}

async function setMode(mode: number): Promise<void> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), mode)
  await chmod(dir, mode).catch(() => {})
}

const lock = (): Promise<void> => setMode(0o555)
const unlock = (): Promise<void> => setMode(0o755)

describe('a store that is only read', () => {
  it.each([
    ['as its folder cannot be written', undefined],
    ['as an option says so', true],
  ])('serves what it has, and keeps the rest elsewhere: %s', async (_, readonly) => {
    const cold = await build()
    if (!readonly) await lock()
    const before = await snapshot()
    const store = { dir, ...readonly && { readonly } }
    const warm = await build({ store })
    expect(warm).toMatchObject({ stats: { hits: 1, misses: 0 }, notes: [] })
    expect(warm.results).toEqual(cold.results)

    const other: Wanted = [wanted[0], 'block=conv_bn_fusion']
    const missed = await build({ store, wanted: [wanted, other] })
    expect(missed).toMatchObject({ stats: { hits: 1, misses: 1, computed: 1 } })
    expect(missed.notes).toHaveLength(1)
    expect(missed.notes[0]).toContain('is only read')
    expect(missed.results[1]!.file.startsWith(join(folder, 'tmp'))).toBe(true)
    expect(missed.results[1]!.actual).toBe(missed.results[1]!.sha256)
    // A bundler's own cache may name that file in the next build.
    const again = await build({ store, wanted: [wanted, other] })
    expect(again).toMatchObject({ stats: { hits: 2, computed: 0 }, notes: [] })
    expect(again.results).toEqual(missed.results)
    expect(await snapshot()).toEqual(before)
  })

  it('needs no compile for what it has under another name', async () => {
    const cold = await build()
    await copyFile(wanted[0], join(folder, 'other.pt'))
    const before = await snapshot()
    const named = await build({ store: { dir, readonly: true }, wanted: [[join(folder, 'other.pt'), '']] })
    expect(named.results[0]!.sha256).toBe(cold.results[0]!.sha256)
    expect(named.results[0]!.file.endsWith('/other.ptl')).toBe(true)
    expect(await snapshot()).toEqual(before)
  })

  it('never gives what is damaged', async () => {
    const cold = await build()
    const bytes = await readFile(cold.results[0]!.file)
    bytes[bytes.length >> 1]! ^= 1
    await writeFile(cold.results[0]!.file, bytes)
    const built = await build({ store: { dir, readonly: true } })
    expect(built.results[0]!.actual).toBe(cold.results[0]!.sha256)
    expect(built.stats.computed).toBe(1)
  })

  it('says so where there is no other place either', async () => {
    await mkdir(dir)
    await lock()
    await writeFile(join(folder, 'no-folder'), '')
    const { error } = await build({ env: { TMPDIR: join(folder, 'no-folder') } })
    expect(error).toMatchObject({ code: 'NOT_WRITABLE' })
  })
})

describe('a disk that is full', () => {
  /** Limits the size of each file, as a full disk does in the middle of a write. */
  const limited = (blocks: number): string[] => ['sh', '-c', `ulimit -f ${blocks}; trap '' XFSZ; exec "$@"`, 'sh']

  it.skipIf(process.platform === 'win32')('is one clear error, and leaves nothing that a later build takes for right', async () => {
    const right = await build({ store: { dir: join(folder, 'other') } })
    // Blocks of 512 bytes: room for none of it, for records and not for the model.
    for (const blocks of [0, 1, 2]) {
      const { error } = await build({ prefix: limited(blocks) })
      expect(error).toMatchObject({ code: 'DISK_FULL' })
      expect(error!.message).toContain(dir)
    }
    const { results } = await build()
    expect(results.map(({ actual }) => actual)).toEqual(right.results.map(({ actual }) => actual))
  })

  const mounted = canMount()
  it.skipIf(!mounted)('of a few kilobytes is the same error, in every state it may be in', async () => {
    const right = await build({ store: { dir: join(folder, 'other') } })
    const disk = join(folder, 'disk')
    await mkdir(disk)
    let failed = 0
    for (const size of [16, 40, 64, 96, 128, 4096]) {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}k,mode=777`, 'tmpfs', disk])
      try {
        for (let turn = 0; turn < 2; turn++) {
          const { results, error } = await build({ store: { dir: join(disk, 'cache') } })
          if (error) {
            failed++
            expect(error.code).toBe('DISK_FULL')
          } else {
            expect(results.map(({ actual }) => actual)).toEqual(right.results.map(({ actual }) => actual))
          }
        }
      } finally {
        execFileSync('umount', [disk])
      }
    }
    expect(failed).toBeGreaterThan(0)
    expect(failed).toBeLessThan(12)
  })
})

function canMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()], { stdio: 'ignore' })
    return process.getuid?.() === 0
  } catch {
    return false
  }
}
