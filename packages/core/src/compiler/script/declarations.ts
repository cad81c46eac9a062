import type { ClassType, ScriptFunction } from '../ir/class-type.ts'
import type { IValue } from '../ir/ivalue.ts'
import { ivalueType } from '../ir/ivalue.ts'
import type { Argument, FunctionSchema } from '../ir/schema.ts'
import { sameType, type EnumType, type InterfaceType, type TupleType, type Type } from '../ir/types.ts'
import type { AssignStmt, Expr, Stmt } from './ast.ts'
import { literalValue } from './literal-values.ts'
import { literalNumber } from './lower-literals.ts'
import type { Resolver } from './lowering.ts'
import { parserOf } from './parser.ts'
import { legacyPackedType } from './packed-attributes.ts'
import { scriptFunction, signatureSchema } from './script-function.ts'
import { invalidCode, located, syntaxError } from './source.ts'
import { classMembers, type ClassPart, type SourcePart } from './source-index.ts'

/** Lists of names that a class body starts with. */
const NAME_LISTS = ['__parameters__', '__buffers__', '__forward_pre_hooks__', '__forward_hooks__'] as const
type NameList = typeof NAME_LISTS[number]

/** Fills in a class from its text; returns its forward hooks, which are called like functions. */
export function declareClass(type: ClassType, part: ClassPart, resolver: Resolver): ReadonlyMap<string, ScriptFunction> {
  const { methods, fields } = classMembers(part)
  const names: Record<NameList, Set<string>> = {
    __parameters__: new Set(), __buffers__: new Set(), __forward_pre_hooks__: new Set(), __forward_hooks__: new Set(),
  }
  const declared = new Set<string>()
  for (const statement of assignments(part, fields)) declareField(type, part, statement, names, declared, resolver)
  const hooks = new Map<string, ScriptFunction>()
  for (const method of methods) {
    const isHook = names.__forward_pre_hooks__.has(method.name) || names.__forward_hooks__.has(method.name)
    const target = isHook ? hooks : type.methods
    if (target.has(method.name)) throw invalidCode(method.source, method.line, `${type.name} defines ${method.name} twice`)
    target.set(method.name, scriptFunction(`${type.name}.${method.name}`, method, resolver, type))
  }
  return hooks
}

/** The assignments and declarations of a class body; anything else is refused. */
function* assignments(part: ClassPart, fields: readonly SourcePart[]): Generator<AssignStmt> {
  for (const field of fields) {
    for (const statement of parserOf(field.source, field.begin, field.end, field.line).statements()) {
      if (statement.kind === 'Assign') yield statement
      else if (!isDocumentation(statement)) throw syntaxError(part.source, statement.line, `class ${part.name} holds something other than fields and methods`)
    }
  }
}

function isDocumentation(statement: Stmt): boolean {
  return statement.kind === 'Pass' || (statement.kind === 'Expr' && statement.value.kind === 'String')
}

function declareField(
  type: ClassType, part: ClassPart, statement: AssignStmt, names: Record<NameList, Set<string>>, declared: Set<string>, resolver: Resolver,
): void {
  const { target, value, line } = statement
  const add = (name: string, typeExpr: Expr): void => {
    if (declared.has(name)) throw invalidCode(part.source, line, `${type.name} declares ${name} twice`)
    declared.add(name)
    type.attributes.push({
      name, type: legacyPackedType(type.name, name, typeExpr, resolver) ?? typeAt(part, typeExpr, resolver),
      isParameter: names.__parameters__.has(name), isBuffer: names.__buffers__.has(name),
    })
  }
  if (target.kind === 'Name') {
    const list = NAME_LISTS.find((name) => name === target.name)
    if (list !== undefined) {
      for (const name of stringList(part, value, line)) names[list].add(name)
    } else if (target.name === '__annotations__') {
      // Starts the dictionary that the names without an identifier go into; says nothing.
    } else if (statement.type === undefined) {
      throw syntaxError(part.source, line, `field ${target.name} has no type`)
    } else if (value === undefined) {
      add(target.name, statement.type)
    } else {
      type.constants.set(target.name, finalConstant(part, statement.type, value, resolver))
    }
    return
  }
  const [key] = target.kind === 'Subscript' && target.value.kind === 'Name' && target.value.name === '__annotations__' ? target.indices : []
  if (key?.kind !== 'String' || value === undefined) throw syntaxError(part.source, line, 'a class assigns to something that is no field')
  add(key.value, value)
}

