import { PetalError } from '../../errors.ts'
import { AliasDb, intersects } from '../../ir/alias-analysis.ts'
import { allNodes, type Graph, type Node, type Value } from '../../ir/graph.ts'
import type { Type } from '../../ir/types.ts'

/**
 * Throws `FLATBUFFER_READ_ONLY` when code may write into a tensor that the file holds. Loaders map a flatbuffer into memory for reading
 * only and use its tensors where they lie (torch/csrc/jit/mobile/file_format.h, flatbuffer_loader.cpp), so that such a write ends the
 * app. Attributes may still be replaced by other tensors.
 */
export function refuseWritesToStored(graph: Graph): void {
  const stored: Value[] = []
  for (const { kind, outputs } of allNodes(graph.block)) {
    if (kind === 'prim::GetAttr' || kind === 'prim::Constant') stored.push(...outputs.filter(({ type }) => holdsTensors(type)))
  }
  if (stored.length === 0) return
  const db = new AliasDb(graph)
  const written = stored.find((value) => db.hasWriters(value))
  if (written === undefined) return
  const memory = db.reachable(written)
  const writer = [...allNodes(graph.block)].find((node) => node.blocks.length === 0 && intersects(db.writesOf(node), memory))
  throw readOnly(written, writer)
}

function holdsTensors(type: Type): boolean {
  switch (type.kind) {
    case 'TensorType': case 'AnyType': return true
    case 'ListType': case 'OptionalType': return holdsTensors(type.element)
    case 'DictType': return holdsTensors(type.value)
    case 'TupleType': return type.elements.some(holdsTensors)
    default: return false
  }
}

function readOnly({ node, debugName }: Value, writer: Node | undefined): PetalError {
  const range = writer?.range
  const what = node.kind === 'prim::GetAttr' ? `its attribute '${node.string('name')}'` : `its tensor ${debugName ?? ''}`.trim()
  return new PetalError({
    code: 'FLATBUFFER_READ_ONLY',
    message: `${range ? `${range.file}:${range.line}: the` : 'The'} model may change ${what} in place${writer ? ` (${writer.kind})` : ''}, which lies in the file.`,
    cause: 'PyTorch maps a flatbuffer into memory for reading only: writing there ends the app.',
    fix: 'Write a zip archive, format=ptl, or assign a new tensor to the attribute.',
    ...range && { location: { file: range.file, line: range.line } },
  })
}
