import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import { families } from '../src/families.ts'
import { createHandle, type ModelFacts } from '../src/handle.ts'
import { loadModel, type LoadProgress } from '../src/index.ts'
import { load } from '../src/load.ts'
import { factsOf, readFixture } from './support/page.ts'
import { startServer, whole } from './support/server.ts'

const types = readFixture('types.ptl')
const url = new URL('fixtures/types.ptl', import.meta.url)
const facts = factsOf(types) as unknown as ModelFacts

it('models come from paths, addresses, answers, files and bytes', async () => {
  const server = await startServer({})
  onTestFinished(() => server.close())
  server.routes.set('/net.ptl', whole(types))
  const address = `${server.origin}/net.ptl`
  const bytes = types.buffer.slice(types.byteOffset, types.byteOffset + types.length)
  for (const source of [url, url.href, fileURLToPath(url), address, await fetch(address), new Blob([types]), types, bytes]) {
    const model = await loadModel(source)
    expect((await model.run([2])).output.item()).toBe(4)
  }
  // Nothing was taken away from the app.
  expect([types.length, bytes.byteLength]).toEqual([bytes.byteLength, types.length])
})

it('a file that is not there, not a model, or not the one is told', async () => {
  await expect(loadModel('/nowhere/net.ptl')).rejects.toMatchObject({ code: 'DOWNLOAD', message: expect.stringContaining('/nowhere/net.ptl: ENOENT') })
  await expect(loadModel(new Uint8Array(100))).rejects.toMatchObject({ code: 'BAD_MODEL' })
  await expect(loadModel(types, { integrity: facts.integrity.replace('sha256-', 'md5-') })).rejects.toMatchObject({ code: 'WRONG_INPUT' })
  await expect(loadModel(types.subarray(1), { integrity: facts.integrity })).rejects.toMatchObject({ code: 'INTEGRITY' })
  await expect(loadModel(types, { backend: 'webgpu' as never })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  await expect(loadModel(new Response('<html>', { headers: { 'content-type': 'text/html' } }))).rejects.toMatchObject({ code: 'DOWNLOAD' })
})

it.each([100, types.length, types.length + 1000, 2 ** 40])('what a server says of the size is not taken at its word: %d bytes', async (length) => {
  const heard: number[] = []
  const answer = new Response(types, { headers: { 'content-length': String(length) } })
  const model = await loadModel(answer, { integrity: facts.integrity, onProgress: ({ fraction }) => heard.push(fraction) })
  expect((await model.run([2])).output.item()).toBe(4)
  expect(heard.at(-1)).toBe(1)
})

it('a handle loads here, too; a worker is this thread', async () => {
  const handle = createHandle(url.href, facts, async () => ({ load, families }))
  const heard: LoadProgress[] = []
  const model = await handle.load({ worker: true, onProgress: (progress) => heard.push(progress) })
  expect(await handle.load({ worker: true })).toBe(model)
  expect((await model.run([2])).output.item()).toBe(4)
  expect([heard[0]!.fraction, heard.at(-1)!.fraction]).toEqual([0, 1])
})

it('a model that needs what the runtime lacks is not downloaded', async () => {
  const runtime = { families: [], unsupported: [{ operator: 'aten::fft_rfft', count: 2, at: 'code/__torch__/net.py:12' }] }
  const handle = createHandle('/nowhere.ptl', { ...facts, runtime }, async () => ({ load, families }))
  await expect(handle.load()).rejects.toMatchObject({ code: 'UNSUPPORTED_OPERATOR', message: expect.stringContaining('aten::fft_rfft (code/__torch__/net.py:12)') })
})

it('an engine without SIMD is told before anything is downloaded', async () => {
  const validate = vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)
  onTestFinished(() => validate.mockRestore())
  await expect(loadModel('/nowhere/net.ptl')).rejects.toMatchObject({ code: 'NO_SIMD' })
})

it('what a listener throws does not end the load', async () => {
  const error = vi.spyOn(console, 'error').mockReturnValue()
  onTestFinished(() => error.mockRestore())
  const model = await loadModel(types, { onProgress: () => { throw new Error('mine') } })
  expect(model.disposed).toBe(false)
  expect(error).toHaveBeenCalled()
})
