import { describe, expect, it, onTestFinished } from 'vitest'
import { modelApp } from './support/app.ts'
import { BUNDLERS, modelsOf } from './support/bundler.ts'

describe.each(BUNDLERS)('$name: watching', ({ watch }) => {
  it('builds again when the model changes, also out of an error', async () => {
    const app = await modelApp(`import model from './net.ptl?mobile'\nglobalThis.result = model`)
    const watching = await watch(app)
    onTestFinished(() => watching.close())
    // Bundlers may build once more for a change they have built already, so a state is waited for, whatever number of builds it takes.
    const built = async (isWanted: (sha256: string) => boolean): Promise<{ files: string[]; url: string; sha256: string }> => {
      for (;;) {
        const output = await watching.next()
        // Run at once: the next build may remove this one's files.
        const result = { files: modelsOf(output), ...await output.run() }
        if (isWanted(result.sha256)) return result
      }
    }
    const failed = async (): Promise<never> => {
      for (;;) await watching.next()
    }
    const first = await built(() => true)
    await app.model('src/net.ptl', 'other.ptl')
    const second = await built((sha256) => sha256 !== first.sha256)
    expect(second.files).toContainEqual(expect.stringContaining(second.url.slice(1)))

    await app.write('src/net.ptl', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n')
    await expect(failed()).rejects.toThrow(/LFS/)

    await app.model('src/net.ptl')
    const mended = async (): Promise<{ url: string }> => built((sha256) => sha256 === first.sha256).catch(mended)
    expect(await mended()).toMatchObject({ url: first.url })
  })
})
