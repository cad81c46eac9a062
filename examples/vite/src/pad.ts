import { el } from './dom.ts'

/** What the model takes: 28 × 28, ink 1 on paper 0. */
const SIDE = 28
/** Training digits fill a box of this size, with their centre of mass in the middle. */
const INK_SIDE = 20
/** Resolution of the drawing. */
const CANVAS = 336
const PEN = 26

/** A square to draw in with a finger, a pen or a mouse. */
export interface Pad {
  readonly element: HTMLElement
  clear(): void
  /** The drawing as the model takes it, `[1, 1, 28, 28]`; undefined while there is none. */
  image(): Float32Array | undefined
  /** The same, as a picture to show. */
  preview(image: Float32Array): ImageData
}

/** `onChange` is called while one draws, at most once a frame. */
export function createPad(onChange: () => void): Pad {
  const canvas = el('canvas', 'pad', { width: `${CANVAS}`, height: `${CANVAS}`, role: 'img', 'aria-label': 'A square to draw a digit in', tabindex: '0' })
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  let pending = 0
  let last: readonly [number, number] | undefined

  function place(event: PointerEvent): [number, number] {
    const box = canvas.getBoundingClientRect()
    return [(event.clientX - box.left) / box.width * CANVAS, (event.clientY - box.top) / box.height * CANVAS]
  }

  function draw(event: PointerEvent): void {
    if (last === undefined) return
    context.lineWidth = PEN
    context.lineCap = context.lineJoin = 'round'
    context.strokeStyle = '#000'
    context.beginPath()
    context.moveTo(...last)
    // A finger moves several times between two frames.
    for (const each of [...event.getCoalescedEvents?.() ?? [], event]) context.lineTo(...(last = place(each)))
    context.stroke()
    pending ||= requestAnimationFrame(() => {
      pending = 0
      onChange()
    })
  }

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return
    canvas.setPointerCapture(event.pointerId)
    last = place(event)
    draw(event)
  })
  canvas.addEventListener('pointermove', draw)
  for (const end of ['pointerup', 'pointercancel'] as const) canvas.addEventListener(end, () => { last = undefined })

  return {
    element: canvas,
    clear() {
      context.clearRect(0, 0, CANVAS, CANVAS)
      onChange()
    },
    image: () => centred(canvas, inkOf(context)),
    preview: (image) => new ImageData(Uint8ClampedArray.from({ length: image.length * 4 }, (_, i) => (i % 4 === 3 ? 255 * image[i >> 2]! : 0)), SIDE, SIDE),
  }
}

interface Box { left: number; top: number; right: number; bottom: number }

/** The box around the ink; undefined where there is none. */
function inkOf(context: CanvasRenderingContext2D): Box | undefined {
  const { data } = context.getImageData(0, 0, CANVAS, CANVAS)
  const box: Box = { left: CANVAS, top: CANVAS, right: 0, bottom: 0 }
  for (let y = 0; y < CANVAS; y++) {
    for (let x = 0; x < CANVAS; x++) {
      if (data[(y * CANVAS + x) * 4 + 3]! < 128) continue
      box.left = Math.min(box.left, x)
      box.right = Math.max(box.right, x + 1)
      box.top = Math.min(box.top, y)
      box.bottom = Math.max(box.bottom, y + 1)
    }
  }
  return box.right > box.left ? box : undefined
}

/** As the training digits were made: scaled into a box, then moved so that the centre of mass is in the middle. */
function centred(canvas: HTMLCanvasElement, box: Box | undefined): Float32Array | undefined {
  if (!box) return undefined
  const [width, height] = [box.right - box.left, box.bottom - box.top]
  const scale = INK_SIDE / Math.max(width, height)
  const small = new OffscreenCanvas(SIDE, SIDE).getContext('2d', { willReadFrequently: true })!
  small.imageSmoothingQuality = 'high'
  const paint = (x: number, y: number): Uint8ClampedArray => {
    small.clearRect(0, 0, SIDE, SIDE)
    small.drawImage(canvas, box.left, box.top, width, height, x, y, width * scale, height * scale)
    return small.getImageData(0, 0, SIDE, SIDE).data
  }
  const [x, y] = [(SIDE - width * scale) / 2, (SIDE - height * scale) / 2]
  const [massX, massY] = centreOfMass(paint(x, y))
  const pixels = paint(x + SIDE / 2 - massX, y + SIDE / 2 - massY)
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => pixels[i * 4 + 3]! / 255)
}

function centreOfMass(pixels: Uint8ClampedArray): [number, number] {
  let [sum, sumX, sumY] = [0, 0, 0]
  for (let i = 0; i < SIDE * SIDE; i++) {
    const ink = pixels[i * 4 + 3]!
    sum += ink
    sumX += ink * (i % SIDE + 0.5)
    sumY += ink * (Math.floor(i / SIDE) + 0.5)
  }
  return [sumX / sum, sumY / sum]
}
