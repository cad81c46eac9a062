import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Artifact, CompileOptions } from './artifact.ts'
import { bytesSource, type ByteSource } from './archive/byte-source.ts'
import { openArchive } from './archive/zip-reader.ts'
import { compile } from './compile.ts'
import { PetalError } from './errors.ts'
import { loadModule } from './script/load.ts'

function fixture(name: string): ByteSource {
  return bytesSource(readFileSync(new URL(`../../test/fixtures/switches/${name}.pt`, import.meta.url)))
}

async function compiled(name: string, options: Partial<CompileOptions> = {}): Promise<Artifact> {
  return await compile(fixture(name), { backend: 'cpu', format: 'ptl', block: [], ...options })
}

async function refused(name: string, options: Partial<CompileOptions>): Promise<PetalError> {
  const error: unknown = await compiled(name, options).then(() => undefined, (thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(PetalError)
  return error as PetalError
}

async function bytesOf({ stream }: Artifact): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const piece of stream()) parts.push(piece.slice())
  return Buffer.concat(parts)
}

describe('preserved methods', () => {
  it('are in the file behind forward, with what they take and give', async () => {
    const { facts } = await compiled('coder', { preserve: ['decode', 'encode'] })
    expect(facts.methods).toEqual({
      decode: { inputs: [{ name: 'x', type: 'Tensor' }], outputs: [{ name: '', type: 'Tensor' }] },
      encode: { inputs: [{ name: 'x', type: 'Tensor' }], outputs: [{ name: '', type: 'Tensor' }] },
    })
    // Each way through the layers is optimized by itself.
    expect(facts.operators.after).toMatchObject({ 'prepacked::conv2d_clamp_run': 2, 'prepacked::conv2d_transpose_clamp_run': 2 })
    expect(Object.keys(facts.operators.after)).not.toContain('aten::batch_norm')
  })

  it('of a module within are methods of the model, which is told', async () => {
    const { facts, warnings } = await compiled('coder', { preserve: ['encoder.step'] })
    expect(facts.methods).toEqual({
      encoder_step: { inputs: [{ name: 'x', type: 'Tensor' }, { name: 'times', type: 'int', default: '2' }], outputs: [{ name: '', type: 'Tensor' }] },
    })
    expect(warnings).toEqual([expect.stringContaining('encoder.step is called encoder_step')])
  })

  it('of a module within stay there in a TorchScript archive', async () => {
    const { facts, warnings, stream } = await compiled('coder', { format: 'torchscript', preserve: ['encoder.step'] })
    expect(Object.keys(facts.methods!)).toEqual(['encoder.step'])
    expect(warnings).toEqual([])
    const parts: Uint8Array[] = []
    for await (const piece of stream()) parts.push(piece.slice())
    const { root } = await loadModule(await openArchive(bytesSource(Buffer.concat(parts))))
    const encoder = root.slots.get('encoder')
    expect(encoder?.tag === 'Object' && [...encoder.type.methods.keys()]).toEqual(['step'])
  })

  it('keep from settling what one of them decides', async () => {
    const alone = await compiled('counter')
    const together = await compiled('counter', { preserve: ['enable'] })
    const flag = await compiled('counter', { preserve: ['enabled'] })
    expect(alone.facts.operators.after['prim::If']).toBeUndefined()
    expect(together.facts.operators.after['prim::If']).toBe(1)
    expect(flag.facts.operators.after['prim::If']).toBe(1)
  })

  it.each([
    ['encod', 'The model (__torch__.switches.Coder) has no method or attribute encod, which "preserve" asks for by encod.', 'Did you mean "encode"? There is '],
    ['encoder.wieght', "The model's module encoder (__torch__.switches.Encoder) has no method or attribute wieght", 'Did you mean "encoder.weight"? '],
    ['encodr.weight', 'has no module encodr, which "preserve" asks for by encodr.weight', 'Did you mean "encoder"? There is encoder, decoder.'],
    ['scale.x', 'has no module scale', 'There is encoder, decoder.'],
    ['encoder.bn.nothing', "The model's module encoder.bn (", 'There is encoder.bn.forward, '],
  ])('are refused where there is no %s', async (path, what, fix) => {
    const error = await refused('coder', { preserve: [path] })
    expect(error.code).toBe('UNKNOWN_MEMBER')
    expect(error.what).toContain(what)
    expect(error.fix).toContain(fix)
  })
})

