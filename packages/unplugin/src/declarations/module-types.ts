import type { ModelFacts, ModelPort, ModelSignature } from '../handle.ts'
import type { Shape } from '../module.ts'
import { typeScriptOf } from './script-types.ts'

/** What declarations may name, all from `unplugin-petal/handle`. */
const NAMES = ['Input', 'Method', 'ModelFacts', 'ModelHandle', 'Output', 'TensorData', 'TensorInput', 'TensorValue']

/** Of an import whose model cannot be told from its specifier. */
export const UNKNOWN: Readonly<Record<'handle' | 'url' | 'facts', string>> = {
  handle: declaring('model', 'ModelHandle'), url: declaring('url', 'string'), facts: declaring('facts', 'ModelFacts'),
}

/** The text between the braces of an import's `declare module`: what its default export is. */
export function moduleTypes(shape: Exclude<Shape, 'runtime'>, { signature, methods = {} }: Pick<ModelFacts, 'signature' | 'methods'>): string {
  if (shape !== 'handle') return UNKNOWN[shape]
  const all = Object.entries({ forward: signature, ...methods }).map(([name, method]) => `    readonly ${key(name)}: ${methodType(method)}\n`)
  return declaring('model', `ModelHandle<{\n${all.join('')}  }>`)
}

/** The names that it uses are imported. */
function declaring(name: string, type: string): string {
  const used = NAMES.filter((each) => new RegExp(`\\b${each}\\b`).test(type.replaceAll(/\/\*.*?\*\/|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g, '')))
  const imported = used.length > 0 ? `  import type { ${used.join(', ')} } from 'unplugin-petal/handle'\n` : ''
  return `${imported}  const ${name}: ${type}\n  export default ${name}\n`
}

/** `Method<[x: TensorInput], { readonly x: TensorInput }, { readonly output: TensorValue }>` */
function methodType({ inputs, outputs }: ModelSignature): string {
  const lastRequired = inputs.findLastIndex((port) => !hasDefault(port))
  const isLabelled = inputs.every(({ name }) => IDENTIFIER.test(name))
  const positional = inputs.map((port, i) => {
    const type = typeScriptOf(port.type, 'input')
    const label = isLabelled ? `${port.name}${i > lastRequired ? '?' : ''}: ` : ''
    // Python lets inputs without a default follow only by name; by position they cannot be left out.
    return `${label}${label === '' && i > lastRequired ? `(${type})?` : type}${hasDefault(port) && i < lastRequired ? ' | undefined' : ''}`
  })
  const named = inputs.map((port, i) =>
    member(port.name || `input${i}`, hasDefault(port), port, typeScriptOf(port.type, 'input')))
  const given = outputs.map((port, i) =>
    member(port.name || (outputs.length === 1 ? 'output' : `output${i}`), false, port, typeScriptOf(port.type, 'output')))
  return `Method<\n      [${positional.join(', ')}],\n      ${record(named)},\n      ${record(given)}\n    >`
}

const hasDefault = (port: ModelPort): boolean => port.default !== undefined

const record = (members: readonly string[]): string => (members.length === 0 ? '{}' : `{\n${members.map((each) => `        ${each}\n`).join('')}      }`)

function member(name: string, isOptional: boolean, port: ModelPort, type: string): string {
  return `/** ${described(port)} */ readonly ${key(name)}${isOptional ? '?' : ''}: ${type}${isOptional ? ' | undefined' : ''}`
}

/** `Tensor, float32, 1 × 3 × any × any` */
function described({ type, default: preset, dtype, shape }: ModelPort): string {
  const sizes = shape?.map((size) => size ?? 'any').join(' × ')
  return [type, dtype, sizes, preset === undefined ? undefined : `default ${preset}`].filter(Boolean).join(', ').replaceAll('*/', '* /').replaceAll(/\s+/g, ' ')
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

const key = (name: string): string => (IDENTIFIER.test(name) ? name : JSON.stringify(name))
