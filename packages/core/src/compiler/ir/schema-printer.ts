import type { IValue } from './ivalue.ts'
import { schemaName, type AliasInfo, type Argument, type FunctionSchema } from './schema.ts'
import { typeString } from './types.ts'

/** PyTorch's notation of a signature, which `parseSchema` reads back (aten/src/ATen/core/function_schema_inl.h). */
export function schemaToString(schema: FunctionSchema): string {
  const parameters: string[] = []
  let kwargOnly = false
  for (const argument of schema.arguments) {
    if (argument.kwargOnly && !kwargOnly) parameters.push('*')
    kwargOnly ||= argument.kwargOnly
    parameters.push(argumentToString(argument))
  }
  if (schema.isVararg) parameters.push('...')
  const returns = schema.returns.map(argumentToString)
  if (schema.isVarret) returns.push('...')
  const bare = returns.length === 1 && !returns[0]!.startsWith('(')
  return `${schemaName(schema)}(${parameters.join(', ')}) -> ${bare ? returns[0] : `(${returns.join(', ')})`}`
}

/** One argument or return: `Tensor(a!) self`, `int[2] stride=1`. */
export function argumentToString(argument: Argument): string {
  const optional = argument.type.kind === 'OptionalType'
  const type = argument.type.kind === 'OptionalType' ? argument.type.element : argument.type
  const { alias, size } = argument
  let text = type.kind === 'ListType'
    ? `${typeString(type.element)}${alias?.contained ? aliasToString(alias.contained) : ''}[${size ?? ''}]`
    : typeString(type)
  if (alias !== undefined && alias.before.length > 0) text += aliasToString(alias)
  if (optional) text += '?'
  if (argument.name !== '') text += ` ${argument.name}`
  if (argument.defaultValue !== undefined) text += `=${defaultToString(argument.defaultValue, size)}`
  return text
}

function aliasToString(alias: AliasInfo): string {
  const before = `${alias.before.join('|')}${alias.isWrite ? '!' : ''}`
  const same = alias.before.length === alias.after.length && alias.before.every((set, i) => set === alias.after[i])
  return same ? `(${before})` : `(${before} -> ${alias.after.join('|')})`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\', '\'': '\\\'', '"': '\\"', '\n': '\\n', '\t': '\\t', '\f': '\\f', '\v': '\\v', '\b': '\\b', '\x07': '\\a',
}

function defaultToString(value: IValue, size: number | undefined): string {
  switch (value.tag) {
    case 'None': return 'None'
    case 'Bool': return value.value ? 'True' : 'False'
    case 'Int': return value.value.toString()
    case 'Double': return Number.isInteger(value.value) && Math.abs(value.value) < 1e15 ? `${value.value}.` : floatText(value.value)
    case 'ComplexDouble': return `${value.imag}j`
    case 'String': case 'Device': return `"${[...value.value].map((char) => ESCAPES[char] ?? char).join('')}"`
    case 'List': return listToString(value.elements.map((element) => defaultToString(element, undefined)), size)
    default: throw new Error(`a ${value.tag} cannot be a default`)
  }
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  return Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf'
}

/** `[1, 1]` is written `1`, as registrations do for fixed lengths. */
function listToString(elements: readonly string[], size: number | undefined): string {
  const repeated = elements.length > 1 && elements.length === size && elements.every((element) => element === elements[0])
  return repeated ? elements[0]! : `[${elements.join(', ')}]`
}
