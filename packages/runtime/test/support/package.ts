import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** This package's folder. */
const PACKAGE: string = fileURLToPath(new URL('../..', import.meta.url))

/** A folder in which this package is installed. */
export interface Installed {
  readonly app: string
  /** Where it is: `<app>/node_modules/@petaljs/runtime/dist`. */
  readonly dist: string
  remove(): Promise<void>
}

/** Builds this package, as it is now, into a new folder, as an app finds it installed; beside other packages that are installed here. */
export async function installPackage(others: readonly string[] = []): Promise<Installed> {
  const app = await realpath(await mkdtemp(join(tmpdir(), 'petal-app-')))
  const installed = join(app, 'node_modules/@petaljs/runtime')
  const dist = join(installed, 'dist')
  await mkdir(installed, { recursive: true })
  await promisify(execFile)(process.execPath, [join(PACKAGE, 'node_modules/tsdown/dist/run.mjs'), '--out-dir', dist], { cwd: PACKAGE })
  await cp(join(PACKAGE, 'package.json'), join(installed, 'package.json'))
  for (const name of others) {
    const link = join(app, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(await realpath(join(PACKAGE, 'node_modules', name)), link)
  }
  return { app, dist, remove: () => rm(app, { recursive: true, force: true }) }
}
