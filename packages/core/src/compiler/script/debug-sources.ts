import { readPickle } from '../archive/pickle-reader.ts'
import type { PickleValue } from '../archive/pickle-value.ts'
import type { Archive } from '../archive/zip-reader.ts'
import { allNodes, type Graph } from '../ir/graph.ts'
import type { SourceLookup, SourceText } from '../ir/source-range.ts'

/** Since PyTorch 1.12 debug records begin with it, and name texts by number. */
const STRING_TABLE = 'FORMAT_WITH_STRING_TABLE'

/** Where a stretch of TorchScript was made from: from byte `offset` on, to the next one. */
interface Origin extends SourceText {
  readonly offset: number
}

interface Code {
  readonly text: string
  /** Bytes before each line; the first is line 1. */
  readonly lines: readonly number[]
  readonly origins: readonly Origin[]
}

/**
 * Reads, for all places that nodes of `graphs` name, the TorchScript around them and the Python that it was made from, which
 * `torch.jit.save` keeps beside it (torch/csrc/jit/serialization/source_range_serialization.cpp). A line of TorchScript stands for the
 * Python of its first expression. Damaged debug records are as good as none.
 */
export async function readDebugSources(archive: Archive, graphs: readonly Graph[]): Promise<SourceLookup> {
  const files = new Set<string>()
  for (const graph of graphs) for (const { range } of allNodes(graph.block)) if (range) files.add(range.file)
  const codes = new Map<string, Code>()
  for (const file of files) {
    const record = archive.records.get(file)
    if (record === undefined) continue
    const bytes = await record.read()
    const debug = archive.records.get(`${file}.debug_pkl`)
    const origins = debug === undefined ? [] : originsOf(await debug.read(), debug.name)
    codes.set(file, { text: new TextDecoder().decode(bytes), lines: lineStarts(bytes), origins })
  }
  return ({ file, line }) => {
    const code = codes.get(file)
    const start = code?.lines[line - 1]
    if (code === undefined || start === undefined) return undefined
    return originAt(code, start, code.lines[line] ?? Infinity) ?? lineOf(code, file, line)
  }
}

function lineStarts(bytes: Uint8Array): number[] {
  const starts = [0]
  bytes.forEach((byte, i) => { if (byte === 0x0a) starts.push(i + 1) })
  return starts
}

/** The first origin that begins in the line and names a file; else what is under way when it begins. */
function originAt({ origins }: Code, start: number, end: number): Origin | undefined {
  const named = origins.filter(({ file }) => file !== '')
  return named.find(({ offset }) => offset >= start && offset < end) ?? named.findLast(({ offset }) => offset < start)
}

function lineOf({ text }: Code, file: string, line: number): SourceText {
  const lines = text.split('\n')
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0)
  return { file, text, firstLine: 1, start, end: start + lines[line - 1]!.length }
}

/** Rows are `(offset, (source, start, end), tag)`; a source is `(text or lines, file, number of the first line)`. */
function originsOf(bytes: Uint8Array, name: string): Origin[] {
  try {
    const root = items(readPickle(bytes, name))
    const table = root[0] === STRING_TABLE ? items(root[1]).map(String) : undefined
    const texts = new Map<PickleValue | undefined, string>()
    const textOf = (value: PickleValue | undefined): string => {
      let text = texts.get(value)
      if (text === undefined) texts.set(value, text = table ? items(value).map((index) => table[Number(index)] ?? '').join('') : String(value ?? ''))
      return text
    }
    return items(table ? root[2] : { kind: 'tuple', items: root }).flatMap((row): Origin[] => {
      const [offset, range] = items(row)
      const [source, start, end] = items(range)
      const [text, file, firstLine] = items(source)
      const fileName = table ? table[Number(file)] : file
      if (typeof fileName !== 'string') return []
      return [{
        offset: Number(offset), file: fileName, text: textOf(text), firstLine: Number(firstLine), start: Number(start), end: Number(end),
      }]
    })
  } catch {
    return []
  }
}

/** The elements of a tuple, a list, or a typed list. */
function items(value: PickleValue | undefined): readonly PickleValue[] {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return []
  if (value.kind === 'tuple' || value.kind === 'list') return value.items
  return value.kind === 'object' ? items(items(value.args)[0]) : []
}
