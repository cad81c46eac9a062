import { createCamera } from './camera.ts'
import { createClassifier } from './classifier.ts'
import { el } from './dom.ts'
import petal from './petal.svg'

const answers = el('ol', 'answers')
const status = el('p', 'status', { role: 'status' })
const classifier = createClassifier((progress) => { status.textContent = progress })
const camera = createCamera()
const picture = el('img', 'picture', { alt: 'The picture you chose', hidden: '' })
const choose = el('input', 'choose', { type: 'file', accept: 'image/*', id: 'choose' })
const look = el('button', 'look', 'Use the camera', { type: 'button' })

look.addEventListener('click', async () => {
  picture.hidden = true
  try {
    await camera.start()
    look.hidden = true
    await watch()
  } catch (error) {
    status.textContent = `There is no camera to look through (${error instanceof Error ? error.message : String(error)}). Choose a picture instead.`
  }
})

choose.addEventListener('change', async () => {
  const [file] = choose.files ?? []
  if (!file) return
  camera.stop()
  look.hidden = false
  picture.hidden = false
  picture.src = URL.createObjectURL(file)
  await picture.decode().then(() => show(picture), () => { status.textContent = `${file.name} is no picture that this browser knows.` })
  URL.revokeObjectURL(picture.src)
})

/** Looks again and again, as fast as the model answers and frames come. */
async function watch(): Promise<void> {
  for await (const frame of camera.frames()) await show(frame)
}

async function show(source: HTMLVideoElement | HTMLImageElement): Promise<void> {
  try {
    const { best, milliseconds } = await classifier.classify(source)
    status.textContent = `${milliseconds.toFixed(0)} ms per look, on this device`
    answers.replaceChildren(...best.map(({ label, share }) =>
      el('li', '', el('span', '', label), el('b', '', `${Math.round(share * 100)}%`), el('i', '', { style: `--share: ${share}` }))))
  } catch (error) {
    status.textContent = error instanceof Error ? error.message : String(error)
  }
}

document.querySelector('#app')!.append(
  el('header', '', el('img', '', { src: petal, alt: '', width: '26', height: '26' }), el('h1', '', 'What is it?')),
  el('div', 'view', camera.element, picture, el('div', 'frame', { 'aria-hidden': 'true' })),
  el('section', 'panel', { 'aria-label': 'Answers' }, answers, status,
    el('div', 'buttons', look, choose, el('label', 'button', 'Choose a picture', { for: 'choose' }))))
