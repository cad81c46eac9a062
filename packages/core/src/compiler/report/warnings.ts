import type { RuntimeVersion } from '../artifact.ts'
import { necessaryArgs } from '../emit/necessary-args.ts'
import { operatorIn, RUNTIMES } from '../emit/runtimes/index.ts'
import { allNodes, type Graph, type Node } from '../ir/graph.ts'
import { findSchema, requiresNewerRuntime } from '../ir/ops/index.ts'
import { schemaName, type FunctionSchema } from '../ir/schema.ts'

/** Operators that every full build of the lite interpreter has, and those for an engine. Others come with libraries that an app links by itself. */
const BUILT_IN: ReadonlySet<string> = new Set(['aten', 'prim', 'prepacked', 'quantized', 'sparse', '_caffe2', 'vulkan_prepack', 'metal_prepack', 'metal'])

/** True for an operator that PyTorch itself has, by its qualified name. */
export const isBuiltIn = (operator: string): boolean => BUILT_IN.has(operator.slice(0, operator.indexOf('::')))

/** What a user should know of the emitted code, each in a sentence or two; `devices` are those that tensors were saved on. */
export function warningsOf(graphs: readonly Graph[], devices: readonly string[]): string[] {
  /** By the oldest release of PyTorch Mobile that runs them; of none, undefined. */
  const newer = new Map<RuntimeVersion | undefined, Set<string>>()
  const foreign = new Set<string>()
  for (const node of graphs.flatMap((graph) => [...allNodes(graph.block)])) {
    const { schema } = node
    if (!schema) continue
    if (!isBuiltIn(schema.name)) {
      foreign.add(schemaName(schema))
    } else if (requiresNewerRuntime(schema)) {
      const oldest = oldestRuntime(node, schema)
      newer.set(oldest, (newer.get(oldest) ?? new Set()).add(schemaName(schema)))
    }
  }
  const others = devices.filter((device) => device !== 'cpu')
  return [
    ...others.length === 0 ? [] : [`The model was saved on ${others.join(', ')}; its weights will be loaded to the CPU. `
      + "A device that its code names stays as it is and fails on a phone: call model.to('cpu') before tracing or scripting."],
    ...[...newer].toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)).map(([oldest, names]) => tooNew(list(names), oldest)),
    ...foreign.size === 0 ? [] : [`${list(foreign)} is not part of PyTorch: the app has to link the library that has it.`],
  ]
}

/** The oldest release that has an operator with the arguments that a call needs. */
function oldestRuntime({ inputs }: Node, schema: FunctionSchema): RuntimeVersion | undefined {
  const { leading, out } = necessaryArgs(schema, inputs)
  return RUNTIMES.find(({ version }) => {
    const found = operatorIn(version, schemaName(schema))
    const known = found === 'same' ? findSchema(schema.name, schema.overload) : found
    return known !== undefined && known.arguments.length >= leading + out
  })?.version
}

function tooNew(names: string, oldest: RuntimeVersion | undefined): string {
  return oldest === undefined
    ? `${names} came with PyTorch 2 after its last release for phones, ${RUNTIMES.at(-1)!.version}: no prebuilt lite interpreter can load the file.`
    : `${names} came with PyTorch 2: lite interpreters older than ${oldest}, such as pytorch_android_lite 1.13.1, cannot load the file.`
}

function list(names: ReadonlySet<string>): string {
  return [...names].toSorted().join(', ')
}
