import { bytesSource } from '../src/compiler/archive/byte-source.ts'
import { openArchive } from '../src/compiler/archive/zip-reader.ts'
import { emitTorchScript, printCode } from '../src/compiler/emit/torchscript/index.ts'
import { classType } from '../src/compiler/ir/class-type.ts'
import type { Graph } from '../src/compiler/ir/graph.ts'
import { ivalueType, type IValue, type ObjectValue } from '../src/compiler/ir/ivalue.ts'
import { parseGraph } from '../src/compiler/ir/parser.ts'
import { printGraph } from '../src/compiler/ir/printer.ts'
import type { Argument } from '../src/compiler/ir/schema.ts'
import type { Type } from '../src/compiler/ir/types.ts'
import { verify } from '../src/compiler/ir/verifier.ts'
import type { Program } from '../src/compiler/program.ts'
import { loadModule, type LoadedModule } from '../src/compiler/script/load.ts'
import { collect } from './support/archive.ts'

/** A module that a program is the code of. */
export const NET = '__torch__.pkg.Net'

/** What a program is made with beside its graph. */
export interface ProgramOptions {
  readonly attributes?: Readonly<Record<string, IValue>>
  /** What forward returns, where that is not what its graph's output says. */
  readonly returns?: Type
  readonly types?: ReadonlyMap<string, Type>
}

const argument = (name: string, type: Type): Argument => ({ name, type, kwargOnly: false, isOut: false })

/** A program whose forward is the graph `text`; the module is its first input. */
export function programOf(text: string, { attributes = {}, returns, types }: ProgramOptions = {}): Program {
  const type = classType(NET, { isModule: true })
  for (const [name, value] of Object.entries(attributes)) {
    type.attributes.push({ name, type: ivalueType(value), isParameter: value.tag === 'Tensor', isBuffer: false })
  }
  const root: ObjectValue = { tag: 'Object', type, slots: new Map(Object.entries(attributes)) }
  const graph = parseGraph(text, { types: new Map([...types ?? [], [NET, type]]) })
  verify(graph)
  const schema = {
    name: `${NET}.forward`, overload: '', isVararg: false, isVarret: false,
    arguments: graph.inputs.map((value, i) => argument(value.debugName ?? `a${i}`, value.type)),
    returns: [argument('', returns ?? graph.outputs[0]!.type)],
  }
  return { root, methods: [{ name: 'forward', schema, graph }], flags: {} }
}

/** The code of a program's only file. */
export function codeOf(program: Program): string {
  return [...printCode(program).files.values()].join('\n')
}

/** A program as a reader of its archive finds it. */
export async function readBack(program: Program, definitions?: LoadedModule): Promise<LoadedModule> {
  const file = emitTorchScript(program, { ...definitions && { definitions } })
  return loadModule(await openArchive(bytesSource(await collect(file.stream()))))
}

/** A graph's text: values numbered in order of appearance, constants where they are used, and without what only counts places. */
export function textOf(graph: Graph): string {
  verify(graph)
  const names = new Map<string, string>()
  let count = 0
  return printGraph(graph, { numbered: true }).split('\n').flatMap((line) => {
    const constant = /^\s*(%[\w.-]+) : (.*) = (prim::Constant.*)$/.exec(line)
    if (constant) {
      names.set(constant[1]!, `<${constant[2]} ${constant[3]}>`)
      return []
    }
    const named = line.replace(/%[\w.-]+/g, (name) => names.get(name) ?? names.set(name, `%${count++}`).get(name)!)
    return [named.replace(/\[warn_id=\d+\]/, '')]
  }).join('\n')
}
