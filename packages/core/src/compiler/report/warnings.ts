import { allNodes, type Graph } from '../ir/graph.ts'
import { requiresNewerRuntime } from '../ir/ops/index.ts'
import { schemaName } from '../ir/schema.ts'

/** Operators that every full build of the lite interpreter has, and those for an engine. Others come with libraries that an app links by itself. */
const BUILT_IN: ReadonlySet<string> = new Set(['aten', 'prim', 'prepacked', 'quantized', 'sparse', '_caffe2', 'vulkan_prepack', 'metal_prepack', 'metal'])

/** True for an operator that PyTorch itself has, by its qualified name. */
export const isBuiltIn = (operator: string): boolean => BUILT_IN.has(operator.slice(0, operator.indexOf('::')))

/** What a user should know of the emitted code, each in a sentence or two; `devices` are those that tensors were saved on. */
export function warningsOf(graphs: readonly Graph[], devices: readonly string[]): string[] {
  const newer = new Set<string>()
  const foreign = new Set<string>()
  for (const { schema } of graphs.flatMap((graph) => [...allNodes(graph.block)])) {
    if (!schema) continue
    if (!isBuiltIn(schema.name)) foreign.add(schemaName(schema))
    else if (requiresNewerRuntime(schema)) newer.add(schemaName(schema))
  }
  const others = devices.filter((device) => device !== 'cpu')
  return [
    ...others.length === 0 ? [] : [`The model was saved on ${others.join(', ')}; its weights will be loaded to the CPU. `
      + "A device that its code names stays as it is and fails on a phone: call model.to('cpu') before tracing or scripting."],
    ...newer.size === 0 ? [] : [`${list(newer)} came with PyTorch 2: the lite interpreters of PyTorch 1.13 and before, such as `
      + 'pytorch_android_lite 1.13.1, cannot load the file.'],
    ...foreign.size === 0 ? [] : [`${list(foreign)} is not part of PyTorch: the app has to link the library that has it.`],
  ]
}

function list(names: ReadonlySet<string>): string {
  return [...names].toSorted().join(', ')
}
