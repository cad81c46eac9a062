import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'tsdown'
import config from '../../tsdown.config.ts'

const root = join(import.meta.dirname, '../..')

/**
 * Bundles entries of the package as its own build does, for specs that need real processes. Gives the folder of the
 * JavaScript files; the caller removes it. It is where the package's dependencies are found; they have to be built.
 */
export async function bundle(entry: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(root, 'node_modules/.petal-bundle-'))
  await build({
    cwd: root, config: false, entry: { ...entry }, outDir: folder, format: 'esm', platform: 'node', target: 'node20.19',
    dts: false, clean: false, fixedExtension: false, logLevel: 'silent', exports: false,
    ...config.copy !== undefined && { copy: config.copy },
  })
  return folder
}
