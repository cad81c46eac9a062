import { AnyType, typeString } from './types.ts'
import type { Attribute, Block, Graph, Node, Value } from './graph.ts'
import { resolveSchema } from './match-schema.ts'
import { printValue, quote, type ObjectNumbers } from './print-value.ts'

/** What to show besides the structure. */
export interface PrintOptions {
  /** Leaves debug names out: every value is a number in order of appearance. For comparing graphs by structure. */
  numbered?: boolean
  /** Adds `# file:line` to nodes that know it. */
  ranges?: boolean
}

/**
 * A graph in PyTorch's notation (`Graph::toString`). Reads back with parseGraph; printing that again gives the same text.
 * Extensions to the notation: tensors and objects inside constants are written out (see print-value.ts), and an
 * operator is written with its overload (`aten::add.Scalar`) when its name and its inputs' types alone would select another one.
 */
export function printGraph(graph: Graph, options: PrintOptions = {}): string {
  return new Printer(options).graph(graph, '')
}

class Printer {
  readonly #options: PrintOptions
  readonly #names = new Map<Value, string>()
  readonly #taken = new Set<string>()
  readonly #objects: ObjectNumbers = new Map()
  readonly #suffixes = new Map<string, number>()
  #unnamed = 0

  constructor(options: PrintOptions) {
    this.#options = options
  }

  graph(graph: Graph, indent: string): string {
    const lines: string[] = []
    const inputs = graph.inputs.map((value) => this.#declare(value))
    lines.push(`graph(${inputs.join(`,\n${indent}      `)}):`)
    this.#nodes(graph.block, `${indent}  `, lines)
    lines.push(`${indent}  return (${graph.outputs.map((value) => this.#name(value)).join(', ')})`)
    return lines.join('\n')
  }

  #nodes(block: Block, indent: string, lines: string[]): void {
    for (const node of block.nodes()) {
      const inputs = node.inputs.map((value) => this.#name(value)).join(', ')
      const attributes = this.#attributes(node, indent)
      const outputs = node.outputs.map((value) => this.#declare(value)).join(', ')
      const range = this.#options.ranges && node.range ? ` # ${node.range.file}:${node.range.line}` : ''
      lines.push(`${indent}${outputs} = ${operatorText(node)}${attributes}(${inputs})${range}`)
      node.blocks.forEach((inner, i) => {
        lines.push(`${indent}  block${i}(${inner.inputs.map((value) => this.#declare(value)).join(', ')}):`)
        this.#nodes(inner, `${indent}    `, lines)
        lines.push(`${indent}    -> (${inner.outputs.map((value) => this.#name(value)).join(', ')})`)
      })
    }
  }

  #attributes(node: Node, indent: string): string {
    if (node.attributes.size === 0) return ''
    const expected = node.kind === 'prim::Constant' && node.outputs.length === 1 ? node.outputs[0]!.type : AnyType
    const text = (attribute: Attribute): string => {
      switch (attribute.kind) {
        case 's': return quote(attribute.value)
        case 'i': return String(attribute.value)
        case 'tys': return `[${attribute.value.map(typeString).join(', ')}]`
        case 'ival': return printValue(attribute.value, expected, this.#objects)
        case 'g': return new Printer(this.#options).graph(attribute.value, `${indent}  `)
      }
    }
    return `[${[...node.attributes].map(([name, attribute]) => `${name}=${text(attribute)}`).join(', ')}]`
  }

  #declare(value: Value): string {
    return `${this.#name(value)} : ${typeString(value.type)}`
  }

  /** A value is named where it is first seen, which in a well-formed graph is its definition. */
  #name(value: Value): string {
    const known = this.#names.get(value)
    if (known !== undefined) return known
    const name = `%${this.#freshName(value)}`
    this.#names.set(value, name)
    return name
  }

  #freshName(value: Value): string {
    const wanted = this.#options.numbered ? '' : (value.debugName ?? '').replace(/[^\w.]/g, '_')
    if (wanted === '' || /^\d/.test(wanted)) return String(this.#unnamed++)
    let name = wanted
    if (this.#taken.has(name)) {
      const base = wanted.replace(/\.\d+$/, '')
      let suffix = this.#suffixes.get(base) ?? 0
      do name = `${base}.${++suffix}`; while (this.#taken.has(name))
      this.#suffixes.set(base, suffix)
    }
    this.#taken.add(name)
    return name
  }
}

/** The kind, with the overload where needed; `aten::f.` means the overload without a name. */
function operatorText(node: Node): string {
  const { schema } = node
  if (schema === undefined || schema.name !== node.kind) return node.kind
  const selected = resolveSchema(node.kind, node.inputs.map((value) => value.type))
  return selected?.overload === schema.overload ? node.kind : `${schema.name}.${schema.overload}`
}
