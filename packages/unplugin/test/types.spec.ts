import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { createApp, installRuntime } from './support/app.ts'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')

const read = (file: string): Promise<string> => readFile(join(PACKAGE, file), 'utf8')

it('types imports, in an app that has the package installed', async () => {
  const app = await createApp({
    'imports.ts': await read('test/types/imports.ts'),
    'tsconfig.json': await read('test/types/tsconfig.json'),
    'node_modules/unplugin-petal/package.json': await read('package.json'),
    'node_modules/unplugin-petal/types/client.d.ts': await read('types/client.d.ts'),
    // These are types only, so that the source serves as its own declarations.
    'node_modules/unplugin-petal/dist/handle.ts': await read('src/handle.ts'),
    'node_modules/unplugin-petal/dist/index.d.ts': `export type * from './handle.js'\n`,
  })
  await installRuntime(app)
  const { stdout } = await promisify(execFile)(process.execPath, [TSC, '-p', app.root]).catch((error: { stdout: string }) => error)
  expect(stdout).toBe('')
})
