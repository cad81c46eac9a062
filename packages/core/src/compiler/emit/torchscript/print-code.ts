import type { ClassType, ScriptFunction } from '../../ir/class-type.ts'
import { allNodes, type Graph } from '../../ir/graph.ts'
import { ivalueType, type IValue, type ObjectValue } from '../../ir/ivalue.ts'
import type { EnumType, InterfaceType, TupleType, Type } from '../../ir/types.ts'
import type { Program } from '../../program.ts'
import { operatorVersion } from '../operator-version.ts'
import { classText, constantText, enumText, interfaceText, namedTupleText, type DeclaredAttribute } from './classes.ts'
import { ConstantTable } from './constant-table.ts'
import type { Definitions } from './definitions.ts'
import type { CodeContext } from './function-writer.ts'
import { functionText, type WrittenFunction } from './functions.ts'
import { objectsIn } from './module-tree.ts'

/** What code is written with. */
export interface CodeOptions {
  /** What the model defines; needed where calls, enums and interfaces are left in the program. */
  readonly definitions?: Definitions
  /** The attributes that a class declares, which are those its objects are pickled with; all that its objects have when left out. */
  readonly attributesOf?: (type: ClassType) => readonly string[]
}

/** TorchScript code, and what it refers to. */
export interface PrintedCode {
  /** Text by record name: `code/__torch__/torchvision/models/resnet.py`. */
  readonly files: ReadonlyMap<string, string>
  /** `CONSTANTS.cN`: what `constants.pkl` holds. */
  readonly constants: readonly IValue[]
  /** The version record that gives the operators of the code today's meaning. */
  readonly operatorVersion: number
}

/**
 * Writes a program as TorchScript: the methods, the classes of the module's objects, and what these refer to. The text means exactly the
 * graphs: every call is checked to be read as the operator that it is. `root` is written as it is, so prune it and set flags before.
 * Throws a PetalError (`NO_TORCHSCRIPT`) for what no code means.
 */
export function printCode(program: Pick<Program, 'root' | 'methods' | 'innerMethods'>, options: CodeOptions = {}): PrintedCode {
  return new CodePrinter(program.root, options).print(program)
}

/** A type that code defines by its qualified name. */
type DefinedType = ClassType | EnumType | InterfaceType | (TupleType & { readonly name: string })

class CodePrinter implements CodeContext {
  readonly constants: ConstantTable = new ConstantTable()
  readonly #definitions: Definitions
  readonly #attributes: ReadonlyMap<string, readonly DeclaredAttribute[]>
  readonly #root: ObjectValue
  /** In the order in which they are first used. */
  readonly #types: Map<string, DefinedType> = new Map()
  /** Texts by class and name; undefined while they are still to be written. */
  readonly #methods: Map<string, Map<string, string | undefined>> = new Map()
  readonly #functions: Map<string, string | undefined> = new Map()
  /** Number of arguments of hooks, by class and name. */
  readonly #hooks: Map<string, Map<string, number>> = new Map()
  readonly #pending: (() => void)[] = []
  readonly #operators: Set<string> = new Set()

  constructor(root: ObjectValue, { definitions = {}, attributesOf }: CodeOptions) {
    this.#root = root
    this.#definitions = definitions
    const attributes = new Map<string, DeclaredAttribute[]>()
    for (const object of objectsIn(root, attributesOf)) {
      if (attributes.has(object.type.name)) continue
      const names = attributesOf?.(object.type) ?? [...object.slots.keys()]
      attributes.set(object.type.name, names.map((name) => declared(object, name)))
      this.#types.set(object.type.name, object.type)
    }
    this.#attributes = attributes
  }

