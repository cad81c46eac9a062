import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bytesSource } from '../compiler/archive/byte-source.ts'
import { recipeOf } from '../compiler/bundle/recipe.ts'
import { compile } from '../compiler/compile.ts'
import { readElement } from '../compiler/ir/literal.ts'
import { build, type BuildResult, createStore, parseImport, type PetalError, type Store } from '../index.ts'
import { load } from './engine.ts'

const fixtures = join(import.meta.dirname, '../../test/fixtures/check')

let folder: string
let store: Store
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'petal-check-'))
  store = createStore({ dir: join(folder, 'cache') })
})
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

async function make(name: string, query = ''): Promise<BuildResult> {
  const file = join(folder, name)
  await copyFile(join(fixtures, name), file)
  return await build({ ...parseImport(`x?mobile&${query}`)!.request, file }, { store })
}

async function refusal(name: string, query = ''): Promise<PetalError> {
  return await make(name, query).then(() => { throw new Error('was accepted') }, (error: PetalError) => error)
}

describe('a model with example inputs', () => {
  it('is run before and after it is optimized, with several numbers and batches', async () => {
    const { facts } = await make('net.pt', 'input=1x3x8x8')
    expect(facts.check).toEqual({ inputs: ['1x3x8x8', '2x3x8x8'], worst: expect.any(Number), tolerance: 1e-4 })
    const { worst } = facts.check as { worst: number }
    expect(worst).toBeGreaterThan(0)
    expect(worst).toBeLessThan(1e-5)
    expect(facts.signature).toEqual({
      inputs: [{ name: 'image', type: 'Tensor', dtype: 'float32', shape: [null, 3, 8, 8] }],
      outputs: [{ name: '', type: 'Tensor', dtype: 'float32', shape: [null, 5] }],
    })
    expect([facts.inputs, facts.outputs]).toEqual([facts.signature.inputs, facts.signature.outputs])
  })

  it('is run on further ones, and once', async () => {
    const first = await make('net.pt', 'input=1x3x8x8&check=1x3x5x9')
    expect(first.facts.check).toMatchObject({ inputs: ['1x3x8x8', '1x3x5x9', '2x3x8x8'] })
    expect(first.facts.inputs[0]!.shape).toEqual([null, 3, null, null])
    const second = await make('net.pt', 'input=1x3x8x8&check=1x3x5x9')
    expect(second).toEqual({ ...first, fromCache: true })
    const other = await make('net.pt', 'input=1x3x8x8&tolerance=1e-3')
    expect(other).toMatchObject({ fromCache: false, sha256: first.sha256, facts: { check: { tolerance: 1e-3 } } })
  })

  it('brings them with it', async () => {
    const { facts } = await make('bundled.pt')
    expect(facts.check).toMatchObject({ inputs: ['bundled 0', 'bundled 1'], tolerance: 1e-4 })
    expect(facts.inputs[0]).toMatchObject({ dtype: 'float32', shape: [null, 3, null, null] })
  })

  it('gets them bundled, and is run on them', async () => {
    const { facts, file } = await make('net.pt', 'bundle=1x3x8x8,2x3x5x9')
    expect(facts.check).toMatchObject({ inputs: ['1x3x8x8', '2x3x5x9', '2x3x8x8'] })
    const bytes = await readFile(file)
    const runner = await load({ size: bytes.length, async *stream() { yield bytes } })
    const sets = runner.call('get_all_bundled_inputs', []) as unknown as { list: { tuple: { tensor: { sizes: number[]; elements: Float32Array } }[] }[] }
    expect(sets.list.map(({ tuple }) => tuple.map(({ tensor }) => tensor.sizes))).toEqual([[[1, 3, 8, 8]], [[2, 3, 5, 9]]])
    const elements = [...sets.list[0]!.tuple[0]!.tensor.elements]
    const { stored } = recipeOf({ kind: 'tensor', dtype: 'float32', shape: [16] }, 0)
    expect(elements.slice(0, 16)).toEqual(Array.from({ length: 16 }, (_, i) => readElement(stored, i)))
    expect(elements.every((element) => element >= 0 && element < 1)).toBe(true)
    expect(elements.reduce((sum, element) => sum + element, 0) / elements.length).toBeCloseTo(0.5, 1)
    expect(runner.call('get_num_bundled_inputs', [])).toBe(2n)
  })

  it('keeps its state apart from call to call', async () => {
    const { facts } = await make('counter.pt', 'input=2x4')
    expect(facts.check).toMatchObject({ inputs: ['2x4', '3x4'] })
    expect(facts.outputs).toMatchObject([{ dtype: 'float32', shape: [4] }, { type: 'int' }])
  })
})

