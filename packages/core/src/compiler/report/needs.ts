import type { ScalarType } from '../archive/tensor.ts'
import type { Call, Needs } from '../artifact.ts'
import { operatorKey, type Bytecode } from '../emit/emitter.ts'
import { allNodes, type Graph, type Node } from '../ir/graph.ts'
import type { IValue } from '../ir/ivalue.ts'
import { attributePath } from '../passes/module-paths.ts'

/** `torch.float32` and so on, without `torch`. */
const DTYPE_NAMES: Readonly<Record<ScalarType, string>> = {
  Byte: 'uint8', Char: 'int8', Short: 'int16', Int: 'int32', Long: 'int64', Half: 'float16', Float: 'float32', Double: 'float64',
  ComplexHalf: 'complex32', ComplexFloat: 'complex64', ComplexDouble: 'complex128', Bool: 'bool', QInt8: 'qint8', QUInt8: 'quint8',
  QInt32: 'qint32', BFloat16: 'bfloat16', QUInt4x2: 'quint4x2', QUInt2x4: 'quint2x4',
}

/** Code as far as its needs go; `nodes` are known of code that was just emitted. */
type Code = Pick<Bytecode, 'instructions' | 'operators'> & Partial<Pick<Bytecode, 'nodes'>>

/** What running `codes` takes, with `values` as constants and attributes. */
export function needsOf(codes: readonly Code[], values: Iterable<IValue>): Needs {
  const { classes, dtypes } = contents(values)
  return {
    calls: codes.flatMap(callsOf),
    instructions: [...new Set(codes.flatMap(({ instructions }) => instructions.map(({ op }) => op)))].toSorted(),
    classes: [...classes].toSorted(),
    dtypes: [...dtypes].toSorted(),
  }
}

/** As {@link needsOf}, of graphs that are run as code; calls are numbered in order. */
export function needsOfGraphs(graphs: readonly Graph[], values: Iterable<IValue>): Needs {
  const codes = graphs.map((graph): Code => {
    const nodes = [...allNodes(graph.block)].filter(({ schema }) => schema !== undefined)
    return {
      instructions: nodes.map((_, x) => ({ op: 'OP', x, n: 0 })), nodes,
      operators: nodes.map(({ schema }) => ({ name: schema!.name, overload: schema!.overload, numArgs: -1 })),
    }
  })
  return { ...needsOf(codes, values), instructions: [] }
}

function callsOf({ instructions, operators, nodes }: Code): Call[] {
  return instructions.flatMap(({ op, x }, instruction): Call[] => {
    const operator = op === 'OP' || op === 'OPN' ? operators[x] : undefined
    if (operator === undefined) return []
    const node = nodes?.[instruction]
    const module = node && moduleOf(node)
    return [{
      operator: operatorKey(operator.name, operator.overload), instruction,
      ...node?.range && { at: { file: node.range.file, line: node.range.line } },
      ...module !== undefined && { module },
    }]
  })
}

/** The module that a node's parameters are attributes of, by the first of them. */
function moduleOf(node: Node): string | undefined {
  for (const input of node.inputs) {
    const path = input.type.kind === 'TensorType' ? attributePath(input) : undefined
    if (path !== undefined && path.length > 1) return path.slice(0, -1).join('.')
  }
  return undefined
}

/** Classes of packed objects, and element types of tensors, in values and all that they hold. */
function contents(values: Iterable<IValue>): { classes: Set<string>; dtypes: Set<string> } {
  const classes = new Set<string>()
  const dtypes = new Set<string>()
  const seen = new Set<IValue>()
  const todo = [...values]
  while (todo.length > 0) {
    const value = todo.pop()!
    if (seen.has(value)) continue
    seen.add(value)
    switch (value.tag) {
      case 'Tensor': dtypes.add(DTYPE_NAMES[value.value.scalarType]); break
      case 'List': case 'Tuple': for (const element of value.elements) todo.push(element); break
      case 'Dict': for (const entry of value.entries) todo.push(...entry); break
      case 'CustomObject':
        classes.add(value.type.name)
        todo.push(value.state)
        break
      case 'Object':
        for (const attribute of value.slots.values()) todo.push(attribute)
        if (value.pickledState) todo.push(value.pickledState)
    }
  }
  return { classes, dtypes }
}
