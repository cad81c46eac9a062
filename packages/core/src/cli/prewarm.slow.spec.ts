import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundle } from '../../test/support/bundle.ts'

const fixtures = join(import.meta.dirname, '../../test/fixtures/build')

let code: string
beforeAll(async () => { code = await bundle({ cli: 'src/cli/main.ts' }) }, 60_000)
afterAll(async () => { await rm(code, { recursive: true, force: true }) })

let app: string
beforeEach(async () => {
  app = await mkdtemp(join(tmpdir(), 'petal-prewarm-'))
  await mkdir(join(app, 'src/models'), { recursive: true })
  await writeFile(join(app, 'package.json'), '{}')
  await copyFile(join(fixtures, 'net.pt'), join(app, 'src/models/net.pt'))
  await writeFile(join(app, 'src/main.ts'), [
    "import net from './models/net.pt?mobile'", "import same from './models/net.pt?as=url&mobile'",
    "const raw = () => import('./models/net.pt?mobile&block=conv_bn_fusion')", '',
  ].join('\n'))
})
afterEach(async () => { await rm(app, { recursive: true, force: true }) })

interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

async function petal(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [join(code, 'cli.js'), ...args], { cwd: app, env: { ...process.env, NO_COLOR: '1', ...env } }, (error, out, err) => {
      resolve({ status: error ? Number(error.code) : 0, out, err })
    })
  })
}

const lockText = (): Promise<string> => readFile(join(app, 'petal.lock.json'), 'utf8')

interface WrittenLock {
  readonly models: Record<string, { source: string; key: string; sha256: string; bytes: number }>
}

const lock = async (): Promise<WrittenLock> => JSON.parse(await lockText()) as WrittenLock

