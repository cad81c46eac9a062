import type { Graph } from '../../ir/graph.ts'
import type { FunctionSchema } from '../../ir/schema.ts'
import { FunctionWriter, type CodeContext } from './function-writer.ts'
import { literalText } from './literals.ts'
import { writeBlock, writeReturn } from './statements.ts'

/** A function or method to be written. */
export interface WrittenFunction {
  /** Without the class: `forward`. */
  readonly name: string
  readonly schema: FunctionSchema
  readonly graph: Graph
}

/**
 * A function or method as a `def`; `level` is 1 for methods. The graph's inputs are those of the schema.
 * Throws a PetalError for what no code means.
 */
export function functionText({ name, schema, graph }: WrittenFunction, context: CodeContext, level: number): string {
  const writer = new FunctionWriter(context, level)
  // Arguments keep their names, as they may be passed by them; so they come first.
  const parameters = graph.inputs.map((value, i) => {
    const formal = schema.arguments[i]
    const text = writer.names.unique(formal?.name ?? 'input')
    writer.alias(value, text)
    const initial = formal?.defaultValue === undefined ? '' : `=${literalText(formal.defaultValue, context)}`
    return `${text}: ${writer.type(value.type)}${initial}`
  })
  const returns = writer.type(schema.returns[0]!.type)
  writer.line(`def ${name}(${parameters.join(`,\n${'  '.repeat(level)}    `)}) -> ${returns}:`)
  writer.indented(() => {
    writeBlock(writer, graph.block)
    writeReturn(writer, graph.outputs[0]!, schema)
  })
  return writer.toString()
}
