import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { MODEL_FILE } from './ids.ts'

/** The package that handles and what they load are imported from. */
export const RUNTIME = '@petaljs/runtime'

/** Imports of it. */
export const RUNTIME_IMPORT: RegExp = /^@petaljs\/runtime\//

const require = createRequire(import.meta.url)

/** Whether a module of ours imports the runtime: an app that does by itself has it installed. */
export function isOwnImport(source: string, importer: string | undefined): boolean {
  return importer !== undefined && RUNTIME_IMPORT.test(source) && MODEL_FILE.test(importer)
}

/** Where a part of the runtime is, for bundlers that find no packages: the copy of the app, else the one that came with the plugin. */
export function ownRuntime(source: string, importer?: string): string {
  if (importer !== undefined) {
    try {
      return createRequire(importer.replace(/\?.*$/s, '')).resolve(source)
    } catch {
      // The app has none.
    }
  }
  return require.resolve(source)
}

/** The folder of the runtime that came with the plugin. */
export const ownFolder = (): string => dirname(require.resolve(`${RUNTIME}/package.json`))

/** The folder of packages in which the plugin's runtime is. */
export function ownPackages(): string | undefined {
  return require.resolve.paths(RUNTIME)?.find((folder) => existsSync(join(folder, RUNTIME, 'package.json')))
}

/** The module of the runtime that starts workers; bundlers that know no workers leave its URL as it is. */
export const WORKER_CLIENT: RegExp = /[\\/]worker-client\.js$/

const WORKER_URL = /new URL\((["'])\.\/worker\.js\1, import\.meta\.url\)/

/** That module with another expression for the URL of the worker's script; undefined when it is somebody else's module. */
export function withWorkerUrl(code: string, url: () => string): string | undefined {
  return WORKER_URL.test(code) ? code.replace(WORKER_URL, url) : undefined
}
