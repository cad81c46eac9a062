import { PetalError } from '../errors.ts'
import type { ScriptFunction } from '../ir/class-type.ts'
import { Graph } from '../ir/graph.ts'
import type { ObjectValue } from '../ir/ivalue.ts'
import { inlineAll } from '../passes/inlining.ts'
import { objectAt } from '../passes/module-paths.ts'
import type { InnerPath, Members } from '../passes/preserved.ts'
import type { Method } from '../program.ts'
import type { LoadedModule } from '../script/load.ts'

/** What is needed of a loaded module. */
export type Optimizable = Pick<LoadedModule, 'root' | 'method' | 'functionNamed'>

/**
 * The methods of the file, inlined; of branches only those that they take in evaluation mode. Methods of modules within become
 * methods of the root, as apps run no others: `encoder.step` is called `encoder_step`.
 */
export function inlineMethods(module: Optimizable, members: Members): Method[] {
  const { root } = module
  const all = methodsOf(root, module, members)
  const changing = new Set([...members.attributes.values()].flatMap((names) => Array.from(names)))
  const graphs = inlineAll(all.map(({ method }) => method), {
    root, changing, settle: true, functionNamed: (callee) => module.functionNamed(callee),
  })
  return all.map(({ name, method: { schema } }, i) => ({ name, schema, graph: graphs[i]! }))
}

/** The methods of the file as they were saved, with calls. Their graphs are the module's own, so no pass may change them. */
export function savedMethods(module: Optimizable, members: Members): Method[] {
  return methodsOf(module.root, module, members).map(({ name, method }) => ({ name, schema: method.schema, graph: method.graph() }))
}

function methodsOf(root: ObjectValue, module: Optimizable, { methods, innerMethods }: Members): { name: string; method: ScriptFunction }[] {
  return [
    ...methods.map((name) => ({ name, method: module.method(name) ?? missing(root, name) })),
    ...innerMethods.map((inner) => ({ name: forwardedName(root, inner), method: forwarder(root, inner) })),
  ]
}

/** The name by which an app runs a method of a module within. Throws a PetalError where the root has something else of that name. */
export function forwardedName(root: ObjectValue, { path, name }: InnerPath): string {
  const forwarded = [...path, name].join('_')
  if (!root.type.methods.has(forwarded) && !root.slots.has(forwarded)) return forwarded
  throw new PetalError({
    code: 'NAME_TAKEN',
    message: `The method ${[...path, name].join('.')} would be called ${forwarded} in the file, and the model (${root.type.name}) has a member of that name.`,
    cause: 'Apps run methods of the model itself, not of the modules within, so that a path becomes a name.',
    fix: 'Rename one of the two, or preserve a method of the model that calls the other.',
  })
}

/** A method of the root module that does nothing but call one of a module within. */
function forwarder(root: ObjectValue, { path, name }: InnerPath): ScriptFunction {
  const method = objectAt(root, path)!.type.methods.get(name)!
  const { schema } = method
  const [, ...args] = schema.arguments
  return {
    name: `${root.type.name}.${[...path, name].join('_')}`,
    schema: { ...schema, name: [...path, name].join('_'), arguments: [{ name: 'self', type: root.type, kwargOnly: false, isOut: false }, ...args] },
    graph() {
      const graph = new Graph()
      let self = graph.block.addInput(root.type, 'self')
      let object = root
      for (const step of path) {
        object = objectAt(object, [step])!
        self = graph.insert(graph.create('prim::GetAttr', [self]).setString('name', step)).addOutput(object.type, step)
      }
      const inputs = args.map((argument) => graph.block.addInput(argument.type, argument.name))
      const call = graph.insert(graph.create('prim::CallMethod', [self, ...inputs]).setString('name', name))
      graph.block.registerOutput(call.addOutput(method.graph().outputs[0]!.type))
      return graph
    },
  }
}

function missing(root: ObjectValue, name: string): never {
  const message = `The model (${root.type.name}) has no method ${name}.`
  if (name !== 'forward') throw new PetalError({ code: 'NO_METHOD', message, fix: 'Name a method that is exported (torch.jit.export).' })
  throw new PetalError({
    code: 'NO_FORWARD',
    message,
    cause: 'Scripting nn.LSTM, nn.GRU and some other layers by themselves gives a module without one, as does a module that only exports other methods.',
    fix: 'Wrap the layer in a module with a forward method and script that, or name its methods with "preserve".',
  })
}
