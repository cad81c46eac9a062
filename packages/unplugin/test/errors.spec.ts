import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { fixture, modelApp, readTree } from './support/app.ts'
import { KINDS } from './support/bundler.ts'

/** What a failed build printed, without the gutter that Rspack draws. */
async function failure(work: Promise<unknown>): Promise<string> {
  const text = await work.then(() => { throw new Error('the build did not fail') }, (error: Error) => error.message)
  return text.replace(/^ +(?:╰─▶ +× |│ ?)/gm, '')
}

const CORE_FIXTURES = fileURLToPath(new URL('../../core/test/fixtures', import.meta.url))

const LFS_POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 14214848\n`

describe.each(KINDS)('$name: a refusal', ({ build }) => {
  it('names the nearest directive, at the import', async () => {
    const app = await modelApp(`// an app\nimport model from './net.ptl?mobile&blok=conv_bn_fusion'\nglobalThis.result = model`)
    const text = await failure(build(app))
    expect(text).toContain('"blok" is not a directive of a "?mobile" import.\n\nDid you mean "block"?')
    // Columns count from 0 or 1, and esbuild means the quote, too.
    expect(text).toMatch(/src\/main\.js:2:(?:18|19|20)\b/)
    expect(text).toMatch(/2 [|│] {1,2}import model from '\.\/net\.ptl\?mobile&blok=conv_bn_fusion'\n +[|╵] +[~^]{36,38}\n/)
    expect(text).not.toMatch(/\n\s+at /)
  })

  it('of a file that is no model writes nothing', async () => {
    const app = await modelApp(`import model from './lfs.pt?mobile'\nglobalThis.result = model`)
    await app.write('src/lfs.pt', LFS_POINTER)
    const text = await failure(build(app))
    expect(text.split('is a Git LFS pointer')).toHaveLength(2)
    expect(text).toMatch(/git lfs pull/)
    expect(text).toMatch(/src\/main\.js:1:(?:18|19|20)\b/)
    expect(text).not.toMatch(/\n\s+at /)
    expect(Object.keys(await readTree(app.path('dist')))).toEqual([])
    expect(Object.keys(await readTree(app.path('node_modules/.cache/petal')))).toEqual([])
  })

  it.each([
    ['html.pt', /HTML/i, '<!doctype html><title>Sign in</title>'],
    ['empty.pt', /empty/, ''],
    ['half.pt', /half\.pt/, 'half of a model'],
    ['weights.safetensors', /safetensors/i, `\u0010\0\0\0\0\0\0\0{"__metadata__":{}}`],
    ['state-dict.pt', /state.dict/i, 'core:build/state-dict.pt'],
    ['checkpoint.pt', /checkpoint\.pt/, 'core:build/checkpoint.pt'],
    ['exported.pt2', /torch\.export|pt2/i, 'core:archive/exported.pt2'],
  ])('says what %s is', async (file, said, content) => {
    const app = await modelApp(`import model from './${file}?mobile'\nglobalThis.result = model`)
    const model = await readFile(fixture('net.pt'))
    if (content.startsWith('core:')) await app.write(`src/${file}`, await readFile(join(CORE_FIXTURES, content.slice(5))))
    else await app.write(`src/${file}`, file === 'half.pt' ? model.subarray(0, model.length / 2) : content)
    const text = await failure(build(app))
    expect(text).toMatch(said)
    expect(text).toMatch(/src\/main\.js:1:(18|19|20)/)
    expect(text).not.toMatch(/\n\s+at /)
    expect(await readTree(app.path('dist'))).toEqual({})
  })

  it('tells that a compiled model cannot be compiled otherwise', async () => {
    const app = await modelApp(`import model from './net.ptl?mobile&block=remove_dropout'\nglobalThis.result = model`)
    const text = await failure(build(app))
    expect(text).toContain('net.ptl is already compiled, so "block" cannot apply to it.')
    expect(text).toContain('src/main.js:1:')
  })

  it('points at the file that imports, wherever that is', async () => {
    const app = await modelApp(`import { net } from './models/index.js'\nglobalThis.result = net`)
    await app.write('src/models/index.js', `\n\nexport { default as net } from "../net.ptl?mobile&as=blob"\n`)
    const text = await failure(build(app))
    expect(text).toContain('"blob" is not a value of the directive "as".')
    expect(text).toMatch(/src\/models\/index\.js:3:3[123]/)
  })

  it('of a missing file says so', async () => {
    const app = await modelApp(`import model from './gone.pt?mobile'\nglobalThis.result = model`)
    expect(await failure(build(app))).toContain('gone.pt')
  })
})
