import type { BytecodeVersion, RuntimeVersion } from '../artifact.ts'
import type { ClassType } from '../ir/class-type.ts'
import { allNodes } from '../ir/graph.ts'
import { boolValue, type ObjectValue } from '../ir/ivalue.ts'
import { objectsOf } from '../ir/objects.ts'
import type { Method, Program } from '../program.ts'
import { BYTECODE_FORMS, BYTECODE_VERSION } from './bytecode-form.ts'
import { emitBytecode } from './bytecode.ts'
import type { Bytecode } from './emitter.ts'
import { operatorVersion } from './operator-version.ts'
import { adapted } from './runtimes/adapt.ts'
import { RUNTIMES, runtimeNamed } from './runtimes/index.ts'

/** What a program is for the lite interpreter, whatever it is written into. */
export interface MobileModule {
  readonly operatorVersion: number
  /** With the flags of the program among its attributes. */
  readonly root: ObjectValue
  /** The attributes that objects of a class are saved with; their order is the order of slots. */
  readonly attributesOf: (type: ClassType) => readonly string[]
  readonly methods: readonly MobileMethod[]
}

/** A method and its code. */
export interface MobileMethod extends Pick<Method, 'name' | 'schema'> {
  readonly code: Bytecode
}

/**
 * Compiles the methods of a program to bytecode. With `runtime`, calls pass what that release knows.
 * Throws a PetalError for what the lite interpreter cannot run; whether the runtime has every operator `requireRuntime` tells.
 */
export function mobileModule({ root, methods, flags }: Program, version: BytecodeVersion, runtime?: RuntimeVersion): MobileModule {
  const form = BYTECODE_FORMS[version]
  const used = usedAttributes(root, methods, Object.keys(flags))
  const attributesOf = (type: ClassType): readonly string[] => used.get(type) ?? []
  const slotOf = (type: ClassType, name: string): number => attributesOf(type).indexOf(name)
  const emitted = methods.map(({ name, schema, graph }): MobileMethod => {
    return { name, schema, code: emitBytecode(runtime === undefined ? graph : adapted(graph, runtime), slotOf, form) }
  })
  const codes = emitted.map(({ code }) => code)
  return {
    operatorVersion: operatorVersion(codes, runtime === undefined ? newestOperators(version) : runtimeNamed(runtime).operators),
    root: { ...root, slots: new Map([...root.slots, ...Object.entries(flags).map(([name, value]) => [name, boolValue(value)] as const)]) },
    attributesOf, methods: emitted,
  }
}

/** The newest operator version that every runtime reads which a version of bytecode is for: those that load no newer one, else all that do. */
function newestOperators(version: BytecodeVersion): number {
  const loading = RUNTIMES.filter(({ bytecode: [, last] }) => last >= Math.min(version, BYTECODE_VERSION))
  return Math.min(...loading.map(({ operators }) => operators))
}

/**
 * Per class the attributes that its objects in the module have, preserved ones among them, and those that some method reads or writes, in the
 * order in which the class declares them; the root's flags last.
 */
function usedAttributes(root: ObjectValue, methods: readonly Method[], flags: readonly string[]): Map<ClassType, string[]> {
  const used = new Map<ClassType, Set<string>>()
  const use = (type: ClassType, names: Iterable<string>): void => { used.set(type, new Set([...used.get(type) ?? [], ...names])) }
  for (const { type, slots } of objectsOf(root)) use(type, slots.keys())
  for (const { graph } of methods) {
    for (const node of allNodes(graph.block)) {
      if (node.kind !== 'prim::GetAttr' && node.kind !== 'prim::SetAttr') continue
      const { type } = node.input(0)
      if (type.kind === 'ClassType') use(type, [node.string('name')])
    }
  }
  const result = new Map<ClassType, string[]>()
  for (const [type, names] of used) {
    const declared = type.attributes.map(({ name }) => name).filter((name) => names.has(name))
    result.set(type, [...new Set([...declared, ...names])])
  }
  return result.set(root.type, [...(result.get(root.type) ?? []).filter((name) => !flags.includes(name)), ...flags])
}