describe('a model that was not tried', () => {
  it.each([
    ['net.pt', '', 'there are no example inputs'],
    ['net.pt', 'input=1x3x8x8&check=none', 'the import says "check=none"'],
    ['net.pt', 'input=bfloat16[1x3x8x8]', 'inputs of bfloat16 are not tried'],
    ['spectrum.pt', 'input=2x8', 'Petal\'s runtime lacks aten::fft_rfft'],
    ['spectrum.ptl', '', 'it was compiled before'],
  ])('%s with "%s": %s', async (name, query, why) => {
    const { facts } = await make(name, query)
    expect(facts.check).toEqual({ skipped: expect.stringContaining(why) })
    expect(facts.inputs[0]).not.toHaveProperty('shape')
  })

  it('is not refused for what it draws at random', async () => {
    expect((await make('noise.pt', 'input=2x8')).facts.check).toMatchObject({ worst: 0 })
    expect((await make('waste.pt', 'input=2x8')).facts.check).toEqual({ skipped: 'it gives something else each time' })
  })
})

it('ends a model that does not end by itself', async () => {
  const source = bytesSource(await readFile(join(fixtures, 'forever.pt')))
  const artifact = await compile(source, { backend: 'cpu', format: 'ptl', block: [], optimize: false })
  const runner = await load(artifact, undefined, 0.2)
  expect(() => runner.call('forward', [{ tensor: { dtype: 'float32', sizes: [1], elements: new Float32Array(1) } }])).toThrow('longer than 0.2 seconds')
})

describe('lints', () => {
  const folderOf = join(import.meta.dirname, '../../test/fixtures/switches')
  const dropped = async (query: string): Promise<BuildResult> => {
    const file = join(folder, 'dropped.pt')
    await copyFile(join(folderOf, 'dropped.pt'), file)
    return await build({ ...parseImport(`x?mobile&${query}`)!.request, file }, { store })
  }
  const coded = async (query: string): Promise<(string | undefined)[]> => (await dropped(query)).warnings.map(({ code }) => code)

  it('are warnings with codes, also of a model that is stored', async () => {
    expect(await coded('check=none')).toEqual(['DROPOUT', 'BATCHNORM', 'TRAINING_MODE'])
    expect(await coded('check=none')).toEqual(['DROPOUT', 'BATCHNORM', 'TRAINING_MODE'])
    expect(await coded('check=none&lint=warn')).toEqual(['BUNDLED_INPUT', 'DROPOUT', 'BATCHNORM', 'TRAINING_MODE'])
    expect(await coded('check=none&lint=off')).toEqual([])
  })

  it('are errors where an import wants that, and not of what the model is compared with', async () => {
    await expect(dropped('lint=error')).rejects.toMatchObject({ code: 'LINT' })
    await expect(dropped('lint=dropout')).rejects.toMatchObject({ code: 'LINT' })
    expect((await make('net.pt', 'input=1x3x8x8&lint=batchnorm,dropout')).facts.check).toMatchObject({ inputs: ['1x3x8x8', '2x3x8x8'] })
  })
})

describe('what is refused', () => {
  it('is a model that gives something else once it is optimized, with the layer and the optimization', async () => {
    const error = await refusal('net.pt', 'input=1x3x8x8&tolerance=1e-9')
    expect(error).toMatchObject({ code: 'WRONG_OUTPUT', location: { file: expect.stringMatching(/^code\/.*conv\.py$/), line: expect.any(Number), frame: expect.stringContaining('torch.conv2d(') } })
    expect(error.what).toMatch(/^Optimizing net\.pt changed what it gives by .*e-[78] of its largest number, where 1e-9 is allowed, on inputs 1x3x8x8\.$/)
    expect(error.likelyCause).toMatch(/It begins at the module blocks\.0\.conv \(aten::conv2d\), code\/.*conv\.py:\d+\. The optimization "conv_bn_fusion" makes it\./)
    expect(error.fix).toContain('block=conv_bn_fusion')
    expect(await make('net.pt', 'input=1x3x8x8&tolerance=1e-9&block=conv_bn_fusion')).toMatchObject({ facts: { check: { worst: expect.any(Number) } } })
  })

  it('are inputs that the model does not take', async () => {
    expect(await refusal('net.pt', 'input=1x4x8x8')).toMatchObject({ code: 'BAD_INPUT', what: expect.stringContaining('net.pt does not take the inputs 1x4x8x8') })
    expect(await refusal('net.pt', 'input=1x3x8x8;1x3x8x8')).toMatchObject({ code: 'BAD_INPUT', what: expect.stringContaining('takes 1 inputs and not 2') })
    expect(await refusal('spectrum.ptl', 'input=2x8')).toMatchObject({ code: 'ALREADY_COMPILED', what: expect.stringContaining('"input"') })
  })

  it('is a model for the web that needs more than the runtime has', async () => {
    const error = await refusal('spectrum.pt', 'requires=web')
    expect(error).toMatchObject({ code: 'NOT_ON_WEB', location: { file: 'code/__torch__.py', line: expect.any(Number) } })
    expect(error.what).toContain('aten::fft_rfft (once, at code/__torch__.py:')
    expect(await refusal('spectrum.ptl', 'requires=web')).toMatchObject({ code: 'NOT_ON_WEB', what: expect.stringContaining('aten::fft_rfft (once)') })
    const { warnings } = await make('spectrum.pt')
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining('lacks aten::fft_rfft (once, at code/__torch__.py:')])
    expect((await make('net.pt', 'requires=web')).warnings).toEqual([])
  })
})
