import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { intListValue, intValue, NONE, tensorValue, type IValue } from '../../core/src/compiler/ir/ivalue.ts'
import { RuntimeError } from '../src/errors.ts'
import { Tuple, type Value } from '../src/values.ts'
import { engineOf, modelOf, NET } from './support/model.ts'

/** Runs a graph once. */
async function run(graph: string, args: Value[] = [], attributes?: Record<string, IValue>): Promise<Value> {
  const engine = await engineOf(await modelOf({ forward: graph }, attributes))
  return engine.run('forward', args)
}

const bytes = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer)
const weight: IValue = tensorValue({
  scalarType: 'Float', sizes: [2, 2], strides: [2, 1], storageOffset: 0, requiresGrad: false,
  storage: {
    identity: 'w', byteLength: 16, scalarType: 'Float', read: async (a, b) => bytes.subarray(a, b),
    stream: async function* stream() { yield bytes },
  },
})

describe('control flow', () => {
  const collatz = `graph(%self : ${NET}, %n : int):
    %0 : int = prim::Constant[value=0]()
    %1 : int = prim::Constant[value=1]()
    %2 : int = prim::Constant[value=2]()
    %3 : int = prim::Constant[value=3]()
    %max : int = prim::Constant[value=9223372036854775807]()
    %start : bool = aten::ne(%n, %1)
    %steps : int, %m : int = prim::Loop(%max, %start, %0, %n)
      block0(%i : int, %count : int, %x : int):
        %r : int = aten::remainder(%x, %2)
        %even : bool = aten::eq(%r, %0)
        %y : int = prim::If(%even)
          block0():
            %half : int = aten::floordiv(%x, %2)
            -> (%half)
          block1():
            %t : int = aten::mul(%x, %3)
            %u : int = aten::add(%t, %1)
            -> (%u)
        %next : int = aten::add(%count, %1)
        %go : bool = aten::ne(%y, %1)
        -> (%go, %next, %y)
    return (%steps)`

  it('loops while a condition holds, and branches', async () => {
    expect(await run(collatz, [27n])).toBe(111n)
    expect(await run(collatz, [1n])).toBe(0n)
  })

  it('computes with 64 bits', async () => {
    expect(await run(`graph(%self : ${NET}, %a : int, %b : int):
      %c : int = aten::mul(%a, %b)
      return (%c)`, [2n ** 62n + 1n, 3n])).toBe(BigInt.asIntN(64, (2n ** 62n + 1n) * 3n))
  })
})

describe('values', () => {
  it('builds and takes apart tuples, lists and dicts', async () => {
    const result = await run(`graph(%self : ${NET}, %a : int, %b : int):
      %key : str = prim::Constant[value="k"]()
      %1 : int = prim::Constant[value=1]()
      %list : int[] = prim::ListConstruct(%a, %b)
      %d : Dict(str, int[]) = prim::DictConstruct(%key, %list)
      %same : int[] = aten::__getitem__(%d, %key)
      %l : int[] = aten::append(%same, %a)
      %t : (int[], int) = prim::TupleConstruct(%list, %b)
      return (%t)`, [5n, 7n])
    // The list in the dict is the list in the tuple.
    expect(result).toEqual(new Tuple([[5n, 7n, 5n], 7n]))
  })

  it('formats as TorchScript does', async () => {
    expect(await run(`graph(%self : ${NET}, %a : int, %x : float):
      %text : str = prim::Constant[value="{} of {}"]()
      %s : str = aten::format(%text, %a, %x)
      return (%s)`, [3n, 0.1])).toBe('3 of 0.10000000000000001')
  })

  it('tells None from other things', async () => {
    const graph = `graph(%self : ${NET}, %x : int?):
      %none : NoneType = prim::Constant()
      %is : bool = aten::__is__(%x, %none)
      return (%is)`
    expect([await run(graph, [null]), await run(graph, [0n])]).toEqual([true, false])
  })
})

