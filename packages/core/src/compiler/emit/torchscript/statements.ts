import { toIValue, type Block, type Node, type Value } from '../../ir/graph.ts'
import type { FunctionSchema } from '../../ir/schema.ts'
import { BoolType, isSubtype } from '../../ir/types.ts'
import { expressionOf } from './expressions.ts'
import { sameText, type Expression, type FunctionWriter } from './function-writer.ts'
import { isIdentifier } from './names.ts'
import { unsayable } from './refusal.ts'

/** Writes the nodes of a block, each a statement of its own, so that they run in the order of the graph. */
export function writeBlock(writer: FunctionWriter, block: Block): void {
  for (const node of block.nodes()) writeNode(writer, node)
}

function writeNode(writer: FunctionWriter, node: Node): void {
  const write = STATEMENTS[node.kind]
  if (write) write(writer, node)
  else writer.define(node, hidden(writer, node, expressionOf(writer, node)))
}

/** What comes out of a list might be anything, so PyTorch keeps writes to it. */
function hidden(writer: FunctionWriter, node: Node, expression: Expression): Expression {
  return writer.writes.mayBeDropped(node) ? { ...expression, text: `[${expression.text}][0]` } : expression
}

/** How nodes are written that are no assignments of an expression, by kind. */
const STATEMENTS: Readonly<Record<string, (writer: FunctionWriter, node: Node) => void>> = {
  // Written out where they are used.
  'prim::Constant': () => {},
  'prim::If': writeIf,
  'prim::Loop': writeLoop,
  'prim::TupleUnpack': writeUnpack,
  'prim::ListUnpack': writeUnpack,
  'prim::SetAttr': writeSetAttr,
  'prim::Enter': writeEnter,
  'prim::Exit': (writer, node) => {
    if (!writer.leave()) throw unsayable(node, 'has no prim::Enter before it')
  },
  'prim::fork': writeFork,
  'prim::ModuleContainerIndex': (writer, node) => {
    const [container, key] = writer.operands(node.inputs)
    // Only what the variable is declared as tells which of the modules' classes it is.
    writer.line(`${writer.declare(node.output)} : ${writer.type(node.output.type)} = ${container!.text}[${key!.text}]`)
  },
}

/** `return value`, as what the function declares. */
export function writeReturn(writer: FunctionWriter, value: Value, schema: FunctionSchema): void {
  const operand = writer.operand(value)
  const declared = schema.returns[0]!.type
  const fits = sameText(operand.type, declared) || isSubtype(operand.type, declared)
  writer.line(`return ${fits ? operand.text : `unchecked_cast(${writer.type(declared)}, ${operand.text})`}`)
}

/** Both branches assign the outputs, each as its declared type: a branch that a reader drops must not change what the other means. */
function writeIf(writer: FunctionWriter, node: Node): void {
  const condition = writer.operand(node.input(0)).text
  const targets = node.outputs.map((output) => writer.names.for(output))
  node.blocks.forEach((block, branch) => {
    writer.line(branch === 0 ? `if ${condition}:` : 'else:')
    writer.indented(() => {
      writeBlock(writer, block)
      node.outputs.forEach((output, i) => writer.assign(targets[i]!, output.type, writer.operand(block.outputs[i]!)))
    })
  })
  node.outputs.forEach((output, i) => writer.alias(output, targets[i]!))
}

/** Trips of a loop that only its condition ends; such loops have no limit. */
const NO_LIMIT = 2n ** 63n - 1n

function isTrue(value: Value): boolean {
  const constant = toIValue(value)
  return constant?.tag === 'Bool' && constant.value
}

/**
 * A `for` when only the number of trips ends it, a `while` when only its condition does; one that both end is a `while` that counts.
 * What is carried is a variable that is assigned before the loop and at the end of each trip.
 */