describe('petal prewarm', () => {
  it('compiles each request once, writes the lock file, and changes nothing the second time or elsewhere', async () => {
    const first = await petal(['prewarm'])
    expect(first).toMatchObject({ status: 0, err: '' })
    expect(first.out).toMatch(/^src\/models\/net\.pt {2}.* compiled\nsrc\/models\/net\.pt\?block=conv_bn_fusion {2}.* compiled\n2 models, petal\.lock\.json written\.\n$/)
    const text = await lockText()
    const { models } = await lock()
    expect(Object.keys(models)).toEqual(['src/models/net.pt', 'src/models/net.pt?block=conv_bn_fusion'])
    expect(text).not.toContain(app)
    const second = await petal(['prewarm', 'src'])
    expect(second.out).toMatch(/stored\n.*stored\n2 models, petal\.lock\.json unchanged\.\n$/)
    await rm(join(app, 'petal.lock.json'))
    await petal(['prewarm'], { PETAL_CACHE_DIR: join(app, 'elsewhere') })
    expect(await lockText()).toBe(text)
    expect(await readdir(join(app, 'node_modules/.cache/petal'))).toEqual(await readdir(join(app, 'elsewhere')))
  })

  it('tells of every import that fails, with its place, and leaves the lock file alone', async () => {
    await petal(['prewarm'])
    const before = await lockText()
    await writeFile(join(app, 'src/bad.ts'), "import a from './gone.pt?mobile'\nimport b from './models/net.pt?mobile&blok=x'\n")
    const { status, out, err } = await petal(['prewarm'])
    expect([status, out.split('\n').at(-2)]).toEqual([1, '2 imports failed. petal.lock.json was not written.'])
    expect(err).toContain('in src/bad.ts:1:16')
    expect(err).toContain('in src/bad.ts:2:16')
    expect(err).toContain('Did you mean "block"?')
    expect(await lockText()).toBe(before)
    const json = JSON.parse((await petal(['prewarm', '--json'])).out) as { ok: boolean; errors: { code: string }[] }
    expect([json.ok, json.errors.map((error) => error.code).toSorted()]).toEqual([false, ['FILE_NOT_FOUND', 'UNKNOWN_DIRECTIVE']])
  })

  it('knows what the plugin is told, by options or by the environment', async () => {
    await writeFile(join(app, 'src/main.ts'), "import a from '@/models/net.pt?mobile'\nimport b from './models/net.pt?mobile=plain'\n")
    const options = ['--alias', '@=src', '--defaults', 'block=fuse_add_relu', '--preset', 'plain=block=remove_dropout']
    expect((await petal(['prewarm', ...options])).status).toBe(0)
    const byOptions = await lockText()
    expect(Object.keys((await lock()).models)).toEqual(['src/models/net.pt?block=fuse_add_relu', 'src/models/net.pt?block=remove_dropout'])
    const env = { PETAL_DEFAULTS: 'block=fuse_add_relu', PETAL_PRESETS: '{ "plain": "block=remove_dropout" }' }
    expect((await petal(['prewarm', '--alias', '@=src'], env)).status).toBe(0)
    expect(await lockText()).toBe(byOptions)
  })

  it('refuses to compile when frozen, and says what differs from the nearest record', async () => {
    const empty = await petal(['prewarm', '--frozen'])
    expect(empty.status).toBe(1)
    expect(empty.err).toContain('"./models/net.pt?mobile", imported by src/main.ts, is not in the store, and a frozen build compiles nothing.')
    expect(empty.err).toContain('is empty')
    await petal(['prewarm'])
    expect((await petal(['prewarm'], { PETAL_FROZEN: '1' })).status).toBe(0)

    await writeFile(join(app, 'src/main.ts'), "import net from './models/net.pt?mobile&block=fuse_add_relu'\n")
    const directive = await petal(['check', '--frozen'])
    expect(directive.status).toBe(1)
    expect(directive.err).toMatch(/in src\/main\.ts:1:18/)
    expect(directive.err).toContain('The nearest record in the store differs: the directive "block" changed (')
    expect(directive.err).toContain('-> fuse_add_relu).')

    await writeFile(join(app, 'src/main.ts'), "import net from './models/net.pt?mobile'\n")
    await copyFile(join(fixtures, 'net.ptl'), join(app, 'src/models/net.pt'))
    expect((await petal(['prewarm', '--frozen'])).err).toMatch(/differs: the model's bytes changed \([\da-f]{12} -> [\da-f]{12}\)\./)
  })
})

describe('petal check', () => {
  it('holds sources, models and results to the lock file', async () => {
    expect(await petal(['check'])).toMatchObject({ status: 2, out: '' })
    await petal(['prewarm'])
    expect((await petal(['check'])).out).toMatch(/2 models, as locked in petal\.lock\.json\.\n$/)
    const text = await lockText()

    await writeFile(join(app, 'src/more.ts'), "import net from './models/net.pt?mobile&block=fuse_add_relu'\n")
    const more = await petal(['check'])
    expect([more.status, more.out]).toEqual([1, expect.stringContaining('src/models/net.pt?block=fuse_add_relu is imported and not in the lock file.')])
    await rm(join(app, 'src/more.ts'))

    await copyFile(join(fixtures, 'net.ptl'), join(app, 'src/models/net.pt'))
    await writeFile(join(app, 'src/main.ts'), "import net from './models/net.pt?mobile'\n")
    const changed = await petal(['prewarm', '--locked'])
    expect(changed.status).toBe(1)
    expect(changed.out).toMatch(/src\/models\/net\.pt: the model's bytes changed/)
    expect(changed.out).toContain('src/models/net.pt?block=conv_bn_fusion is in the lock file and imported nowhere.')
    expect(await lockText()).toBe(text)
  })

  it('finds a result that is not as locked, and a lock file that is none', async () => {
    await petal(['prewarm'])
    const written = await lock()
    written.models['src/models/net.pt']!.sha256 = 'a'.repeat(64)
    await writeFile(join(app, 'petal.lock.json'), JSON.stringify(written))
    const wrong = await petal(['check'])
    expect([wrong.status, wrong.out]).toEqual([1, expect.stringContaining('src/models/net.pt: the same request gave other bytes (aaaaaaaaaaaa -> ')])
    await writeFile(join(app, 'petal.lock.json'), '<<<<<<< ours\n{}\n=======\n')
    const merge = await petal(['check'])
    expect([merge.status, merge.err]).toEqual([2, expect.stringContaining('has the marks of a merge in it')])
    expect((await petal(['prewarm'])).status).toBe(0)
    expect((await petal(['check'])).status).toBe(0)
  })
})
