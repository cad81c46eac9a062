import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type App, createApp, fixture, installRuntime } from './support/app.ts'
import { vite8 } from './support/vite.ts'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const TYPES = fileURLToPath(new URL('../../runtime/test/fixtures/types.ptl', import.meta.url))
const require = createRequire(import.meta.url)

const read = (file: string): Promise<string> => readFile(join(PACKAGE, file), 'utf8')

/** An app that has the package installed. */
async function typedApp(source: string, types: readonly string[] = ['client']): Promise<App> {
  const config = JSON.parse(await read('test/types/tsconfig.json')) as { compilerOptions: object }
  const compilerOptions = { ...config.compilerOptions, types: types.map((name) => `unplugin-petal/${name}`) }
  const app = await createApp({
    'imports.ts': await read(`test/types/${source}`),
    'tsconfig.json': JSON.stringify({ ...config, compilerOptions }),
    'node_modules/unplugin-petal/package.json': await read('package.json'),
    'node_modules/unplugin-petal/types/client.d.ts': await read('types/client.d.ts'),
    'node_modules/unplugin-petal/types/attributes.d.ts': await read('types/attributes.d.ts'),
    // These are types only, so that the source serves as its own declarations.
    'node_modules/unplugin-petal/dist/handle.ts': await read('src/handle.ts'),
    'node_modules/unplugin-petal/dist/index.d.ts': `export type * from './handle.js'\n`,
  })
  await installRuntime(app)
  return app
}

describe.each(['typescript5', 'typescript6', 'typescript'])('%s', { timeout: 120_000 }, (name) => {
  const check = async (app: App): Promise<string> => {
    const tsc = join(dirname(require.resolve(`${name}/package.json`)), 'bin', 'tsc')
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', app.root]).catch((error: { stdout: string }) => error)
    return stdout
  }

  it('types imports by their patterns', async () => {
    expect(await check(await typedApp('imports.ts'))).toBe('')
  })

  it('types imports with attributes, where an app asks for it', async () => {
    expect(await check(await typedApp('attributes.ts', ['client', 'attributes']))).toBe('')
    expect(await check(await typedApp('attributes.ts'))).toContain('imports.ts(3,20): error TS2307')
  })

  it('types imports by the declaration file that a build writes', async () => {
    const app = await typedApp('generated.ts')
    await app.write('models/net.pt', await readFile(fixture('net.pt')))
    await app.write('second/same.ptl', await readFile(fixture('net.ptl')))
    for (const file of ['models/types.ptl', 'first/same.ptl']) await app.write(file, await readFile(TYPES))
    const specifiers = [...(await read('test/types/generated.ts')).matchAll(/^import .* from '(.+\?.+)'$/gm)].map(([, specifier]) => specifier!)
    const relative = specifiers.filter((specifier) => specifier.startsWith('.'))
    await app.write('src/main.js', `${relative.map((specifier, i) => `import m${i} from '.${specifier}'`).join('\n')}
      globalThis.result = [${relative.map((_, i) => `m${i}`).join(', ')}]`)
    await vite8.build(app, { petal: { dts: 'types/models.d.ts' } })
    expect(await check(app)).toBe('')
  })
})
