import colors from 'picocolors'
import type { Command, OptionSpec } from './arguments.ts'

/** Two columns, the first as wide as its widest cell. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}

const EXIT_CODES: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'the model was refused'],
  ['2', 'the command line was not understood'],
  ['3', 'a file cannot be read or written, or there is no PyTorch for a Python source'],
  ['4', 'a defect of petal'],
]

/** What `petal --help` prints. */
export function generalHelp(commands: readonly Command[]): string {
  return [
    `${colors.bold('petal')} compiles PyTorch models for phones and the web, without Python.`,
    '',
    colors.bold('Commands'),
    ...table(commands.map((command) => [usage(command), command.about])),
    ...table([['petal --version', 'print the version'], ['petal <command> --help', 'say more about a command']]),
    '',
    colors.bold('Exit codes'),
    ...table(EXIT_CODES),
  ].join('\n')
}

/** What `petal <command> --help` prints. */
export function commandHelp(command: Command): string {
  return [
    `${colors.bold(usage(command))}  ${command.about}`,
    '',
    ...table(Object.entries(command.options).map(([option, spec]) => [spelling(option, spec), spec.about])),
  ].join('\n')
}

function usage({ name, operand, isOptional }: Command): string {
  return `petal ${name} ${isOptional ? `[${operand}]` : `<${operand}>`}`
}

function spelling(name: string, { short, value }: OptionSpec): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`
}
