import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadModel } from '../src/index.ts'

const MODELS = ['mobilenet_v2', 'mobilenet_v3_small', 'resnet18', 'squeezenet1_1', 'efficientnet_b0', 'densenet121']
const PYTHON = process.env['PETAL_PYTHON'] || '/usr/bin/python3'
const here = import.meta.dirname
const folder = mkdtempSync(join(tmpdir(), 'petal-memory-'))

interface Graph {
  readonly name: string
  readonly file: string
  /** Bytes of the largest tensors that are alive at the same time. */
  readonly activations: number
}

let graphs: readonly Graph[]

beforeAll(() => {
  const args = ['-B', join(here, 'zoo/activations.py'), '--petal', join(here, '../../core/dist/cli.js'), '--folder', folder, ...MODELS]
  const { status, stdout, stderr } = spawnSync(PYTHON, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`activations.py: ${stderr}`)
  graphs = stdout.trim().split('\n').map((line) => JSON.parse(line) as Graph)
})
afterAll(() => rmSync(folder, { recursive: true }))

function image(side: number): { data: Float32Array; dims: number[] } {
  return { data: Float32Array.from({ length: 3 * side * side }, (_, i) => (i % 251) / 251), dims: [1, 3, side, side] }
}

describe('memory', () => {
  it.each(MODELS)('%s needs little more than its largest activations', async (name) => {
    const { file, activations } = graphs.find((graph) => graph.name === name)!
    using model = await loadModel(readFileSync(file))
    const { output } = await model.run(image(224))
    expect(output.dims).toEqual([1, 1000])
    await model.run(image(224))
    // Nothing can run in less than this; so it also shows that the peak counts what it should.
    expect(model.memory.peak).toBeGreaterThanOrEqual(activations)
    expect(model.memory.peak / activations).toBeLessThanOrEqual(1.3)
  })

  it('stays flat over 1,000 runs', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used = (): number => {
      collect()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    using model = await loadModel(readFileSync(graphs.find(({ name }) => name === 'mobilenet_v3_small')!.file))
    const input = image(64)
    const run = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) await model.run(input)
    }
    await run(50)
    const before = { ...model.memory }
    // What else is in the process grows now and then, a leak in every round.
    const growth: number[] = []
    for (let round = 0, last = used(); round < 4; round++) {
      await run(250)
      growth.push(used() - last)
      last += growth.at(-1)!
    }
    expect(model.memory).toEqual(before)
    expect(Math.min(...growth)).toBeLessThan(64 * 1024)
  })
})
