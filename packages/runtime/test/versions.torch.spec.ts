import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { torchPythons } from '../../core/test/support/torch.ts'
import type { Tensor } from '../src/tensor.ts'
import { Tuple, type Value } from '../src/values.ts'
import { engineOf } from './support/model.ts'

interface Expected {
  readonly x: number[]
  readonly y: number[]
  readonly dims: number[]
  readonly sizes: Record<string, number[]>
}

// Only the mobile builds of old can write old versions; newer PyTorch reads them.
const [oldest] = torchPythons

describe.skipIf(oldest === undefined)('files that PyTorch itself wrote', () => {
  const folder = mkdtempSync(join(tmpdir(), 'petal-versions-'))
  let expected: Expected

  beforeAll(() => {
    execFileSync(oldest!.executable, [join(import.meta.dirname, 'versions.py'), folder])
    expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const load = async (version: number) => await engineOf(readFileSync(join(folder, `v${version}.ptl`)))

  it.each([4, 5, 6, 7, 8])('run in bytecode version %i', async (version) => {
    const engine = await load(version)
    expect(engine.bytecodeVersion).toBe(version)
    const [y, sizes] = (engine.run('forward', [engine.tensor('float32', [2, 3, 6, 7], expected.x), 2n]) as Tuple).items as [Tensor, Map<Value, Value>]
    expect(y.sizes).toEqual(expected.dims)
    const elements = [...engine.read(y)].map(Number)
    for (const [i, value] of elements.entries()) expect(value).toBeCloseTo(expected.y[i]!, 5)
    expect(Object.fromEntries([...sizes].map(([key, list]) => [key, (list as bigint[]).map(Number)]))).toEqual(expected.sizes)
  })

  it('tell the line of the source where something goes wrong', async () => {
    const engine = await load(8)
    const input = (): Tensor => engine.tensor('float32', [2, 3, 6, 7], expected.x)
    expect(() => engine.run('forward', [input(), 30n])).toThrow(/^too many parts: 124\n {2}at versions\.py:\d+: raise ValueError\("too many parts/)
    const flat = engine.tensor('float32', [126, 2], expected.x)
    expect(() => engine.run('forward', [flat, 1n])).toThrow(/\n {2}at (?:versions|conv)\.py:\d+: /)
    expect(engine.run('forward', [input(), 1n])).toBeInstanceOf(Tuple)
  })
})
