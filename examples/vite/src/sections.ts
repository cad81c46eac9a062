import type { ModelHandle, ModelOptimization, ModelPort } from 'unplugin-petal/handle'
import { copyButton, el } from './dom.ts'
import { bytes, count, OPTIMIZATIONS, plural, sum } from './words.ts'

function card(name: string, title: string, ...children: (Node | string | false)[]): HTMLElement {
  return el('section', `card ${name}`, { 'aria-labelledby': name }, el('h2', '', title, { id: name }), ...children)
}

/** Both files as bars on one scale. */
export function size(model: ModelHandle): HTMLElement {
  const before = model.source.bytes
  const widest = Math.max(before, model.bytes)
  const share = Math.round((1 - model.bytes / before) * 100)
  const bar = (label: string, n: number, kind: string): HTMLElement =>
    el('div', `bar ${kind}`, el('span', '', label), el('strong', '', bytes(n)),
      el('i', '', { style: `--share: ${n / widest}`, 'aria-hidden': 'true' }))
  return card('size', 'What ships',
    bar(model.source.name, before, 'before'), bar(`${stem(model.source.name)}.${model.format}`, model.bytes, 'after'),
    el('p', 'note', share > 0 ? `${share}% smaller, and it starts without a compiler on the device.`
      : 'Compiled already, so it starts without a compiler on the device.'))
}

/** False for the general clean-up between optimizations. */
export const isOptimization = (one: ModelOptimization): boolean => one.name in OPTIMIZATIONS

export function optimizations(model: ModelHandle): HTMLElement {
  const sorted = model.optimizations.toSorted((a, b) => b.applied - a.applied)
  const others = sorted.filter((one) => !isOptimization(one) && one.applied > 0)
  const total = others.reduce((sum, one) => sum + one.applied, 0)
  return card('optimizations', 'What was done to it',
    el('ul', 'done', ...sorted.filter(isOptimization).map(optimization)),
    total > 0 && el('details', 'more', el('summary', '', `and ${count(total)} places cleaned up`),
      el('ul', '', ...others.map((one) => el('li', '', el('code', '', one.name), ` ${count(one.applied)}×`)))))
}

function optimization(one: ModelOptimization): HTMLElement {
  const state = one.blocked ? 'blocked' : one.applied > 0 ? 'applied' : 'idle'
  const said = one.blocked ? 'blocked' : one.applied > 0 ? `${count(one.applied)}×` : 'not needed'
  return el('li', state,
    el('span', 'badge', said),
    el('div', '', el('b', '', OPTIMIZATIONS[one.name] ?? one.name.replaceAll('_', ' ')), el('code', '', one.name),
      one.declined.length > 0 && leftAlone(one)))
}

function leftAlone({ declined }: ModelOptimization): HTMLElement {
  const places = declined.reduce((total, place) => total + place.count, 0)
  return el('details', '', el('summary', '', `${plural(places, 'place')} left alone`),
    el('ul', '', ...declined.map((place) =>
      el('li', '', el('code', '', place.what), ` ${place.why}`, place.count > 1 && ` (${place.count}×)`))))
}

/** Every operator of either side: what is new, what stayed, and, folded, what went. */
export function operators(model: ModelHandle): HTMLElement {
  const { before, after } = model.operators
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])]
  const kind = (name: string): string => (before[name] === undefined ? 'new' : after[name] === undefined ? 'gone' : 'kept')
  const order = ['new', 'kept', 'gone']
  const rows = names.toSorted((a, b) => order.indexOf(kind(a)) - order.indexOf(kind(b)) || (a < b ? -1 : 1))
  const gone = rows.filter((name) => kind(name) === 'gone')
  return card('operators', 'Operators',
    el('p', 'change', el('strong', '', count(sum(before))), el('span', '', '→'), el('strong', '', count(sum(after)))),
    table(rows.filter((name) => kind(name) !== 'gone')),
    gone.length > 0 && el('details', 'more', el('summary', '', `${count(gone.length)} kinds of operators gone`), table(gone)))

  function table(rows: string[]): HTMLElement {
    return el('table', '',
      el('thead', '', el('tr', '', ...['Operator', 'Before', 'After'].map((name) => el('th', '', name, { scope: 'col' })))),
      el('tbody', '', ...rows.map((name) => el('tr', kind(name),
        el('th', '', el('code', '', ...breakable(name)), { scope: 'row' }),
        el('td', '', before[name] === undefined ? '–' : count(before[name])),
        el('td', '', after[name] === undefined ? '–' : count(after[name]))))))
  }
}

const port = (one: ModelPort): HTMLElement => el('li', '', el('b', '', one.name || 'result'), el('code', '', typeOf(one)))

export function ports(model: ModelHandle): HTMLElement {
  return card('ports', 'In and out',
    el('div', 'sides',
      el('div', '', el('h3', '', 'Takes'), el('ul', '', ...model.inputs.map(port))),
      el('div', '', el('h3', '', 'Gives'), el('ul', '', ...model.outputs.map(port)))))
}

function typeOf({ type, shape, default: value }: ModelPort): string {
  return type + (shape ? ` [${shape.map((n) => n ?? '*').join(' × ')}]` : '') + (value === undefined ? '' : ` = ${value}`)
}

const row = (term: string, ...value: (Node | string)[]): HTMLElement => el('div', '', el('dt', '', term), el('dd', '', ...value))

export function file(model: ModelHandle): HTMLElement {
  return card('file', 'The file',
    el('dl', 'rows',
      row('URL', el('a', '', String(model), { href: model.url, download: '' })),
      row('SHA-256', el('code', '', model.sha256), copyButton(model.sha256, 'Copy the SHA-256')),
      row('Format', `${[model.format, ...model.bytecodeVersion === undefined ? [] : [`bytecode ${model.bytecodeVersion}`]].join(', ')}, for the ${model.backend.toUpperCase()}`)))
}

const stem = (name: string): string => name.replace(/\.[^.]*$/, '')

/** Line breaks may go after `::` and `_`, so that long names fit a phone. */
function breakable(name: string): (Node | string)[] {
  return name.split(/(?<=::|_)/).flatMap((part) => [part, el('wbr', '')])
}
