import model from '../../model/digits.pt?mobile'
import { el } from './dom.ts'
import { createPad } from './pad.ts'

/** Runs that the time is the middle of. */
const TIMES = 21

/** Where one draws a digit, and reads the answer and how long it took. */
export function drawing(): HTMLElement {
  const bars = Array.from({ length: 10 }, (_, digit) => el('li', '', el('b', '', `${digit}`), el('i', ''), el('span', '', '')))
  const answer = el('output', 'answer', '?', { 'aria-live': 'polite' })
  const time = el('p', 'time', 'Getting the model…')
  const seen = el('canvas', 'seen', { width: '28', height: '28', 'aria-label': 'What the model sees', role: 'img' })
  const clear = el('button', 'clear', 'Clear', { type: 'button' })

  const loading = model.load({
    onProgress: ({ phase, fraction }) => { time.textContent = `${phase === 'download' ? 'Getting' : 'Preparing'} the model: ${Math.round(fraction * 100)}%` },
  })
  loading.then(
    () => { time.textContent = 'Ready: draw a digit.' },
    (error: unknown) => { time.textContent = error instanceof Error ? error.message : String(error) })

  let isRunning = false
  let isStale = false
  const times: number[] = []

  /** Reads the drawing again and again while it changes, one run at a time. */
  async function read(): Promise<void> {
    isStale = isRunning
    if (isRunning) return
    isRunning = true
    try {
      show(await probabilities())
    } finally {
      isRunning = false
      if (isStale) void read()
    }
  }

  async function probabilities(): Promise<ArrayLike<number> | undefined> {
    const image = pad.image()
    if (!image) return undefined
    seen.getContext('2d')!.putImageData(pad.preview(image), 0, 0)
    const net = await loading
    const start = performance.now()
    const { output } = await net.run({ data: image, dims: [1, 1, 28, 28] })
    times.push(performance.now() - start)
    return output.data as Float32Array
  }

  function show(likely: ArrayLike<number> | undefined): void {
    const all = Array.from({ length: 10 }, (_, digit) => likely?.[digit] ?? 0)
    const best = all.indexOf(Math.max(...all))
    answer.textContent = likely ? `${best}` : '?'
    for (const [digit, bar] of bars.entries()) {
      bar.className = likely && digit === best ? 'best' : ''
      bar.style.setProperty('--share', `${all[digit]}`)
      bar.lastElementChild!.textContent = likely ? `${Math.round(all[digit]! * 100)}%` : ''
    }
    if (!likely) seen.getContext('2d')!.clearRect(0, 0, 28, 28)
    if (times.length > 0) time.textContent = `${milliseconds(times)} ms per run, on this device`
  }

  const pad = createPad(() => { void read() })
  clear.addEventListener('click', () => pad.clear())
  return el('section', 'drawing', { 'aria-label': 'Draw a digit' },
    el('div', 'paper', pad.element, el('p', 'hint', 'Draw a digit here'), clear),
    el('div', 'reading', el('div', 'result', answer, el('div', '', el('p', 'label', 'The model sees'), seen)), el('ol', 'likely', ...bars), time))
}

/** The median of the last runs. */
function milliseconds(times: readonly number[]): string {
  const sorted = times.slice(-TIMES).toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1]!.toFixed(1)
}
