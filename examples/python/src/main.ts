import { card } from './card.ts'
import { el } from './dom.ts'
import { EXAMPLES } from './models.ts'
import petal from './petal.svg'

document.querySelector('#app')!.append(
  el('header', '',
    el('p', 'brand', el('img', '', { src: petal, alt: '', width: '28', height: '28' }), 'Petal'),
    el('h1', '', 'PyTorch models in Python, imported like images.'),
    el('p', 'lead', 'Each card is one import of a Python file. Real PyTorch traced or scripted it when the page was built; '
      + 'the next build took it from the cache and started no Python.')),
  el('div', 'cards', ...EXAMPLES.map(card)))
