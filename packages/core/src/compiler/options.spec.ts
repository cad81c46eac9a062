import { describe, expect, it } from 'vitest'
import { DIRECTIVES } from '../request/index.ts'
import type { CompileOptions } from './artifact.ts'
import { BACKENDS } from './backends/index.ts'
import { PetalError } from './errors.ts'
import { checkedOptions } from './options.ts'

const plain: CompileOptions = { backend: 'cpu', format: 'ptl', block: [] }

describe('options', () => {
  it('are taken as they are where they fit one another', () => {
    for (const given of [{}, { bytecode: 5, runtime: '1.9', code: true, debug: true }, { format: 'torchscript' }] as const) {
      expect(checkedOptions({ ...plain, ...given })).toEqual({ ...plain, ...given })
    }
  })

  it('say the flatbuffer one way', () => {
    const flatbuffer = { ...plain, format: 'flatbuffer', bytecode: 9 }
    expect([checkedOptions({ ...plain, bytecode: 9 }), checkedOptions({ ...plain, format: 'flatbuffer' })]).toEqual([flatbuffer, flatbuffer])
  })

  it.each<[Partial<CompileOptions>, string]>([
    [{ format: 'flatbuffer', bytecode: 8 }, 'A flatbuffer cannot hold bytecode of version 8.'],
    [{ format: 'torchscript', bytecode: 8 }, 'has no bytecode'],
    [{ format: 'torchscript', debug: true }, 'Debug handles are not written into a torchscript file.'],
    [{ format: 'torchscript', runtime: '1.13' }, '"runtime=1.13" says nothing of a TorchScript archive.'],
    [{ bytecode: 9, debug: true }, 'not written into a flatbuffer file'],
    [{ bytecode: 9, code: true }, 'no room for TorchScript code'],
    [{ format: 'flatbuffer', runtime: '1.13' }, 'The lite interpreter of PyTorch 1.13 loads no flatbuffer.'],
  ])('refuses %j', (given, message) => {
    expect(() => checkedOptions({ ...plain, ...given })).toThrow(message)
    expect(() => checkedOptions({ ...plain, ...given })).toThrow(PetalError)
  })

  it('refuses unknown names', () => {
    expect(() => checkedOptions({ ...plain, block: ['amp'] })).toThrow("no optimization 'amp'")
    expect(() => checkedOptions({ ...plain, backend: 'toString' as 'cpu' })).toThrow("no backend 'toString'")
    expect(() => checkedOptions({ ...plain, format: undefined as unknown as 'ptl' })).toThrow("no format 'undefined'")
    expect(() => checkedOptions({ ...plain, bytecode: 3 as 4 })).toThrow("no version of bytecode '3'")
    expect(() => checkedOptions({ ...plain, runtime: '1.8' as '1.9' })).toThrow("no runtime '1.8'")
  })

  it('know every backend that an import may name', () => {
    expect(Object.keys(BACKENDS).toSorted()).toEqual(DIRECTIVES.backend.words.toSorted())
  })
})
