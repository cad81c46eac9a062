import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bytesSource, type ByteSource } from '../archive/byte-source.ts'
import { openArchive } from '../archive/zip-reader.ts'
import { layoutZip } from '../archive/zip-writer.ts'
import { PickleWriter } from '../archive/pickle-writer.ts'
import { inspectLite } from './inspect.ts'

function lite(version: number): Uint8Array {
  return readFileSync(new URL(`../../../test/fixtures/emit/lite-${version}.ptl`, import.meta.url))
}

/** The file with other bytes for a record. */
async function withRecord(file: Uint8Array, name: string, content: Uint8Array): Promise<ByteSource> {
  const archive = await openArchive(bytesSource(file))
  const inputs = await Promise.all([...archive.records.values()].map(async (record) => {
    const bytes = record.name === name ? content : await record.read()
    return { name: record.name, size: bytes.length, content: bytes }
  }))
  const parts: Uint8Array[] = []
  for await (const piece of layoutZip('archive', inputs).stream()) parts.push(piece.slice())
  return bytesSource(Buffer.concat(parts))
}

function pickle(write: (writer: PickleWriter) => void): Uint8Array {
  const writer = new PickleWriter()
  write(writer)
  return writer.finish()
}

describe('a file of PyTorch', () => {
  test.each([
    [4, ['1.9', '1.10', '1.11', '1.12', '1.13', '2.0', '2.1']], [5, ['1.9', '1.10', '1.11', '1.12', '1.13', '2.0', '2.1']],
    [6, ['1.10', '1.11', '1.12', '1.13', '2.0', '2.1']], [7, ['1.10', '1.11', '1.12', '1.13', '2.0', '2.1']], [8, ['1.12', '1.13', '2.0', '2.1']],
  ])('with bytecode version %i', async (version, runtimes) => {
    const facts = await inspectLite(bytesSource(lite(version)))
    const operators = {
      'aten::__isnot__': 1, 'aten::conv2d': 1, 'aten::dim': 2, 'aten::mul.Scalar': 1, 'aten::ne.int': 1, 'aten::relu': 1, 'prim::If': 2,
      'prim::RaiseException': 1, 'prim::TupleConstruct': 1, 'prim::unchecked_cast': 2,
    }
    expect(facts).toEqual({
      format: 'ptl', backend: 'cpu', bytecodeVersion: version, operatorVersion: 3, runtimes,
      inputs: [
        { name: 'x', type: 'Tensor' }, { name: 'scale', type: 'float', default: '0.5' },
        { name: 'label', type: 'Optional[str]', default: 'None' },
      ],
      outputs: [{ name: '', type: 'Tensor' }, { name: '', type: 'int' }],
      operators: { before: operators, after: operators },
      optimizations: [], parameters: 20, bytes: { before: lite(version).length, after: lite(version).length },
    })
  })
})

type Write = (writer: PickleWriter) => void

function tuple(...elements: (string | Write)[]): Write {
  return (writer) => {
    writer.mark()
    for (const element of elements) {
      if (typeof element === 'string') writer.string(element)
      else element(writer)
    }
    writer.tuple()
  }
}

describe('refused', () => {
  test.each<[string, Write, string]>([
    ['no tuple', (writer) => writer.int(8), 'the whole is not a tuple'],
    ['a method that is a word', tuple('forward'), 'a method is not a tuple'],
    [
      'an unknown instruction',
      tuple(tuple('Net.forward', tuple(tuple('instructions', tuple(tuple('EXPLODE'))), tuple('operators', tuple())))),
      "unknown instruction 'EXPLODE'",
    ],
  ])('%s', async (_, write, message) => {
    await expect(inspectLite(await withRecord(lite(8), 'bytecode.pkl', pickle(write)))).rejects.toMatchObject({
      code: 'BROKEN_BYTECODE', message: expect.stringContaining(message) as string,
    })
  })

  test.each(['', 'three', '9'.repeat(100)])('the version "%s"', async (text) => {
    const source = await withRecord(lite(8), 'version', new TextEncoder().encode(text))
    await expect(inspectLite(source)).rejects.toMatchObject({ code: 'BROKEN_BYTECODE' })
  })
})