describe('bundled inputs', () => {
  const MEMBERS = ['get_all_bundled_inputs', 'get_num_bundled_inputs', 'get_bundled_inputs_functions_and_info', 'get_all_bundled_inputs_for_forward']

  it('of a model are kept, as PyTorch does', async () => {
    const { facts } = await compiled('bundled')
    expect(Object.keys(facts.methods!)).toEqual(MEMBERS)
    expect(facts.lints!.map(({ code }) => code)).toEqual([])
  })

  it('are added once', async () => {
    expect((await refused('bundled', { bundle: [[{ kind: 'tensor', dtype: 'float32', shape: [1, 3, 9, 9] }]] })).what).toContain('has bundled inputs already')
  })

  it('are the same bytes each time', async () => {
    const options: Partial<CompileOptions> = { bundle: [[{ kind: 'tensor', dtype: 'float32', shape: [1, 3, 9, 9] }]] }
    const [first, second] = [await compiled('coder', options), await compiled('coder', options)]
    expect(Object.keys(first.facts.methods!).toSorted()).toEqual([...MEMBERS, '_generate_bundled_inputs_for_forward'].toSorted())
    expect((await bytesOf(first)).equals(await bytesOf(second))).toBe(true)
  })

  it.each<[string, NonNullable<CompileOptions['bundle']>[number], string]>([
    ['too many', [{ kind: 'int', value: 1 }, { kind: 'int', value: 1 }], '"forward" takes 1 input, and "bundle" gives 2.'],
    ['of another kind', [{ kind: 'int', value: 1 }], '"forward" takes Tensor for \'x\', and "bundle" gives an int.'],
    ['too large', [{ kind: 'tensor', dtype: 'float32', shape: [2 ** 14, 2 ** 14] }], "The input for 'x' has 268435456 elements"],
    ['too few', [], '"bundle" has no input for \'x\' of "forward", which takes Tensor there.'],
  ])('that are %s are refused', async (_, call, what) => {
    const error = await refused('coder', { bundle: [call] })
    expect(error.code).toBe('BAD_BUNDLE')
    expect(error.what).toContain(what)
  })
})

describe('lints', () => {
  it('are told in the order of their codes, with places', async () => {
    const { facts: { lints } } = await compiled('dropped')
    expect(lints!.map(({ code, count }) => [code, count])).toEqual([['BUNDLED_INPUT', 1], ['DROPOUT', 1], ['BATCHNORM', 1], ['TRAINING_MODE', 1]])
    expect(lints![1]!.message).toMatch(/^aten::dropout \(once, at code\/__torch__\/torch\/nn\/functional\.py:\d+\) is left in the file\.$/)
  })

  it('are errors where a build wants that', async () => {
    expect((await refused('dropped', { lint: 'error' })).what).toContain('4 lints that are errors: BUNDLED_INPUT: ')
    const error = await refused('dropped', { lint: ['DROPOUT', 'FLOAT16_WEIGHTS'] })
    expect(error.code).toBe('LINT')
    expect(error.what).toMatch(/^The model has a lint that is an error: DROPOUT: aten::dropout/)
    expect(error.location?.frame).toContain('torch.dropout(')
    await expect(compiled('dropped', { lint: ['FLOAT16_WEIGHTS'] })).resolves.toBeDefined()
    await expect(compiled('dropped', { lint: 'warn' })).resolves.toBeDefined()
  })
})
