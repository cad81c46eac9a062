import { PetalError } from '../../errors.ts'
import type { Node } from '../../ir/graph.ts'

/** What no TorchScript text means. */
export function unsayable(node: Node, what: string): PetalError {
  return new PetalError({
    code: 'NO_TORCHSCRIPT',
    message: `A call of ${node.kind} ${what}.`,
    cause: 'TorchScript code does not name the form of an operator that is called, and readers would take another one.',
    fix: 'Compile the model to a file for the lite interpreter, "format=ptl".',
    ...(node.range ? { location: { file: node.range.file, line: node.range.line } } : undefined),
  })
}
