import { describe, expect, it } from 'vitest'
import { modelApp, readTree } from './support/app.ts'
import { KINDS } from './support/bundler.ts'

const failure = async (work: Promise<unknown>): Promise<string> =>
  (await work.then(() => { throw new Error('the build did not fail') }, (error: Error) => error.message)).replace(/^ +(?:╰─▶ +× |│ ?)/gm, '')

describe.each(KINDS)('$name: a frozen build', ({ build }) => {
  it('is as any where all is stored, and else names the import, the importer and what differs', async () => {
    const app = await modelApp(`import model from './net.pt?mobile&as=url'\nglobalThis.result = model`)
    const made = await build(app)
    const store = await readTree(app.path('node_modules/.cache/petal/v1/content'))
    expect((await build(app, { petal: { frozen: true } })).files).toEqual(made.files)

    await app.write('src/main.js', `// block\nimport model from './net.pt?mobile&as=url&block=fuse_add_relu'\nglobalThis.result = model`)
    const text = (await failure(build(app, { petal: { frozen: true } }))).replaceAll(/\s+/g, ' ')
    expect(text).toContain('net.pt?mobile&as=url&block=fuse_add_relu"')
    expect(text).toContain('is not in the store, and a frozen build compiles nothing.')
    expect(text).toMatch(/The nearest record in the store differs: the directive "block" changed \([^)]*-> fuse_add_relu\)\./)
    expect(text).toMatch(/src\/main\.js:2:(?:18|19|20)\b/)

    await app.write('src/main.js', `import model from './net.pt?mobile&as=url'\nglobalThis.result = model`)
    await app.model('src/net.pt', 'other.pt')
    expect((await failure(build(app, { petal: { frozen: true } }))).replaceAll(/\s+/g, ' ')).toContain("the model's bytes changed (")
    expect(await readTree(app.path('node_modules/.cache/petal/v1/content'))).toEqual(store)
  })
})
