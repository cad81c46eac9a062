import type { ClassType } from '../../ir/class-type.ts'
import { ivalueType, type IValue } from '../../ir/ivalue.ts'
import type { FunctionSchema } from '../../ir/schema.ts'
import { annotationString, type EnumType, type InterfaceType, type TupleType, type Type } from '../../ir/types.ts'
import { literalText, quoted, type LiteralContext } from './literals.ts'
import { isIdentifier } from './names.ts'

/** An attribute of a class as it is declared. */
export interface DeclaredAttribute {
  readonly name: string
  readonly type: Type
  readonly isParameter: boolean
  readonly isBuffer: boolean
}

function simpleName(qualified: string): string {
  return qualified.slice(qualified.lastIndexOf('.') + 1)
}

/** What a class holds beside its attributes. */
export interface ClassMembers {
  /** Texts: what PyTorch's own passes look up, such as the `eps` of a batch norm. */
  readonly constants: readonly string[]
  /** Texts, hooks included. */
  readonly methods: readonly string[]
  /** Names of methods that other code calls as functions of the class, with their inputs and with their outputs. */
  readonly preHooks: readonly string[]
  readonly hooks: readonly string[]
}

/** A module class or plain class; `printClass` in torch/csrc/jit/serialization/python_print.cpp. */
export function classText(type: ClassType, attributes: readonly DeclaredAttribute[], members: ClassMembers): string {
  const { constants, methods, preHooks, hooks } = members
  const lines = [`class ${simpleName(type.name)}${type.isModule ? '(Module)' : ''}:`]
  const list = (field: string, names: readonly string[]): void => {
    lines.push(`  ${field} = [${names.map((name) => `${quoted(name)}, `).join('')}]`)
  }
  if (type.isModule) {
    list('__parameters__', attributes.filter(({ isParameter }) => isParameter).map(({ name }) => name))
    list('__buffers__', attributes.filter(({ isBuffer }) => isBuffer).map(({ name }) => name))
    if (preHooks.length > 0) list('__forward_pre_hooks__', preHooks)
    if (hooks.length > 0) list('__forward_hooks__', hooks)
  }
  if (attributes.some(({ name }) => !isIdentifier(name))) lines.push('  __annotations__ = []')
  for (const { name, type: declared } of attributes) {
    const text = annotationString(declared)
    lines.push(isIdentifier(name) ? `  ${name} : ${text}` : `  __annotations__[${quoted(name)}] = ${text}`)
  }
  lines.push(...constants.map((text) => `  ${text}`))
  if (lines.length === 1 && methods.length === 0) lines.push('  pass')
  return `${lines.join('\n')}\n${methods.join('')}`
}

/** `eps : Final[float] = 1e-05` */
export function constantText(name: string, value: IValue, context: LiteralContext): string {
  return `${name} : Final[${annotationString(ivalueType(value))}] = ${literalText(value, context)}`
}

/** `class Point(NamedTuple):` */
export function namedTupleText(type: TupleType): string {
  const fields = type.elements.map((element, i) => `  ${type.fields![i]!} : ${annotationString(element)}\n`)
  return `class ${simpleName(type.name!)}(NamedTuple):\n${fields.join('')}`
}

/** `class Color(Enum):` */
export function enumText(type: EnumType, members: readonly (readonly [string, IValue])[], context: LiteralContext): string {
  return `class ${simpleName(type.name)}(Enum):\n${members.map(([name, value]) => `  ${name} = ${literalText(value, context)}\n`).join('')}`
}

/** `class Block(ModuleInterface):` */
export function interfaceText(type: InterfaceType, methods: readonly FunctionSchema[]): string {
  const texts = methods.map((schema) => {
    const parameters = schema.arguments.slice(1).map((argument) => `, ${argument.name}: ${annotationString(argument.type)}`)
    return `  def ${simpleName(schema.name)}(self${parameters.join('')}) -> ${annotationString(schema.returns[0]!.type)}:\n    pass\n`
  })
  return `class ${simpleName(type.name)}(${type.isModule ? 'ModuleInterface' : 'Interface'}):\n${texts.join('')}`
}