describe('attributes', () => {
  const counting = {
    forward: `graph(%self : ${NET}):
      %1 : int = prim::Constant[value=1]()
      %h : int[] = prim::GetAttr[name="history"](%self)
      %c : int = prim::GetAttr[name="calls"](%self)
      %n : int = aten::add(%c, %1)
       = prim::SetAttr[name="calls"](%self, %n)
      %l : int[] = aten::append(%h, %n)
      %length : int = aten::len(%h)
      %both : int[] = prim::ListConstruct(%n, %length)
      return (%both)`,
  }

  it('keep what is written to them until they are reset', async () => {
    const engine = await engineOf(await modelOf(counting, { calls: intValue(40), history: intListValue([]) }))
    expect([engine.run('forward', []), engine.run('forward', [])]).toEqual([[41n, 1n], [42n, 2n]])
    engine.reset()
    expect(engine.run('forward', [])).toEqual([41n, 1n])
  })

  it('that are tensors are the bytes of the file, and what is written into them is undone', async () => {
    const engine = await engineOf(await modelOf({
      forward: `graph(%self : ${NET}):
        %w : Tensor = prim::GetAttr[name="w"](%self)
        %1 : int = prim::Constant[value=1]()
        %y : Tensor = aten::add_(%w, %1, %1)
        return (%y)`,
    }, { w: weight }))
    const read = (): number[] => [...engine.read(engine.run('forward', []) as never)] as number[]
    expect([read(), read()]).toEqual([[2, 3, 4, 5], [3, 4, 5, 6]])
    engine.reset()
    expect(read()).toEqual([2, 3, 4, 5])
  })
})

describe('what a model says', () => {
  it('is heard by whoever made the engine', async () => {
    const heard: unknown[] = []
    const engine = await engineOf(await modelOf({
      forward: `graph(%self : ${NET}, %n : int):
        %label : str = prim::Constant[value="n ="]()
        %level : int = prim::Constant[value=2]()
         = prim::Print(%label, %n)
         = aten::warn(%label, %level)
        return (%n)`,
    }), { say: (...said) => heard.push(said) })
    engine.run('forward', [3n])
    expect(heard).toEqual([['n = 3', false], ['n =', true]])
  })
})

describe('refusals', () => {
  const raising = `graph(%self : ${NET}, %n : int):
    %0 : int = prim::Constant[value=0]()
    %message : str = prim::Constant[value="too small"]()
    %class : str = prim::Constant[value="builtins.ValueError"]()
    %bad : bool = aten::lt(%n, %0)
     = prim::If(%bad)
      block0():
         = prim::RaiseException(%message, %class)
        -> ()
      block1():
        -> ()
    return (%n)`

  it('of the model itself carry its message, and the model runs on afterwards', async () => {
    const engine = await engineOf(await modelOf({ forward: raising }))
    expect(() => engine.run('forward', [-1n])).toThrow(new RuntimeError('MODEL_ERROR', 'too small'))
    expect(engine.run('forward', [1n])).toBe(1n)
  })

  it('name all operators that are missing, with their counts', async () => {
    const model = await modelOf({
      forward: `graph(%self : ${NET}, %x : Tensor):
        %y : Tensor = aten::inverse(%x)
        %z : Tensor = aten::inverse(%y)
        %e : Tensor = aten::det(%z)
        return (%e)`,
    })
    await expect(engineOf(model)).rejects.toThrow(/2 operators .*: aten::inverse \(2 times\), aten::det \(once\)/)
  })

  it('name the method that is missing', async () => {
    const engine = await engineOf(await modelOf({ forward: raising }))
    expect(() => engine.run('encode', [])).toThrow("The model has no method 'encode'; it has forward.")
  })

  it('are made of files that are no models', async () => {
    for (const bytes of [new Uint8Array(), new Uint8Array(100), new TextEncoder().encode('<!doctype html>'.repeat(20))]) {
      await expect(engineOf(bytes)).rejects.toMatchObject({ name: 'PetalError', code: 'BAD_MODEL' })
    }
    const uncompiled = readFileSync(new URL('../../../examples/model/digits.pt', import.meta.url))
    await expect(engineOf(uncompiled)).rejects.toThrow('run "petal optimize" on it')
    const model = await modelOf({ forward: raising })
    await expect(engineOf(model.subarray(0, model.length - 30))).rejects.toMatchObject({ code: 'BAD_MODEL' })
  })
})

describe('the methods of a model', () => {
  it('are all there, with their signatures', async () => {
    const engine = await engineOf(await modelOf({
      forward: `graph(%self : ${NET}, %x : Tensor, %n : int?):
        return (%x)`,
      encode: `graph(%self : ${NET}, %text : str):
        return (%text)`,
    }, { unused: NONE }))
    expect([...engine.methods.keys()]).toEqual(['forward', 'encode'])
    expect(engine.methods.get('forward')).toMatchObject({ inputs: [{ name: 'x', type: 'Tensor' }, { name: 'n', type: 'Optional[int]' }], outputs: [{ type: 'Tensor' }] })
    expect(engine.run('encode', ['a'])).toBe('a')
  })
})
