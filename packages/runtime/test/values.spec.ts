import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadModel, type Model, type RunResult, TensorValue } from '../src/index.ts'

const fixture = (name: string): URL => new URL(`fixtures/${name}`, import.meta.url)
const types = (): Promise<Model> => loadModel(fixture('types.ptl'))
const vector = (...data: number[]) => ({ data: Float32Array.from(data), dims: [data.length] })

describe('inputs and outputs', () => {
  it('are tensors with dims, by position, with the defaults of the model', async () => {
    const model = await types()
    const { output } = await model.run({ data: new Float32Array([1, 2, 3, 4]), dims: [2, 2] })
    expect(output).toBeInstanceOf(TensorValue)
    expect(output).toEqual(new TensorValue(Float32Array.from([2, 4, 6, 8]), [2, 2], 'float32'))
    expect(output.toArray()).toEqual([[2, 4], [6, 8]])
  })

  it('go by name as well, in any order, and may be left out', async () => {
    const model = await types()
    const { output } = await model.run({ shift: [10, 20], x: [1, 2] })
    expect([...output.data]).toEqual([12, 24])
    expect([...(await model.run([1, 2], 3)).output.data]).toEqual([3, 6])
    expect([...(await model.run({ x: [1, 2], scale: 3n })).output.data]).toEqual([3, 6])
  })

  it('are named and typed', async () => {
    const model = await types()
    expect(model.inputs).toEqual([
      { name: 'x', type: 'Tensor' }, { name: 'scale', type: 'float', default: '2.' }, { name: 'shift', type: 'Optional[Tensor]', default: 'None' },
    ])
    expect(model.outputs).toEqual([{ name: 'output', type: 'Tensor' }])
    expect(Object.keys(model.methods).toSorted()).toEqual(['count', 'forward', 'integers', 'point', 'same', 'table', 'two'])
    expect(model.methods['point']!.outputs).toEqual([{ name: 'x', type: 'Tensor' }, { name: 'count', type: 'int' }])
    expect(model.methods['two']!.outputs).toEqual([{ name: 'output0', type: 'Tensor' }, { name: 'output1', type: 'List[str]' }])
  })

  it('may be named tuples, dicts, lists, strings, ints and bools', async () => {
    const model = await types()
    const point = await model.call('point', [{ x: [1, 2], count: 4 }])
    expect([...(point['x'] as TensorValue).data]).toEqual([2, 3])
    expect(point['count']).toBe(5)
    const { output0, output1 } = await model.call<{ output0: TensorValue; output1: string[] }>('two', { x: [1], names: ['a', 'ü'] })
    expect([...output0.data]).toEqual([-1])
    expect(output1).toEqual(['a', 'ü'])
    expect(await model.call('table', [{ one: 1 }])).toEqual({ output: { one: 1, added: 7 } })
    expect(await model.call('table', [new Map([['__proto__', 1]])])).toEqual({ output: JSON.parse('{ "__proto__": 1, "added": 7 }') })
    expect(await model.call('integers', [21, true])).toEqual({ output: 42 })
    // More than a number can hold.
    expect(await model.call('integers', [2n ** 61n + 1n, true])).toEqual({ output: 2n ** 62n + 2n })
  })

  it.each([
    ['float32', new Float32Array([1.5, -2])], ['float64', new Float64Array([1e300, 0.1])], ['int64', new BigInt64Array([-1n, 2n ** 60n])],
    ['int32', new Int32Array([-5, 6])], ['int16', new Int16Array([-5, 6])], ['int8', new Int8Array([-5, 6])], ['uint8', new Uint8Array([0, 255])],
  ] as const)('keep the type of their array: %s', async (dtype, data) => {
    const { output } = await (await types()).call('same', [{ data, dims: [1, 2, 1] }])
    expect(output).toEqual(new TensorValue(data, [1, 2, 1], dtype))
  })

  it('take the type that is said, and convert', async () => {
    const model = await types()
    const same = async (input: object): Promise<TensorValue> => (await model.call('same', [input as never])).output
    expect(await same({ data: [1, 0, 2], dims: [3], dtype: 'bool' })).toEqual(new TensorValue(Uint8Array.from([1, 0, 1]), [3], 'bool'))
    expect((await same({ data: [1, 0], dims: [2], dtype: 'bool' })).toArray()).toEqual([true, false])
    expect(await same({ data: new Int32Array([1, 2]), dims: [2], dtype: 'int64' })).toEqual(new TensorValue(BigInt64Array.from([1n, 2n]), [2], 'int64'))
    expect(await same({ data: [0.1, 65504, -Infinity], dims: [3], dtype: 'float16' }))
      .toEqual(new TensorValue(Float32Array.from([0.0999755859375, 65504, -Infinity]), [3], 'float16'))
    expect(await same({ data: new Uint16Array([0x3c00]), dims: [1], dtype: 'float16' })).toEqual(new TensorValue(Float32Array.from([1]), [1], 'float16'))
    expect(await same([[1n], [2n]])).toEqual(new TensorValue(BigInt64Array.from([1n, 2n]), [2, 1], 'int64'))
    expect(await same([true])).toEqual(new TensorValue(Uint8Array.from([1]), [1], 'bool'))
    expect(await same([[]])).toEqual(new TensorValue(new Float32Array(0), [1, 0], 'float32'))
    // What a model gave can be given back.
    expect(await same(await same([[1, 2]]))).toEqual(new TensorValue(Float32Array.from([1, 2]), [1, 2], 'float32'))
  })

  it('keep their elements to themselves', async () => {
    const model = await types()
    const data = new Float32Array([1, 2])
    const first = await model.run({ data, dims: [2] })
    const second = await model.run({ data: [5, 5], dims: [2] })
    expect([...first.output.data, ...second.output.data, ...data]).toEqual([2, 4, 10, 10, 1, 2])
  })

  it.each([
    ['a missing one', [], 'forward: the input "x", Tensor, is missing. It takes x: Tensor, scale: float, shift: Optional[Tensor].'],
    ['too many', [1, 2, 3, 4], 'forward takes x: Tensor, scale: float, shift: Optional[Tensor], got 4 inputs.'],
    ['one of another type', ['cat.png'], 'forward: input "x": expected Tensor, got the string "cat.png".'],
    ['an unknown name', [{ y: [1] }], 'forward has no input "y"; it takes x: Tensor'],
    ['dims that do not fit', [{ data: [1, 2, 3], dims: [2, 2] }], 'forward: input "x": expected 4 elements for the dims [2, 2], got 3.'],
    ['ragged arrays', [[[1], [2, 3]]], 'forward: input "x": expected nested arrays of one shape, got [1] beside [2].'],
    ['an unknown dtype', [{ data: [1], dims: [1], dtype: 'float' }], 'forward: input "x": expected a dtype out of uint8, int8'],
    ['fractions as int64', [{ data: [0.5], dims: [1], dtype: 'int64' }], 'forward: input "x": expected int64 elements'],
    ['an array without a type', [new Uint16Array(2)], 'forward: input "x": expected a dtype for a Uint16Array'],
    ['a picture nobody described', [{ data: new Uint8ClampedArray(4), width: 1, height: 1 }], 'forward: input "x" is a picture, and nothing says how the model wants it.'],
  ])('refuse %s, by name', async (_, inputs, message) => {
    const model = await types()
    await expect(model.run(...inputs as never[])).rejects.toMatchObject({ code: 'WRONG_INPUT', message: expect.stringContaining(message) })
    // The model goes on.
    expect((await model.run(vector(1))).output.item()).toBe(2)
  })

  it('name the place inside of lists and dicts', async () => {
    const model = await types()
    await expect(model.call('two', [[1], ['a', 5 as never]])).rejects.toThrow('two: input "names"[1]: expected str, got the number 5.')
    await expect(model.call('table', [{ a: 0.5 }])).rejects.toThrow('table: input "d"[a]: expected int, got the number 0.5.')
    await expect(model.call('integers', [2n ** 63n, true])).rejects.toThrow('expected int')
    await expect(model.call('nothing', [])).rejects.toThrow('The model has no method "nothing"; it has ')
  })
})

