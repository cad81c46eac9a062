import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const FIXTURES: string = fileURLToPath(new URL('../fixtures/', import.meta.url))

/** A model of the fixtures: `net.pt` and `other.pt` are two models of one architecture, `.ptl` what PyTorch compiles them to. */
export const fixture = (name: string): string => join(FIXTURES, name)

/** A small app in a temporary folder, removed when the test is over. */
export interface App {
  readonly root: string
  path(name: string): string
  write(name: string, content: string | Uint8Array): Promise<void>
  read(name: string): Promise<Buffer>
  /** Puts a fixture into the app. */
  model(name: string, from?: string): Promise<void>
}

/**
 * `files` are the app's sources. What an entry assigns to `globalThis.result` is what building and running it gives.
 * `inside` makes a deeper path, to see that paths do not matter.
 */
export async function createApp(files: Record<string, string>, inside = ''): Promise<App> {
  const folder = await mkdtemp(join(tmpdir(), 'petal-app-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const root = join(folder, inside)
  const path = (name: string): string => join(root, name)
  const app: App = {
    root,
    path,
    async write(name, content) {
      await mkdir(dirname(path(name)), { recursive: true })
      await writeFile(path(name), content)
    },
    read: (name) => readFile(path(name)),
    async model(name, from = name.replace(/^.*\//, '')) {
      await mkdir(dirname(path(name)), { recursive: true })
      // At once, as what watches would see half a copy.
      await copyFile(fixture(from), `${path(name)}.part`)
      await rename(`${path(name)}.part`, path(name))
    },
  }
  await app.write('package.json', '{ "name": "app", "private": true, "type": "module" }')
  for (const [name, content] of Object.entries(files)) await app.write(name, content)
  return app
}

/** An app with one entry, `src/main.js`, and both models in both formats beside it. */
export async function modelApp(main: string, inside?: string): Promise<App> {
  const app = await createApp({ 'src/main.js': main }, inside)
  for (const name of ['net.pt', 'net.ptl', 'other.pt', 'other.ptl']) await app.model(`src/${name}`)
  return app
}

const RUNTIME: string = fileURLToPath(new URL('../../../runtime/', import.meta.url))

/** Installs the runtime, as it was built, into an app. Where it is not, it comes from beside the plugin. */
export async function installRuntime(app: App): Promise<void> {
  const folder = app.path('node_modules/@petaljs/runtime')
  await mkdir(folder, { recursive: true })
  await copyFile(join(RUNTIME, 'package.json'), join(folder, 'package.json'))
  await cp(join(RUNTIME, 'dist'), join(folder, 'dist'), { recursive: true })
}

/** Path -> content of all files of a folder, sorted; empty when there is none. */
export async function readTree(folder: string): Promise<Record<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).toSorted()
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file.slice(folder.length + 1), await readFile(file)])))
}
