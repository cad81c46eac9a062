import { emitLite } from '../../../core/src/compiler/emit/lite.ts'
import { classType } from '../../../core/src/compiler/ir/class-type.ts'
import { ivalueType, type IValue, type ObjectValue } from '../../../core/src/compiler/ir/ivalue.ts'
import { parseGraph } from '../../../core/src/compiler/ir/parser.ts'
import type { Argument } from '../../../core/src/compiler/ir/schema.ts'
import type { Type } from '../../../core/src/compiler/ir/types.ts'
import type { Method } from '../../../core/src/compiler/program.ts'
import { createEngine, type Engine, type EngineOptions, reserve } from '../../src/engine.ts'
import { families } from '../../src/families.ts'

/** The class of all test models, as graphs name it. */
export const NET = '__torch__.Net'

/** A `.ptl` whose methods are given as the compiler's IR text; the first input of each is `%self : __torch__.Net`. */
export async function modelOf(graphs: Record<string, string>, attributes: Record<string, IValue> = {}): Promise<Uint8Array> {
  const type = classType(NET, { isModule: true })
  for (const [name, value] of Object.entries(attributes)) type.attributes.push({ name, type: ivalueType(value), isParameter: false, isBuffer: false })
  const root: ObjectValue = { tag: 'Object', type, slots: new Map(Object.entries(attributes)) }
  const methods = Object.entries(graphs).map(([name, text]): Method => {
    const graph = parseGraph(text, { types: new Map([[NET, type]]) })
    return {
      name, graph,
      schema: {
        name: `${NET}.${name}`, overload: '', isVararg: false, isVarret: false,
        arguments: graph.inputs.map((value, i) => argument(i === 0 ? 'self' : value.debugName ?? `arg${i}`, value.type)),
        returns: graph.outputs.map((value) => argument('', value.type)),
      },
    }
  })
  const file = emitLite({ root, methods, flags: { mobile_optimized: true } })
  const bytes = new Uint8Array(file.size)
  let at = 0
  for await (const piece of file.stream()) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

const argument = (name: string, type: Type): Argument => ({ name, type, kwargOnly: false, isOut: false })

/** An engine with all operators. */
export async function engineOf(bytes: Uint8Array, options?: EngineOptions): Promise<Engine> {
  const reserved = reserve(bytes.length)
  reserved.bytes.set(bytes)
  return await createEngine(reserved, families, options)
}
