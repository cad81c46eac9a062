import type { ScriptFunction } from '../../ir/class-type.ts'
import type { IValue } from '../../ir/ivalue.ts'
import type { FunctionSchema } from '../../ir/schema.ts'
import type { EnumType, InterfaceType, Type } from '../../ir/types.ts'

/** What a model defines beyond what graphs and classes hold themselves; a LoadedModule has it. Needed only where graphs refer to it. */
export interface Definitions {
  /** A free function by its qualified name, which `prim::CallFunction` refers to. */
  functionNamed?(name: string): ScriptFunction | undefined
  /** A class by its qualified name. */
  typeNamed?(name: string): Type | undefined
  /** Name and value of each member of an enum, in order. */
  enumMembers?(type: EnumType): readonly (readonly [string, IValue])[]
  /** What an interface asks for; the object is the first argument. */
  interfaceMethods?(type: InterfaceType): readonly FunctionSchema[]
}
