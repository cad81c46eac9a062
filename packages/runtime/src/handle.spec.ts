import { expect, it, vi } from 'vitest'
import type { ModelFacts } from './facts.ts'
import { createHandle, type RuntimeModule } from './handle.ts'

const facts = { bytes: 5, inputs: [{ name: 'x', type: 'Tensor', shape: [1, null] }] } as unknown as ModelFacts

it('is its URL, and cannot be changed, however deep', () => {
  const handle = createHandle('/net.ptl', facts, () => Promise.reject(new Error('not asked for')))
  expect(`${handle.toString()}`).toBe('/net.ptl')
  expect({ ...handle }).toEqual({ url: '/net.ptl', ...facts })
  expect(() => { (handle.inputs[0]!.shape as number[])[0] = 2 }).toThrow(TypeError)
  expect(() => { (handle as { url: string }).url = '' }).toThrow(TypeError)
})

it('asks for the runtime when it is loaded', async () => {
  const load = vi.fn(async () => 'model')
  const runtime = vi.fn(async () => ({ load, families: [] }) as unknown as RuntimeModule)
  const handle = createHandle('/net.ptl', facts, runtime)
  expect(runtime).not.toHaveBeenCalled()
  expect(await handle.load({ worker: true })).toBe('model')
  expect(load).toHaveBeenCalledWith(handle, [], { worker: true })
})

it('tells of a runtime that does not arrive as of a download', async () => {
  const handle = createHandle('/net.ptl', facts, () => Promise.reject(new TypeError('Failed to fetch')))
  await expect(handle.load()).rejects.toMatchObject({ name: 'PetalError', code: 'DOWNLOAD', cause: { message: 'Failed to fetch' } })
})
