import { describe, expect, it, onTestFinished } from 'vitest'
import { modelApp } from './support/app.ts'
import { BUNDLERS, modelsOf } from './support/bundler.ts'

describe.each(BUNDLERS)('$name: watching', ({ watch }) => {
  it('builds again when the model changes, also out of an error', async () => {
    const app = await modelApp(`import model from './net.ptl?mobile'\nglobalThis.result = model`)
    const watching = await watch(app)
    onTestFinished(() => watching.close())
    // Run at once: the next build may remove this one's files.
    const built = async (): Promise<{ files: string[]; url: string; sha256: string }> => {
      const output = await watching.next()
      return { files: modelsOf(output), ...await output.run() }
    }
    const first = await built()
    await app.model('src/net.ptl', 'other.ptl')
    const second = await built()
    expect(second.sha256).not.toBe(first.sha256)
    expect(second.files).toContainEqual(expect.stringContaining(second.url.slice(1)))

    await app.write('src/net.ptl', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n')
    await expect(watching.next()).rejects.toThrow(/LFS/)

    await app.model('src/net.ptl')
    expect(await built()).toMatchObject({ url: first.url, sha256: first.sha256 })
  })
})
