import training from '../../model/digits.json'
import handwriting from '../../model/digits.png'
import model from '../../model/digits.pt?mobile'
import { copyButton, el } from './dom.ts'
import { drawing } from './draw.ts'
import petal from './petal.svg'
import { file, isOptimization, operators, optimizations, ports, size } from './sections.ts'
import { count } from './words.ts'

const LINE = `import model from './digits.pt?mobile'`

function hero(): HTMLElement {
  return el('header', 'hero',
    el('p', 'brand', el('img', '', { src: petal, alt: '', width: '28', height: '28' }), 'Petal'),
    el('h1', '', 'A PyTorch model, imported like an image.'),
    el('p', 'lead', 'One line, and what reaches the phone is compiled, optimized and small. It runs right here: '
      + 'draw a digit. No Python was needed to build this page, and no server to answer.'),
    el('div', 'line', el('code', '', LINE), copyButton(LINE, 'Copy the import line')))
}

/** One handwritten digit of each kind, coloured by the page. */
function samples(): HTMLElement {
  const digits = Array.from({ length: 10 }, (_, digit) => el('i', '', { style: `--ink: url("${handwriting}"); --digit: ${digit}` }))
  return el('div', 'samples', { role: 'img', 'aria-label': 'Handwritten digits, one of each' }, ...digits)
}

function figures(): HTMLElement {
  const facts: [string, string, string][] = [
    [`${(training['accuracy on held out'] * 100).toFixed(1)}%`, 'right', `on ${count(training['held out'])} digits it never saw`],
    [count(model.parameters), 'numbers', 'learned from handwriting'],
    [count(model.optimizations.filter(isOptimization).reduce((total, one) => total + one.applied, 0)), 'rewrites', 'for the phone, on import'],
  ]
  return el('dl', 'figures', ...facts.map(([figure, unit, about]) =>
    el('div', '', el('dt', '', about), el('dd', '', el('strong', '', figure), ` ${unit}`))))
}

document.querySelector('#app')!.append(
  hero(), drawing(), el('h2', 'chapter', 'What the import says of it'), samples(), figures(),
  el('div', 'cards',
    el('div', 'column', size(model), optimizations(model)),
    el('div', 'column', operators(model), ports(model)),
    file(model)),
  el('footer', '', `Trained on ${count(training['trained on'])} digits of the ${training.data}; ${training['saved with']}.`))