describe('a model', () => {
  it('keeps its state until it is reset', async () => {
    const model = await types()
    const count = async (): Promise<unknown[]> => {
      const { output0, output1 } = await model.call<{ output0: TensorValue; output1: number }>('count', [[1, 2]])
      return [...output0.data, output1]
    }
    expect(await count()).toEqual([3, 1])
    expect(await count()).toEqual([6, 2])
    await model.reset()
    expect(await count()).toEqual([3, 1])
  })

  it('carries out calls one after the other', async () => {
    const model = await types()
    const results = await Promise.all(Array.from({ length: 5 }, () => model.call<RunResult & { output1: number }>('count', [[1]])))
    expect(results.map(({ output1 }) => output1)).toEqual([1, 2, 3, 4, 5])
  })

  it('can be let go', async () => {
    const model = await types()
    const late = model.run([1])
    model.dispose()
    model.dispose()
    expect(model.disposed).toBe(true)
    await expect(late).rejects.toMatchObject({ code: 'DISPOSED' })
    await expect(model.run([1])).rejects.toMatchObject({ code: 'DISPOSED' })
    await expect(model.reset()).rejects.toMatchObject({ code: 'DISPOSED' })
    let other: Model | undefined
    {
      using scoped = await types()
      other = scoped
    }
    expect(other.disposed).toBe(true)
  })

  it('says what memory it takes, and a call can be given up', async () => {
    const model = await types()
    await model.run(new Float32Array(1000))
    expect(model.memory.peak).toBeGreaterThan(8000)
    await expect(model.call('forward', [[1]], { signal: AbortSignal.abort('enough') })).rejects.toMatchObject({ name: 'AbortError', code: 'ABORTED', cause: 'enough' })
  })
})

