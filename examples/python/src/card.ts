import type { ModelHandle, ModelPort } from 'unplugin-petal/handle'
import { el } from './dom.ts'
import type { Example } from './models.ts'

type Conversion = NonNullable<ModelHandle['conversion']>

/** One model: how it was converted, how that was checked, and what ships. */
export function card({ name, about, model }: Example): HTMLElement {
  const { conversion } = model
  return el('section', 'card',
    el('h2', '', name),
    el('p', 'about', about),
    el('dl', '',
      row('From', el('code', '', model.source.name)),
      ...conversion ? converted(conversion) : [],
      row('Takes', ports(model.inputs)),
      row('Gives', ports(model.outputs)),
      row('Ships', el('a', '', `${model.format}, ${bytes(model.bytes)}`, { href: model.url, download: '' }))))
}

function converted({ method, mixed = [], inputs, check, quantization, torch }: Conversion): HTMLElement[] {
  const inside = mixed.length > 0 && `, with ${mixed.join(' and ')} ${method === 'script' ? 'traced' : 'scripted'} inside`
  return [
    row('By', `PyTorch ${torch}, ${method}${inside || ''}`),
    ...inputs?.length ? [row('Example', el('code', '', inputs.join('; ')))] : [],
    ...check ? [row('Checked', checks(check))] : [],
    ...quantization ? [row('Quantized', quantized(quantization))] : [],
  ]
}

/** A trace against the eager model: how far apart they were at most, and on which kinds of inputs. */
function checks(check: NonNullable<Conversion['check']>): HTMLElement {
  const taken = check.flatMap(({ error }) => error ?? [])
  return el('details', '',
    el('summary', '', `${difference(Math.max(0, ...taken))} as the model on ${taken.length} kinds of inputs`),
    el('ul', '', ...check.map(({ inputs, error }) =>
      el('li', '', `${inputs}: ${error === undefined ? 'not taken by the model' : difference(error)}`))))
}

const difference = (error: number): string => (error === 0 ? 'the same' : `the same to ${error.toExponential(0)}`)

function quantized({ modules, drift, bytes: { before, after } }: NonNullable<Conversion['quantization']>): string {
  const what = Object.entries(modules).map(([kind, count]) => `${count} × ${kind}`).join(', ')
  const moved = drift === undefined ? '' : `, results moved by ${(drift * 100).toFixed(1)}%`
  return `${what}: ${bytes(before)} → ${bytes(after)}${moved}`
}

const row = (term: string, value: Node | string): HTMLElement => el('div', '', el('dt', '', term), el('dd', '', value))

function ports(list: readonly ModelPort[]): HTMLElement {
  return el('ul', '', ...list.map(({ name, type }) => el('li', '', name && `${name} `, el('code', '', type))))
}

const bytes = (n: number): string => `${(n / 1000).toFixed(n < 99_500 ? 1 : 0)} kB`
