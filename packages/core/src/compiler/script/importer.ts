import { PetalError } from '../errors.ts'
import { classType, CUSTOM_CLASS_PREFIX, type ClassType, type ScriptFunction } from '../ir/class-type.ts'
import type { IValue } from '../ir/ivalue.ts'
import type { FunctionSchema } from '../ir/schema.ts'
import { parseAnnotationString } from '../ir/type-parser.ts'
import type { EnumType, InterfaceType, TupleType, Type } from '../ir/types.ts'
import type { Expr } from './ast.ts'
import { declareClass, declareEnum, declareInterface, declareNamedTuple } from './declarations.ts'
import type { Resolver } from './lowering.ts'
import { scriptFunction } from './script-function.ts'
import { syntaxError, type SourceFile } from './source.ts'
import { indexSource, type ClassPart, type FunctionPart } from './source-index.ts'
import { typeExpressions } from './type-expressions.ts'

/** NamedTuples within NamedTuples. Each is complete only when its fields are, so they are read depth first. */
const MAX_TUPLE_DEPTH = 100
/** Types inside one NamedTuple, NamedTuples written out: a few short ones that hold one another twice would be a type of any size. */
const MAX_TUPLE_PARTS = 1000

/** Where an importer finds code. */
export interface ImporterOptions {
  /** The text of the record that defines `__torch__.a.b.…`, which is `code/__torch__/a/b.py`; undefined when there is none. */
  sourceOf(qualifier: string): SourceFile | undefined
  /** The archive's version record. */
  readonly operatorVersion: number
}

/**
 * Turns qualified names into classes, NamedTuples, enums, interfaces and functions, from the code records of a model, each when
 * it is first asked for: what is never reached is never read. As SourceImporter in torch/csrc/jit/serialization/import_source.cpp.
 */
export class Importer implements Resolver {
  readonly operatorVersion: number
  readonly #options: ImporterOptions
  readonly #sources = new Map<string, Map<string, ClassPart | FunctionPart>>()
  readonly #types = new Map<string, Type>()
  readonly #functions = new Map<string, ScriptFunction>()
  readonly #hooks = new Map<ClassType, ReadonlyMap<string, ScriptFunction>>()
  readonly #enums = new Map<string, ReadonlyMap<string, IValue>>()
  readonly #interfaces = new Map<string, ReadonlyMap<string, FunctionSchema>>()
  readonly #tuples = new Map<string, FunctionSchema>()
  readonly #tupleParts = new Map<string, number>()
  readonly #typeOf = typeExpressions((name) => this.namedType(name))
  /** Classes whose members are still to be declared: done one after the other, as classes may refer to one another. */
  readonly #undeclared: { type: ClassType; part: ClassPart }[] = []
  #declaring = false
  #tupleDepth = 0
  #constants: readonly IValue[] = []
  #warnings = 0n

  constructor(options: ImporterOptions) {
    this.#options = options
    this.operatorVersion = options.operatorVersion
  }

  /** Gives the values of `constants.pkl`, which are only known once the classes in it can be resolved. */
  setConstants(constants: readonly IValue[]): void {
    this.#constants = constants
  }

  constant(index: number): IValue | undefined {
    return this.#constants[index]
  }

  nextWarning(): bigint {
    return this.#warnings++
  }

  typeOf(expr: Expr): Type {
    return this.#typeOf(expr)
  }

  /** A type as pickles write it. Throws a PetalError for one that the model does not define. */
  parseType(text: string): Type {
    try {
      return parseAnnotationString(text, (name) => this.namedType(name))
    } catch (error) {
      if (error instanceof PetalError || !(error instanceof Error)) throw error
      throw unknownType(text, error.message)
    }
  }

  /** The class or enum that a pickle names. */
  resolveClass(name: string): ClassType | EnumType {
    const type = this.namedType(name)
    if (type?.kind === 'ClassType' || type?.kind === 'EnumType') return type
    throw unknownType(name, 'the code of the model does not define it')
  }

  /** A class that PyTorch's native libraries define. */
  customClass(name: string): ClassType {
    const type = this.namedType(name)
    if (type?.kind !== 'ClassType' || !type.torchbind) throw new Error(`${name} is no custom class`)
    return type
  }

  namedType(name: string): Type | undefined {
    const known = this.#types.get(name)
    if (known !== undefined) return known
    if (name.startsWith(CUSTOM_CLASS_PREFIX)) return this.#remember(name, classType(name))
    const part = this.#partNamed(name)
    return part?.kind === 'class' ? this.#importType(name, part) : undefined
  }

  functionNamed(name: string): ScriptFunction | undefined {
    let found = this.#functions.get(name)
    if (found === undefined) {
      const part = this.#partNamed(name)
      found = part?.kind === 'def' ? scriptFunction(name, part, this) : this.#hookNamed(name)
      if (found === undefined) return undefined
      this.#functions.set(name, found)
    }
    return found
  }

  /** Adds the functions of a text to the methods of a class. */
  define(type: ClassType, source: SourceFile): void {
    for (const part of indexSource(source)) {
      if (part.kind === 'def') type.methods.set(part.name, scriptFunction(`${type.name}.${part.name}`, part, this, type))
    }
  }

