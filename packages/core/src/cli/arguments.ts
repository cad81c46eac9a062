import { parseArgs } from 'node:util'
import { PetalError } from '../errors.ts'
import { nearest } from '../request/nearest.ts'

/** An option as the help text tells it. */
export interface OptionSpec {
  readonly short?: string
  /** What the value is called in the help text; options without are switches. */
  readonly value?: string
  readonly about: string
}

/** A command as its help text tells it, and what runs it. */
export interface Command {
  readonly name: string
  readonly operand: string
  /** Whether the command can do without its operand, which is empty then. */
  readonly isOptional?: boolean
  readonly about: string
  readonly options: Readonly<Record<string, OptionSpec>>
  /** Resolves when the work is done; loaded when needed, so that help is instant. */
  readonly load: () => Promise<(args: Arguments) => Promise<void>>
}

/** A command line that was understood. Options given twice have two values. */
export interface Arguments {
  readonly operand: string
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly switches: ReadonlySet<string>
}

/** Reads what follows a command's name. Throws a PetalError (UNKNOWN_OPTION, USAGE) that says what is valid. */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const options = Object.fromEntries(Object.entries(command.options).map(([name, { short, value }]) => [
    name, { type: value === undefined ? 'boolean' as const : 'string' as const, ...short !== undefined && { short } },
  ]))
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const values = new Map<string, string[]>()
  const switches = new Set<string>()
  const operands: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const spec = Object.hasOwn(command.options, token.name) ? command.options[token.name] : undefined
    if (spec === undefined) throw unknownOption(command, token.rawName)
    if (spec.value === undefined) {
      if (token.value !== undefined) throw usage(command, `The option "${token.rawName}" takes no value.`)
      switches.add(token.name)
    } else {
      if (!token.value) throw usage(command, `The option "${token.rawName}" needs a value: ${token.rawName} <${spec.value}>.`)
      values.set(token.name, [...values.get(token.name) ?? [], token.value])
    }
  }
  const [operand = ''] = operands
  if (operand === '' && !(command.isOptional && operands.length === 0)) {
    throw usage(command, `"petal ${command.name}" needs the ${command.operand}'s file name.`)
  }
  if (operands.length > 1) throw usage(command, `"petal ${command.name}" takes one ${command.operand}; "${operands[1]}" is one too many.`)
  return { operand, values, switches }
}

function usage(command: Command, message: string): PetalError {
  return new PetalError({ code: 'USAGE', message, fix: `See "petal ${command.name} --help".` })
}

function unknownOption(command: Command, written: string): PetalError {
  const names = Object.keys(command.options).map((name) => `--${name}`)
  const meant = nearest(written.replace(/^-+/, ''), Object.keys(command.options))
  return new PetalError({
    code: 'UNKNOWN_OPTION',
    message: `"petal ${command.name}" has no option "${written}".`,
    fix: `${meant === undefined ? '' : `Did you mean "--${meant}"? `}Valid: ${names.join(', ')}.`,
  })
}

/** The one value of an option that may be given once. */
export function onlyValue(args: Arguments, name: string): string | undefined {
  const given = args.values.get(name)
  if (given !== undefined && given.length > 1) {
    throw new PetalError({ code: 'USAGE', message: `The option "--${name}" is given ${given.length} times.`, fix: 'Give it once.' })
  }
  return given?.[0]
}
