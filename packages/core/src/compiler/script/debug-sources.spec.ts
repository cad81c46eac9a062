import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bytesSource } from '../archive/byte-source.ts'
import { openArchive, type Archive } from '../archive/zip-reader.ts'
import { layoutZip } from '../archive/zip-writer.ts'
import { Graph, type SourceRange } from '../ir/graph.ts'
import { readDebugSources } from './debug-sources.ts'

const CODE = 'code/__torch__.py'

function archive(release: string): Promise<Archive> {
  return openArchive(bytesSource(readFileSync(new URL(`../../../test/fixtures/archives/${release}/control.pt`, import.meta.url))))
}

/** What is known of the line of TorchScript that has `text` in it: the file, its line, and what is meant there. */
async function place(from: Archive, text: string): Promise<string | undefined> {
  const code = new TextDecoder().decode(await from.records.get(CODE)!.read())
  const range: SourceRange = { file: CODE, line: code.slice(0, code.indexOf(text)).split('\n').length }
  const graph = new Graph()
  graph.insert(graph.create('prim::Print')).range = range
  const found = (await readDebugSources(from, [graph]))(range)
  if (found === undefined) return undefined
  const line = found.firstLine + found.text.slice(0, found.start).split('\n').length - 1
  return `${found.file.split('/').at(-1)}:${line}: ${found.text.slice(found.start, found.end).split('\n')[0]}`
}

async function changedArchive(from: Archive, change: (name: string, bytes: Uint8Array) => Uint8Array | undefined): Promise<Archive> {
  const inputs = await Promise.all([...from.records.values()].map(async (record) => ({ name: record.name, content: change(record.name, await record.read()) })))
  const kept = inputs.flatMap(({ name, content }) => content === undefined ? [] : [{ name, content, size: content.length }])
  const parts: Uint8Array[] = []
  for await (const piece of layoutZip('archive', kept).stream()) parts.push(piece.slice())
  return await openArchive(bytesSource(Buffer.concat(parts)))
}

describe('the Python that a line of TorchScript was made from', () => {
  test.each(['1.6.0', '1.9.1', '1.13.0', '2.9.1'])('PyTorch %s', async (release) => {
    const from = await archive(release)
    const [first, second] = await Promise.all(['torch.eq(i, 3)', 'torch.append(seen'].map((text) => place(from, text)))
    expect(first).toMatch(/^make\.py:\d+: /)
    expect(second).toMatch(/^make\.py:\d+: seen\.append/)
    const line = (text: string | undefined): number => Number(text!.split(':')[1])
    expect(line(second)).toBeGreaterThan(line(first))
  })

  test('without debug records, and with damaged ones, the line itself', async () => {
    const from = await archive('2.9.1')
    for (const record of [undefined, new Uint8Array([0x80, 2, 0x28])]) {
      const changed = await changedArchive(from, (name, bytes) => name.endsWith('.debug_pkl') ? record : bytes)
      const line = new TextDecoder().decode(await from.records.get(CODE)!.read()).split('\n').findIndex((each) => each.includes('torch.append(seen')) + 1
      expect(await place(changed, 'torch.append(seen')).toMatch(new RegExp(String.raw`^__torch__\.py:${line}: +_16 = torch\.append\(seen`))
    }
  })

  test('of a record that is not there nothing', async () => {
    const graph = new Graph()
    const range = { file: 'code/none.py', line: 1 }
    graph.insert(graph.create('prim::Print')).range = range
    expect((await readDebugSources(await archive('2.9.1'), [graph]))(range)).toBeUndefined()
  })
})