function writeLoop(writer: FunctionWriter, node: Node): void {
  const body = node.blocks[0]!
  const [limit, start] = [node.input(0), node.input(1)]
  const [trip, ...carried] = body.inputs as [Value, ...Value[]]
  const names = carried.map((value, i) => {
    const name = writer.names.for(node.outputs[i]!.debugName === undefined ? value : node.outputs[i]!)
    writer.assign(name, value.type, writer.operand(node.input(i + 2)))
    writer.alias(value, name)
    return name
  })
  const results = carried.map((value, i) => ({ name: names[i]!, type: value.type, last: body.outputs[i + 1]! }))
  const constant = toIValue(limit)
  const isUnlimited = constant?.tag === 'Int' && constant.value >= NO_LIMIT && !trip.hasUses
  if (isTrue(start) && isTrue(body.outputs[0]!)) {
    const end = writer.operand(limit).text
    writer.line(`for ${writer.declare(trip)} in range(${end}):`)
    writer.indented(() => {
      writeBlock(writer, body)
      assignTogether(writer, results)
    })
  } else if (isUnlimited) {
    const condition = writer.names.unique('_')
    writer.line(`${condition} = ${writer.operand(start).text}`)
    writer.line(`while ${condition}:`)
    writer.indented(() => {
      writeBlock(writer, body)
      assignTogether(writer, [{ name: condition, type: BoolType, last: body.outputs[0]! }, ...results])
    })
  } else {
    const [condition, fits, next] = ['_', '_', '_'].map((wish) => writer.names.unique(wish)) as [string, string, string]
    const end = writer.operand(limit).text
    const count = writer.declare(trip)
    writer.line(`${count} = 0`)
    writer.line(`${condition} = torch.__and__(${writer.operand(start).text}, torch.gt(${end}, 0))`)
    writer.line(`while ${condition}:`)
    writer.indented(() => {
      writeBlock(writer, body)
      writer.line(`${next} = torch.add(${count}, 1)`)
      writer.line(`${fits} = torch.__and__(${writer.operand(body.outputs[0]!).text}, torch.lt(${next}, ${end}))`)
      assignTogether(writer, results, [[count, next], [condition, fits]])
    })
  }
  node.outputs.forEach((output, i) => {
    const { type } = carried[i]!
    if (sameText(output.type, type)) writer.alias(output, names[i]!)
    else writer.assign(writer.declare(output), output.type, { text: names[i]!, type })
  })
}

interface Carried {
  readonly name: string
  readonly type: Value['type']
  /** Its value at the end of a trip. */
  readonly last: Value
}

/** `a, b = b, a`: each gets its new value at once, as one may be the old value of another. */
function assignTogether(writer: FunctionWriter, carried: readonly Carried[], more: readonly (readonly [string, string])[] = []): void {
  const pairs = [...more, ...carried.map(({ name, type, last }) => {
    const { text, type: found } = writer.operand(last)
    const fits = sameText(found, type) || isSubtype(found, type)
    return [name, fits ? text : `unchecked_cast(${writer.type(type)}, ${text})`] as const
  })]
  if (pairs.length > 0) writer.line(`${pairs.map(([name]) => name).join(', ')} = ${pairs.map(([, text]) => text).join(', ')}`)
}

function writeUnpack(writer: FunctionWriter, node: Node): void {
  if (node.outputs.length === 0) return
  const { text, type } = writer.operand(node.input(0))
  const types = type.kind === 'TupleType' ? type.elements
    : node.outputs.map((output) => type.kind === 'ListType' ? type.element : output.type)
  writer.unpack(node.outputs, text, types)
}

function writeSetAttr(writer: FunctionWriter, node: Node): void {
  const name = node.string('name')
  if (!isIdentifier(name)) throw unsayable(node, `assigns to an attribute named ${JSON.stringify(name)}, which is no identifier`)
  const [object, value] = writer.operands(node.inputs)
  const declared = writer.context.attributeType(node.input(0).type, name)
  const fits = declared === undefined || sameText(value!.type, declared) || isSubtype(value!.type, declared)
  writer.line(`${object!.text}.${name} = ${fits ? value!.text : `unchecked_cast(${writer.type(declared)}, ${value!.text})`}`)
}

/** `with context as value:`; what follows is in the block until the `prim::Exit`. */
function writeEnter(writer: FunctionWriter, node: Node): void {
  const { text, type } = writer.operand(node.input(0))
  for (const name of ['__enter__', '__exit__']) writer.context.useMethod(type, name)
  const output = node.outputs[0]
  writer.line(output?.hasUses ? `with ${text} as ${writer.declare(output)}:` : `with ${text}:`)
  writer.enter()
}

/** A task is a function inside of the function, which sees the variables around it. */
function writeFork(writer: FunctionWriter, node: Node): void {
  const attribute = node.attributes.get('Subgraph')
  if (attribute?.kind !== 'g') throw unsayable(node, 'has no body')
  const graph = attribute.value
  const name = writer.names.unique('__forked_function')
  graph.inputs.forEach((input, i) => writer.alias(input, writer.operand(node.input(i)).text))
  writer.line(`def ${name}():`)
  writer.indented(() => {
    writeBlock(writer, graph.block)
    writer.line(`return ${writer.operand(graph.outputs[0]!).text}`)
  })
  writer.define(node, { text: `fork(${name})`, types: node.outputs.map(({ type }) => type) })
}