/** `name : Final[int] = 3` */
function finalConstant(part: ClassPart, typeExpr: Expr, value: Expr, resolver: Resolver): IValue {
  if (typeExpr.kind !== 'Subscript' || typeExpr.value.kind !== 'Name' || typeExpr.value.name !== 'Final') {
    throw syntaxError(part.source, typeExpr.line, 'a field with a value that is not Final')
  }
  const [constantType, ...others] = typeExpr.indices
  if (constantType === undefined || constantType.kind === 'Slice' || others.length > 0) throw syntaxError(part.source, typeExpr.line, 'Final takes one type')
  const type = typeAt(part, constantType, resolver)
  return located(part.source, value.line, () => literalValue(value, type, resolver))
}

function stringList(part: ClassPart, value: Expr | undefined, line: number): string[] {
  if (value?.kind !== 'List') throw syntaxError(part.source, line, 'expected a list of names')
  return value.elements.map((element) => {
    if (element.kind !== 'String') throw syntaxError(part.source, element.line, 'expected a name in quotes')
    return element.value
  })
}

/** `class P(NamedTuple):` and the schema of its constructor. */
export function declareNamedTuple(name: string, part: ClassPart, resolver: Resolver): { type: TupleType; constructor: FunctionSchema } {
  const { methods, fields } = classMembers(part)
  if (methods.length > 0) throw syntaxError(part.source, methods[0]!.line, `NamedTuple ${part.name} has a method`)
  const args: Argument[] = []
  for (const { target, type, value, line } of assignments(part, fields)) {
    if (target.kind !== 'Name' || type === undefined) throw syntaxError(part.source, line, `NamedTuple ${part.name} has a field without a type`)
    const fieldType = typeAt(part, type, resolver)
    args.push({
      name: target.name, type: fieldType, kwargOnly: false, isOut: false,
      ...(value && { defaultValue: located(part.source, value.line, () => literalValue(value, fieldType, resolver)) }),
    })
  }
  const type: TupleType = { kind: 'TupleType', name, elements: args.map((arg) => arg.type), fields: args.map((arg) => arg.name) }
  const returns: Argument[] = [{ name: '', type, kwargOnly: false, isOut: false }]
  return { type, constructor: { name, overload: '', arguments: args, returns, isVararg: false, isVarret: false } }
}

/** `class Color(Enum):`; members are ints, floats or strings, all of one type. */
export function declareEnum(name: string, part: ClassPart): { type: EnumType; members: ReadonlyMap<string, IValue> } {
  const values: [string, IValue][] = []
  for (const { target, value, line } of assignments(part, classMembers(part).fields)) {
    const constant = value?.kind === 'String' ? { tag: 'String' as const, value: value.value } : value && literalNumber(value)
    if (target.kind !== 'Name' || constant === undefined) throw syntaxError(part.source, line, `enum ${part.name} has a member without a plain value`)
    values.push([target.name, constant])
  }
  const first = values[0]
  if (first === undefined) throw syntaxError(part.source, part.line, `enum ${part.name} has no members`)
  const valueType = ivalueType(first[1])
  if (!values.every(([, value]) => sameType(ivalueType(value), valueType))) {
    throw invalidCode(part.source, part.line, `the members of enum ${part.name} have different types`)
  }
  const type: EnumType = { kind: 'EnumType', name, value: valueType, members: values.map(([member]) => member) }
  return { type, members: new Map(values.map(([member, value]) => [member, { tag: 'Enum', type, name: member, value }])) }
}

/** `class I(ModuleInterface):`; its methods have no bodies. */
export function declareInterface(type: InterfaceType, part: ClassPart, resolver: Resolver): ReadonlyMap<string, FunctionSchema> {
  const schemas = new Map<string, FunctionSchema>()
  for (const method of classMembers(part).methods) {
    const signature = parserOf(method.source, method.begin, method.end, method.line).signature()
    schemas.set(method.name, signatureSchema(`${type.name}.${method.name}`, method.source, signature, resolver, type))
  }
  return schemas
}

function typeAt(part: ClassPart, expr: Expr, resolver: Resolver): Type {
  return located(part.source, expr.line, () => resolver.typeOf(expr))
}
