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

/** Where a part of the runtime is that came with the plugin. */
export const ownRuntime = (source: string): string => require.resolve(source)

/** The folder of the runtime that came with the plugin. */
export const ownFolder = (): string => dirname(require.resolve(`${RUNTIME}/package.json`))

/** The folder of packages in which the plugin's runtime is. */
export function ownPackages(): string | undefined {
  return require.resolve.paths(RUNTIME)?.find((folder) => existsSync(join(folder, RUNTIME, 'package.json')))
}
