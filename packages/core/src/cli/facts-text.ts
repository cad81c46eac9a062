import colors from 'picocolors'
import { RUNTIMES } from '../compiler/emit/runtimes/index.ts'
import { BLOCKABLE } from '../compiler/backends/index.ts'
import type { Facts, PortFact } from '../compiler/facts.ts'
import type { BuiltFacts } from '../facts.ts'
import type { ConversionFacts } from '../pytorch/engine.ts'
import { count, plain, size } from './terminal.ts'

const total = (operators: Readonly<Record<string, number>>): number => Object.values(operators).reduce((sum, times) => sum + times, 0)

/** The first column of a line about a model. */
export const label: (text: string) => string = (text) => colors.dim(text.padEnd(10))

/** The inputs and outputs, a line each. */
export function portLines({ inputs, outputs }: Pick<Facts, 'inputs' | 'outputs'>): string[] {
  return [...inputs.map((port) => `${label('input')} ${portText(port)}`), ...outputs.map((port) => `${label('output')} ${portText(port)}`)]
}

function portText(port: PortFact): string {
  const dtype = port.dtype === undefined ? '' : ` ${port.dtype}`
  const shape = port.shape ? ` [${port.shape.map((extent) => extent ?? '?').join(', ')}]` : ''
  const value = port.default === undefined ? '' : ` = ${port.default}`
  return plain(`${port.name ? `${port.name}: ` : ''}${port.type}${dtype}${shape}${value}`)
}

/** How many operators there were and are. */
export function operatorLine({ operators }: Pick<Facts, 'operators'>): string {
  const [before, after] = [total(operators.before), total(operators.after)]
  return `${label('operators')} ${before === after ? after : `${before} -> ${after}`}`
}

/** Whether the outputs were compared with those of the model before it was optimized. */
export function checkLine({ check }: Pick<BuiltFacts, 'check'>): string {
  if ('skipped' in check) return `${label('checked')} no: ${plain(check.skipped)}`
  const { inputs, worst, tolerance } = check
  return `${label('checked')} ${colors.green('the same as before')} on ${plain(inputs.join(', '))}; worst ${worst}, allowed ${tolerance}`
}

/** The releases of PyTorch Mobile that load the file; nothing for files that are not for phones. */
export function phonesLines({ runtimes }: Pick<Facts, 'runtimes'>): string[] {
  if (runtimes === undefined) return []
  const [first, last] = [runtimes[0], runtimes.at(-1)]
  if (first === undefined) return [`${label('phones')} ${colors.yellow('no release of PyTorch Mobile loads it')}`]
  const all = RUNTIMES.map(({ version }) => version)
  const hasGaps = all.indexOf(last!) - all.indexOf(first) >= runtimes.length
  return [`${label('phones')} PyTorch Mobile ${hasGaps ? runtimes.join(', ') : first === last ? first : `${first} to ${last}`}`]
}

/** What runs the model on the web. */
export function runtimeLine({ runtime }: Pick<BuiltFacts, 'runtime'>): string {
  const lacking = runtime.unsupported.map(({ operator }) => operator)
  return `${label('web')} ${lacking.length === 0 ? 'runs' : colors.yellow(`lacks ${plain(lacking.join(', '))}`)}`
}

/** How PyTorch made TorchScript of the source. */
export function conversionLines({ method, why, torch, python, mixed, check, quantization }: ConversionFacts): string[] {
  const errors = (check ?? []).flatMap(({ error }) => error ?? [])
  const checked = errors.length === 0 ? '' : `, the same as eager on ${count(errors.length, 'other input')}`
  const lines = [`${label('converted')} ${method === 'trace' ? 'traced' : 'scripted'} by PyTorch ${torch}, Python ${python}${checked}`]
  if (why !== undefined) lines.push(`${label('')} ${plain(why)}`)
  if (mixed?.length) lines.push(`${label('')} ${method === 'trace' ? 'scripted' : 'traced'} in it: ${plain(mixed.join(', '))}`)
  if (quantization) {
    const { mode, modules, drift, bytes } = quantization
    const which = Object.entries(modules).map(([name, times]) => `${times} ${name}`).join(', ')
    const far = drift === undefined ? '' : `drift ${(drift * 100).toPrecision(2)} %, `
    lines.push(`${label('quantized')} ${mode}: ${plain(which)}; ${far}${size(bytes.before)} -> ${size(bytes.after)}`)
  }
  return lines
}

/** How often each operator occurs, the most frequent first. */
export function operatorTable(operators: Readonly<Record<string, number>>): string[] {
  const rows = Object.entries(operators).toSorted(([a, times], [b, others]) => others - times || (a < b ? -1 : 1))
  const width = Math.max(0, ...rows.map(([, times]) => String(times).length))
  return rows.map(([name, times]) => `  ${String(times).padStart(width)}  ${plain(name)}`)
}

/** Optimizations that say something about the model; the others tidy up after them. The JSON has all. */
const isTelling = (name: string): boolean => BLOCKABLE.includes(name) || name.startsWith('fuse_')

/** What each optimization did, and what it left alone and why. */
export function optimizationLines({ optimizations }: Pick<Facts, 'optimizations'>): string[] {
  const worth = optimizations.filter((one) => isTelling(one.name) && (one.applied > 0 || one.blocked || one.declined.length > 0))
  const width = Math.max(0, ...worth.map((one) => one.name.length))
  return worth.flatMap((one) => {
    const done = one.blocked ? colors.yellow('blocked') : colors.green(count(one.applied, 'place'))
    const kept = one.declined.map(({ what, why, count: times }) =>
      colors.dim(plain(`  kept ${what}${times > 1 ? ` (${times} times)` : ''}: ${why}`)))
    return [`${one.name.padEnd(width)}  ${done}`].concat(kept)
  })
}