  print({ methods, innerMethods = [] }: Pick<Program, 'methods' | 'innerMethods'>): PrintedCode {
    for (const { type } of [...this.#attributes.values()].flat()) this.use(type)
    for (const method of methods) this.#writeMethod(this.#root.type, method.name, () => method)
    for (const { owner, name, method } of innerMethods) {
      if (method) this.#writeMethod(owner, name, () => method)
      else this.useMethod(owner, name)
    }
    while (this.#pending.length > 0 || this.#fillInterfaces()) this.#pending.shift()?.()
    const operators = [...this.#operators].map((name) => ({ name, overload: '', numArgs: -1 }))
    return { files: this.#files(), constants: this.constants.values, operatorVersion: operatorVersion([{ operators }], Infinity) }
  }

  readonly use = (type: Type): void => {
    switch (type.kind) {
      case 'OptionalType': case 'ListType': case 'FutureType': case 'RRefType': case 'AwaitType': return this.use(type.element)
      case 'DictType':
        this.use(type.key)
        return this.use(type.value)
      case 'UnionType': return type.elements.forEach(this.use)
      case 'TupleType':
        if (type.name === undefined) return type.elements.forEach(this.use)
        return this.#define(type as TupleType & { name: string }, type.elements)
      case 'EnumType': return this.#define(type, [])
      case 'InterfaceType':
        return this.#define(type, this.#interfaceMethods(type).flatMap((schema) =>
          [...schema.arguments.slice(1), ...schema.returns].map((each) => each.type)))
      case 'ClassType':
        if (!type.torchbind) this.#define(type, this.#attributesOf(type).map((attribute) => attribute.type))
    }
  }

  #define(type: DefinedType, parts: readonly Type[]): void {
    if (this.#types.has(type.name)) return
    this.#types.set(type.name, type)
    parts.forEach(this.use)
  }

  readonly attributeType = (owner: Type, name: string): Type | undefined => {
    if (owner.kind !== 'ClassType') return undefined
    return this.#attributesOf(owner).find((attribute) => attribute.name === name)?.type
  }

  readonly useMethod = (owner: Type, name: string): readonly Type[] => {
    this.use(owner)
    if (owner.kind === 'InterfaceType') {
      const schema = this.#interfaceMethods(owner).find((each) => each.name.endsWith(`.${name}`))
      return schema?.returns.map(({ type }) => type) ?? []
    }
    const method = owner.kind === 'ClassType' ? owner.methods.get(name) : undefined
    if (owner.kind !== 'ClassType' || method === undefined) throw new Error(`no method ${name} of ${owner.kind}`)
    this.#writeMethod(owner, name, () => ({ name, schema: method.schema, graph: method.graph() }))
    return method.schema.returns.map(({ type }) => type)
  }

  readonly useFunction = (name: string): ScriptFunction => {
    const callee = this.#definitions.functionNamed?.(name)
    if (callee === undefined) throw new Error(`no function ${name}`)
    const dot = name.lastIndexOf('.')
    const written = (): WrittenFunction => ({ name: name.slice(dot + 1), schema: callee.schema, graph: callee.graph() })
    const owner = this.#definitions.typeNamed?.(name.slice(0, dot))
    if (owner?.kind === 'ClassType') {
      this.use(owner)
      this.#hooks.set(owner.name, (this.#hooks.get(owner.name) ?? new Map()).set(name.slice(dot + 1), callee.schema.arguments.length))
      this.#writeMethod(owner, name.slice(dot + 1), written)
    } else if (!this.#functions.has(name)) {
      this.#functions.set(name, undefined)
      this.#pending.push(() => { this.#functions.set(name, this.#write(written(), 0)) })
    }
    return callee
  }

  #writeMethod(owner: ClassType, name: string, method: () => WrittenFunction): void {
    const known = this.#methods.get(owner.name) ?? new Map<string, string | undefined>()
    this.#methods.set(owner.name, known)
    if (known.has(name)) return
    known.set(name, undefined)
    this.#pending.push(() => { known.set(name, this.#write(method(), 1)) })
  }

  #write(written: WrittenFunction, level: number): string {
    this.#count(written.graph)
    return functionText(written, this, level)
  }

  #count(graph: Graph): void {
    for (const { kind, attributes } of allNodes(graph.block)) {
      this.#operators.add(kind)
      for (const attribute of attributes.values()) if (attribute.kind === 'g') this.#count(attribute.value)
    }
  }

  /** A module is only taken for what an interface asks for if it has all of its methods. True when there was one to write. */
  #fillInterfaces(): boolean {
    const types = [...this.#types.values()]
    for (const type of types) {
      if (type.kind !== 'InterfaceType') continue
      const names = this.#interfaceMethods(type).map(({ name }) => name.slice(name.lastIndexOf('.') + 1))
      for (const owner of types) {
        if (owner.kind !== 'ClassType' || !names.every((name) => owner.methods.has(name))) continue
        for (const name of names) this.useMethod(owner, name)
      }
    }
    return this.#pending.length > 0
  }

  #interfaceMethods(type: InterfaceType): ReturnType<NonNullable<Definitions['interfaceMethods']>> {
    const methods = this.#definitions.interfaceMethods?.(type)
    if (methods === undefined) throw new Error(`nothing is known of interface ${type.name}`)
    return methods
  }

  /** As objects hold them; what the class declares where no object is known. */
  #attributesOf(type: ClassType): readonly DeclaredAttribute[] {
    return this.#attributes.get(type.name) ?? type.attributes
  }

  #files(): Map<string, string> {
    const files = new Map<string, string[]>()
    const add = (name: string, text: string): void => {
      const record = `code/${name.slice(0, name.lastIndexOf('.')).replaceAll('.', '/')}.py`
      const texts = files.get(record)
      if (texts) texts.push(text)
      else files.set(record, [text])
    }
    for (const [name, type] of this.#types) add(name, this.#typeText(type))
    for (const [name, text] of this.#functions) add(name, text!)
    return new Map([...files].map(([record, texts]) => [record, texts.join('')]))
  }

  #typeText(type: DefinedType): string {
    switch (type.kind) {
      case 'ClassType': {
        const hooks = [...this.#hooks.get(type.name) ?? []]
        return classText(type, this.#attributesOf(type), {
          constants: [...type.constants].map(([constant, value]) => constantText(constant, value, this)),
          methods: [...this.#methods.get(type.name)?.values() ?? []].map((text) => text!),
          // The object and the inputs; hooks after the call take the outputs, too.
          preHooks: hooks.filter(([, count]) => count === 2).map(([name]) => name),
          hooks: hooks.filter(([, count]) => count === 3).map(([name]) => name),
        })
      }
      case 'TupleType': return namedTupleText(type)
      case 'InterfaceType': return interfaceText(type, this.#interfaceMethods(type))
      case 'EnumType': {
        const members = this.#definitions.enumMembers?.(type)
        if (members === undefined) throw new Error(`nothing is known of enum ${type.name}`)
        return enumText(type, members, this)
      }
    }
  }
}

/** An attribute of an object as its class declares it; a plain one where it does not, as for flags. */
function declared(object: ObjectValue, name: string): DeclaredAttribute {
  const known = object.type.attributes.find((attribute) => attribute.name === name)
  return known ?? { name, type: ivalueType(object.slots.get(name)!), isParameter: false, isBuffer: false }
}