  hook(type: ClassType, name: string): ScriptFunction | undefined {
    return this.#hooks.get(type)?.get(name)
  }

  enumMember(type: EnumType, name: string): IValue | undefined {
    return this.#enums.get(type.name)?.get(name)
  }

  /** Name and value of each member, in order. */
  enumMembers(type: EnumType): readonly (readonly [string, IValue])[] {
    return [...this.#enums.get(type.name) ?? []].map(([name, value]) => [name, value.tag === 'Enum' ? value.value : value] as const)
  }

  interfaceMethod(type: InterfaceType, name: string): FunctionSchema | undefined {
    return this.#interfaces.get(type.name)?.get(name)
  }

  /** All methods that an interface asks for. */
  interfaceMethods(type: InterfaceType): readonly FunctionSchema[] {
    return [...this.#interfaces.get(type.name)?.values() ?? []]
  }

  namedTupleSchema(type: TupleType): FunctionSchema {
    const schema = this.#tuples.get(type.name ?? '')
    if (schema === undefined) throw new Error(`there is no constructor of ${type.name}`)
    return schema
  }

  #hookNamed(name: string): ScriptFunction | undefined {
    const dot = name.lastIndexOf('.')
    const owner = dot < 0 ? undefined : this.namedType(name.slice(0, dot))
    return owner?.kind === 'ClassType' ? this.hook(owner, name.slice(dot + 1)) : undefined
  }

  #remember<T extends Type>(name: string, type: T): T {
    this.#types.set(name, type)
    return type
  }

  #importType(name: string, part: ClassPart): Type {
    switch (part.base) {
      case undefined: case 'Module': {
        const type = this.#remember(name, classType(name, { isModule: part.base === 'Module' }))
        this.#undeclared.push({ type, part })
        this.#declareClasses()
        return type
      }
      case 'NamedTuple': {
        if (++this.#tupleDepth > MAX_TUPLE_DEPTH) throw syntaxError(part.source, part.line, `NamedTuples are nested more than ${MAX_TUPLE_DEPTH} deep`)
        const { type, constructor } = declareNamedTuple(name, part, this)
        this.#tupleDepth--
        const parts = this.#countParts(type)
        if (parts > MAX_TUPLE_PARTS) throw syntaxError(part.source, part.line, `NamedTuple ${part.name} has more than ${MAX_TUPLE_PARTS} parts`)
        this.#tupleParts.set(name, parts)
        this.#tuples.set(name, constructor)
        return this.#remember(name, type)
      }
      case 'Enum': {
        const { type, members } = declareEnum(name, part)
        this.#enums.set(name, members)
        return this.#remember(name, type)
      }
      case 'Interface': case 'ModuleInterface': {
        const type = this.#remember(name, { kind: 'InterfaceType', name, isModule: part.base === 'ModuleInterface' } satisfies InterfaceType)
        this.#interfaces.set(name, declareInterface(type, part, this))
        return type
      }
      default:
        throw syntaxError(part.source, part.line, `class ${part.name} has the base ${part.base}, which TorchScript does not know`)
    }
  }

  /** The number of types that `type` is written with, NamedTuples being counted already. */
  #countParts(type: Type): number {
    switch (type.kind) {
      case 'TupleType': case 'UnionType': {
        const known = type.kind === 'TupleType' && type.name !== undefined ? this.#tupleParts.get(type.name) : undefined
        return known ?? type.elements.reduce((sum, element) => sum + this.#countParts(element), 1)
      }
      case 'OptionalType': case 'ListType': case 'FutureType': case 'RRefType': case 'AwaitType': return 1 + this.#countParts(type.element)
      case 'DictType': return 1 + this.#countParts(type.key) + this.#countParts(type.value)
      default: return 1
    }
  }

  #declareClasses(): void {
    if (this.#declaring) return
    this.#declaring = true
    try {
      for (let next = this.#undeclared.pop(); next; next = this.#undeclared.pop()) {
        this.#hooks.set(next.type, declareClass(next.type, next.part, this))
      }
    } finally {
      this.#declaring = false
    }
  }

  #partNamed(name: string): ClassPart | FunctionPart | undefined {
    const dot = name.lastIndexOf('.')
    if (dot < 0) return undefined
    const qualifier = name.slice(0, dot)
    let parts = this.#sources.get(qualifier)
    if (parts === undefined) {
      const source = this.#options.sourceOf(qualifier)
      parts = new Map((source === undefined ? [] : indexSource(source)).map((part) => [part.name, part]))
      this.#sources.set(qualifier, parts)
    }
    return parts.get(name.slice(dot + 1))
  }
}

function unknownType(name: string, why: string): PetalError {
  return new PetalError({
    code: 'UNKNOWN_TYPE',
    message: `The model has a value of type '${name}': ${why}.`,
    cause: 'The file is incomplete, or something other than torch.jit.save wrote it.',
    fix: 'Save the model again with torch.jit.save.',
  })
}
