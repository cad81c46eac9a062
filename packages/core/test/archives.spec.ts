import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { load } from '../src/check/engine.ts'
import type { Plain, PlainElements, PlainTensor } from '../src/check/examples.ts'
import { bytesSource, compile } from '../src/compiler/index.ts'
import { identifySource } from '../src/source/index.ts'

/** Archives of many PyTorch releases with what their eager models gave there; scripts/fixtures/archives.py makes and describes them. */
const FOLDER: string = fileURLToPath(new URL('fixtures/archives/', import.meta.url))

interface Case {
  readonly inputs: readonly Written[]
  readonly output: Written
}

type Written = null | boolean | string | { readonly int: string } | { readonly float: number } | { readonly list: Written[] }
  | { readonly tuple: Written[] } | { readonly dict: [Written, Written][] }
  | { readonly tensor: { readonly dtype: string; readonly sizes: number[]; readonly base64: string } }

const ARRAYS: Readonly<Record<string, new (bytes: ArrayBuffer) => PlainElements>> = {
  float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array, bool: Uint8Array,
}

/** Folded batch norms and fused products round differently. */
const TOLERANCE = 2e-6

/** Models with operators that the runtime does not have; the differential tests run them in PyTorch. */
const BEYOND_RUNTIME = /^(?:quantized|dynamic|outs)/

function plain(value: Written): Plain {
  if (value === null || typeof value !== 'object') return value
  if ('int' in value) return BigInt(value.int)
  if ('float' in value) return value.float
  if ('tuple' in value) return { tuple: value.tuple.map(plain) }
  if ('list' in value) return { list: value.list.map(plain) }
  if ('dict' in value) return { dict: value.dict.map(([key, item]) => [plain(key), plain(item)] as const) }
  const { dtype, sizes, base64 } = value.tensor
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'))
  return { tensor: { dtype: dtype as 'float32', sizes, elements: new ARRAYS[dtype]!(bytes.buffer) } }
}

/** Where two values differ, in words; empty when they are the same. */
function differences(actual: Plain | undefined, expected: Plain, path = 'output'): string[] {
  if (typeof expected !== 'object' || expected === null) {
    return actual === expected || near(actual, expected) ? [] : [`${path}: ${actual} for ${expected}`]
  }
  const [kind] = Object.keys(expected) as [string]
  if (typeof actual !== 'object' || actual === null || !(kind in actual)) return [`${path}: no ${kind}`]
  const [mine, theirs] = [(actual as Record<string, unknown>)[kind], (expected as Record<string, unknown>)[kind]]
  if (kind !== 'tensor') return differencesOfItems((mine as Plain[]).flat() as Plain[], (theirs as Plain[]).flat() as Plain[], path)
  const [a, b] = [mine, theirs] as [PlainTensor, PlainTensor]
  if (a.dtype !== b.dtype || String(a.sizes) !== String(b.sizes)) return [`${path}: ${a.dtype}[${a.sizes}] for ${b.dtype}[${b.sizes}]`]
  const elements: readonly (number | bigint)[] = [...b.elements]
  const at = elements.findIndex((element, i) => a.elements[i] !== element && !near(a.elements[i], element))
  return at < 0 ? [] : [`${path}[${at}]: ${a.elements[at]} for ${b.elements[at]}`]
}

function differencesOfItems(actual: readonly Plain[], expected: readonly Plain[], path: string): string[] {
  if (actual.length !== expected.length) return [`${path}: ${actual.length} for ${expected.length} items`]
  return expected.flatMap((item, i) => differences(actual[i], item, `${path}.${i}`))
}

function near(a: unknown, b: unknown): boolean {
  return typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(b))
}

const releases: string[] = readdirSync(FOLDER).toSorted()

/** The last one of the format before. */
const OLD_FORMAT = '1.2.0'

describe.each(releases.filter((release) => release !== OLD_FORMAT))('archives of PyTorch %s', (release) => {
  const { cases } = JSON.parse(readFileSync(`${FOLDER}${release}/cases.json`, 'utf8')) as { cases: Record<string, Case[]> }
  it.each(Object.keys(cases))('%s', async (name) => {
    const source = bytesSource(readFileSync(`${FOLDER}${release}/${name}.pt`))
    const artifact = await compile(source, { backend: 'cpu', format: 'ptl', block: [] })
    if (BEYOND_RUNTIME.test(name)) {
      await expect(load(artifact)).rejects.toThrow()
      return
    }
    const runner = await load(artifact)
    for (const { inputs, output } of cases[name]!) {
      expect(differences(runner.call('forward', inputs.map(plain)), plain(output))).toEqual([])
    }
  })
})

it('refuses the format before PyTorch 1.3 by name', async () => {
  const source = bytesSource(readFileSync(`${FOLDER}${OLD_FORMAT}/gelu.pt`))
  await expect(compile(source, { backend: 'cpu', format: 'ptl', block: [] })).rejects.toMatchObject({ code: 'OLD_TORCHSCRIPT' })
  await expect(identifySource(source, 'gelu.pt')).resolves.toEqual({ kind: 'old-torchscript' })
})
