import { describe, expect, it, onTestFinished } from 'vitest'
import { modelApp } from './support/app.ts'
import { BUNDLERS, modelsOf } from './support/bundler.ts'

interface Result {
  files: string[]
  url: string
  sha256: string
}

// `Bun.build` has no watch mode.
describe.each(BUNDLERS.filter(({ name }) => !name.startsWith('bun')))('$name: watching', ({ watch }) => {
  it('builds again when the model changes, also out of an error', async () => {
    const app = await modelApp(`import model from './net.ptl?mobile'\nglobalThis.result = model`)
    const watching = await watch(app)
    onTestFinished(() => watching.close())
    // Bundlers may build once more for a change they have built already, or amid one; so a state is waited for, whatever number of builds it takes.
    const until = async <T>(wanted: (build: Promise<Result>) => Promise<T | undefined>): Promise<T> => {
      for (;;) {
        // Run at once: the next build may remove this one's files.
        const build = watching.next().then(async (output): Promise<Result> => ({ files: modelsOf(output), ...await output.run() }))
        const state = await wanted(build)
        if (state !== undefined) return state
      }
    }
    const built = (isWanted: (sha256: string) => boolean): Promise<Result> =>
      until((build) => build.then((result) => isWanted(result.sha256) ? result : undefined, () => undefined))
    const first = await built(() => true)
    await app.model('src/net.ptl', 'other.ptl')
    const second = await built((sha256) => sha256 !== first.sha256)
    expect(second.files.some((file) => second.url.endsWith(`/${file}`))).toBe(true)

    await app.write('src/net.ptl', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n')
    await until((build) => build.then(() => undefined, (error: Error) => /LFS/.test(error.message) || undefined))

    await app.model('src/net.ptl')
    const mended = await built((sha256) => sha256 === first.sha256)
    expect(mended.url).toBe(first.url)
  })
})