describe('pictures', () => {
  const expected = JSON.parse(readFileSync(fixture('pictures.json'), 'utf8')) as { width: number; height: number; scores: number[] }
  const { width, height } = expected
  const data = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([(x * 7 + y) % 256, (y * 11) % 256, (x * y) % 256, 255], (y * width + x) * 4)
  const picture = { data, width, height }

  it('become what torchvision makes of them, as the extra file of the model says', async () => {
    const model = await loadModel(fixture('pictures.ptl'))
    expect(model.image).toMatchObject({ size: [20, 24], resize: 28 })
    // The only input is called "image", so this is by position, by name, and with a description of its own.
    for (const input of [picture, { image: picture }, { image: picture, scaling: 'exact' }] as const) {
      const { output } = await model.run(input as never)
      expect(output.dims).toEqual([1, 5])
      for (const [i, score] of expected.scores.entries()) expect(output.data[i]).toBeCloseTo(score, 5)
    }
    const { output } = await model.run([picture, picture])
    expect(output.dims).toEqual([2, 5])
    expect([...output.at(1).data]).toEqual([...output.at(0).data])
  })

  it('are described with the call or the picture, too', async () => {
    const model = await types()
    const { output } = await model.call('same', [picture], { image: { size: 8, layout: 'hwc', dtype: 'uint8' } })
    expect([output.dims, output.dtype]).toEqual([[8, 8, 3], 'uint8'])
    expect((await model.call('same', [{ image: picture, size: [4, 6], channels: 'gray' }])).output.dims).toEqual([1, 1, 4, 6])
    await expect(model.call('same', [{ image: picture, size: 4, mean: [1, 2] }])).rejects.toThrow('mean should be one number or 3')
    await expect(model.call('same', [{ image: picture, size: 4, crop: 'middle' as never }])).rejects.toThrow('crop should be one of center, none, pad, got "middle"')
    await expect(model.call('same', [{ image: { ...picture, width: 3 }, size: 4 }])).rejects.toThrow('The picture cannot be used: pixels of 3 x 47 are 564 bytes')
  })
})
