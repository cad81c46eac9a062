import { allNodes, type Graph } from '../ir/graph.ts'
import { BYTECODE_FORMS, BYTECODE_VERSION, type BytecodeForm } from './bytecode-form.ts'
import { emitNode, PROMOTED } from './emissions.ts'
import { Emitter, operatorKey, type Bytecode, type SlotOf } from './emitter.ts'
import { necessaryArgs, type NecessaryArgs } from './necessary-args.ts'
import { UPGRADED_WHOLE } from './operator-version.ts'
import { preprocess } from './preprocess.ts'
import { run } from './stackless.ts'

/**
 * Translates a graph into bytecode of a version, with the same registers, tables and order as PyTorch's exporter, so that
 * the runtime frees memory as early. `slotOf` tells an attribute's place in the pickled object.
 * Throws a PetalError for what the lite interpreter cannot run.
 * Source: torch/csrc/jit/runtime/interpreter/code_impl.h (`CodeImpl`, `MobileCodeImpl`), serialization/export_bytecode.cpp.
 */
export function emitBytecode(original: Graph, slotOf: SlotOf, form: BytecodeForm = BYTECODE_FORMS[BYTECODE_VERSION]): Bytecode {
  const { graph, inline } = preprocess(original)
  const emitter = new Emitter({ inline, necessary: necessaryArgsOf(graph, form), slotOf, emitNode, form })
  run(emitter.block(graph.block))
  return emitter.finish(graph.block.returnNode)
}

/** Per operator the arguments that some call of it needs: all calls in a method pass as many. */
function necessaryArgsOf(graph: Graph, { trims, promoted }: BytecodeForm): Map<string, NecessaryArgs> {
  const result = new Map<string, NecessaryArgs>()
  for (const node of allNodes(graph.block)) {
    const schema = node.schema
    // Since 1.12 the runtime runs promoted operators without their schema, so that it knows no defaults.
    if (!schema || schema.isVararg || PROMOTED[node.kind] || node.inputs.length !== schema.arguments.length) continue
    const key = operatorKey(schema.name, schema.overload)
    const args = necessaryArgs(schema, node.inputs, !promoted && UPGRADED_WHOLE.has(node.kind) ? 'none' : trims)
    result.set(key, { leading: Math.max(args.leading, result.get(key)?.leading ?? 0), out: args.out })
  }
  return result
}
