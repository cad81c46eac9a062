import { describe, expect, it } from 'vitest'
import { installRuntime, modelApp } from './support/app.ts'
import { BUNDLERS, modelsOf } from './support/bundler.ts'

describe.each(BUNDLERS)('$name: a model for native shells', ({ build }) => {
  it('is an asset that ends as its format does, with facts', async () => {
    const app = await modelApp(`
      import web from './net.pt?mobile'
      import full from './net.pt?format=torchscript&mobile'
      import flat from './net.pt?format=flatbuffer&mobile'
      import gpu from './net.pt?backend=vulkan&mobile'
      globalThis.result = { web, full, flat, gpu }`)
    const output = await build(app)
    const models = await output.run()
    expect(modelsOf(output).map((name) => name.replace(/^.*\.(?=\w+$)/, '')).toSorted()).toEqual(['pt', 'ptl', 'ptl', 'ptl'])
    for (const model of Object.values<any>(models)) expect(Object.keys(output.files).filter((name) => model.url.endsWith(`/${name}`))).toHaveLength(1)
    expect([models.full, models.flat, models.gpu, models.web].map(({ format, backend, bytecodeVersion }) => [format, backend, bytecodeVersion])).toEqual([
      ['torchscript', 'cpu', undefined], ['flatbuffer', 'cpu', 9], ['ptl', 'vulkan', 8], ['ptl', 'cpu', 8],
    ])
    expect(output.log).not.toContain('lacks')
  })
})

// webpack's chunks load in a page only.
describe.each(BUNDLERS.filter(({ name }) => name.startsWith('vite')))('$name: loading a model for native shells', ({ build }) => {
  it.each([
    ['format=torchscript', 'needs a reader of TorchScript archives, which Petal\'s runtime lacks'],
    ['backend=vulkan', 'needs vulkan_prepack::run_conv2d_context'],
  ])('with %s says on the web what runs it', async (query, message) => {
    const app = await modelApp(`
      import model from './net.pt?${query}&mobile'
      globalThis.result = model.load().then(() => 'loaded', (error) => error.message)`)
    await installRuntime(app)
    const output = await build(app)
    expect(await output.run()).toContain(message)
  })
})
