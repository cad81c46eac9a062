import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Artifact, CompileOptions } from './artifact.ts'
import { bytesSource, type ByteSource } from './archive/byte-source.ts'
import { compile } from './compile.ts'
import { PetalError } from './errors.ts'
import { inspectLite } from './report/inspect.ts'

const OPTIMIZATIONS = [
  'conv_1d_to_2d', 'conv_bn_fusion', 'insert_fold_prepack_ops', 'remove_dropout', 'fuse_add_relu', 'hoist_conv_packed_params',
]

function fixture(name: string): ByteSource {
  return bytesSource(readFileSync(new URL(`../../test/fixtures/${name}.pt`, import.meta.url)))
}

function optimize(source: ByteSource, options: Partial<CompileOptions> = {}): Promise<Artifact> {
  return compile(source, { backend: 'cpu', format: 'ptl', block: [], ...options })
}

async function bytesOf({ size, stream }: Artifact): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  let at = 0
  for await (const piece of stream()) {
    bytes.set(piece, at)
    at += piece.length
  }
  expect(at).toBe(size)
  return bytes
}

async function refused(source: ByteSource): Promise<PetalError> {
  const error = await optimize(source).then(() => undefined, (thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(PetalError)
  return error as PetalError
}

describe.each(['1.6.0', '1.9.1', '1.11.0', '1.13.0', '2.15.0'])('an archive of PyTorch %s', (release) => {
  test.each(['traced', 'scripted'])('%s', async (form) => {
    const artifact = await optimize(fixture(`archives/${release}/${form}`))
    const bytes = await bytesOf(artifact)
    const { before, after } = artifact.facts.operators
    expect(after['prepacked::conv2d_clamp_run']).toBeGreaterThan(0)
    expect(after['aten::batch_norm']).toBeUndefined()
    expect(before['aten::batch_norm']).toBeGreaterThan(0)
    expect(artifact.facts.bytes.after).toBe(bytes.length)
    const inspected = await inspectLite(bytesSource(bytes))
    expect(inspected.operators.after).toEqual(after)
    expect(inspected.inputs).toEqual(artifact.facts.inputs)
    expect(await bytesOf(await optimize(fixture(`archives/${release}/${form}`)))).toEqual(bytes)
  })
})

test('what is blocked is said and not done', async () => {
  const { facts } = await optimize(fixture('archives/1.13.0/scripted'), { block: OPTIMIZATIONS })
  expect(facts.optimizations.filter(({ blocked }) => blocked).map(({ name, applied }) => [name, applied]).toSorted())
    .toEqual(OPTIMIZATIONS.map((name) => [name, 0]).toSorted())
  expect(Object.keys(facts.operators.after).filter((name) => name.startsWith('prepacked::'))).toEqual([])
  expect(facts.operators.after['aten::batch_norm']).toBeGreaterThan(0)
})

test('progress rises from 0 to 1', async () => {
  const shares: number[] = []
  await optimize(fixture('archives/1.13.0/traced'), { onProgress: ({ share }) => shares.push(share) })
  expect(shares[0]).toBe(0)
  expect(shares.at(-1)).toBe(1)
  expect(shares).toEqual(shares.toSorted((a, b) => a - b))
})

test('facts are plain and equal for equal models', async () => {
  const [first, second] = await Promise.all([0, 1].map(async () => (await optimize(fixture('archives/1.13.0/scripted'))).facts))
  expect(JSON.parse(JSON.stringify(first))).toEqual(second)
})

test.each(['classes', 'instances', 'forks', 'interfaces', 'indexed', 'escapes'])('what the lite interpreter has no notion of is taken apart: %s', async (name) => {
  const { facts } = await optimize(fixture(`frontend/${name}`))
  for (const operator of Object.keys(facts.operators.after)) expect(operator).not.toMatch(/^prim::(?:CreateObject|Enter|Exit|fork|Call)/)
})

describe('refused', () => {
  test.each(['enums'])('%s', async (name) => {
    const { message } = await refused(fixture(`frontend/${name}`))
    expect(message).toContain('lite interpreter')
  })

  test('an optimization that there is not', async () => {
    await expect(optimize(fixture('archives/1.13.0/traced'), { block: ['conv_bn'] })).rejects.toMatchObject({ code: 'UNKNOWN_OPTIMIZATION' })
  })

  test('with the line and the code around it', async () => {
    const { location, message } = await refused(fixture('frontend/enums'))
    expect(location).toMatchObject({ file: 'code/__torch__.py' })
    expect(message).toContain(`code/__torch__.py:${location!.line}:`)
    expect(location!.frame).toContain('color')
    expect(message).toContain('format=torchscript')
  })

  test('a mistake of the compiler, as such', async () => {
    const error = await refused({ size: 1000, read: () => Promise.reject(new TypeError('x is not a function')) })
    expect(error.code).toBe('INTERNAL')
    expect(error.message).toContain('x is not a function')
    expect((error.cause as Error).name).toBe('TypeError')
  })

  test('a failed read, by whoever reads', async () => {
    const failure = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    await expect(optimize({ size: 1000, read: () => Promise.reject(failure) })).rejects.toBe(failure)
  })
})
