import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type App, readTree } from './app.ts'
import type { BuildSettings, Output, TestBundler } from './bundler.ts'
import { runModule } from './module.ts'

const BUN: string = fileURLToPath(new URL('../../node_modules/.bin/bun', import.meta.url))
const PACKAGE: string = fileURLToPath(new URL('../../', import.meta.url))

let installed: Promise<string> | undefined

/** The plugin as it is where it is installed: Bun would go by the `paths` of the tsconfig that is beside the sources. */
async function install(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'petal-bun-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await cp(join(PACKAGE, 'src'), join(folder, 'src'), { recursive: true })
  await cp(join(PACKAGE, 'package.json'), join(folder, 'package.json'))
  for (const name of ['bun-driver.mjs', 'virtual.ts']) await cp(join(PACKAGE, 'test/support', name), join(folder, 'test/support', name))
  await symlink(join(PACKAGE, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'test/support/bun-driver.mjs')
}

interface Report {
  readonly log: readonly string[]
  readonly listed: readonly string[]
  readonly failed?: string
}

/** `Bun.build` is only inside of Bun. */
async function build(app: App, settings: BuildSettings = {}): Promise<Output> {
  const out = app.path('report.json')
  await promisify(execFile)(BUN, [await (installed ??= install()), JSON.stringify({ root: app.root, settings, out })], { cwd: app.root })
  const { log, listed, failed } = JSON.parse(await readFile(out, 'utf8')) as Report
  if (failed !== undefined) throw new Error([...log, failed].join('\n'))
  const dir = app.path('dist')
  return {
    dir, files: await readTree(dir), listed, log: log.join('\n'),
    run: () => runModule(dir, listed.find((name) => /^main-.*\.js$/.test(name))!),
  }
}

export const bun1: TestBundler = {
  name: 'bun 1', kind: 'module', defaultBase: './', build,
  watch: () => Promise.reject(new Error('Bun.build has no watch mode')),
}
