import { el } from './dom.ts'

/** The camera's picture, and its frames. */
export interface Camera {
  readonly element: HTMLVideoElement
  /** Rejects where there is no camera, or the user says no. */
  start(): Promise<void>
  stop(): void
  /** The element, each time it has something new to show; ends with the camera. */
  frames(): AsyncIterable<HTMLVideoElement>
}

export function createCamera(): Camera {
  const element = el('video', 'camera', { playsinline: '', muted: '', 'aria-label': 'What the camera sees' })
  let stream: MediaStream | undefined
  return {
    element,
    async start() {
      if (!navigator.mediaDevices) throw new Error('a page needs https for it')
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } }, audio: false })
      element.srcObject = stream
      await element.play()
    },
    stop() {
      for (const track of stream?.getTracks() ?? []) track.stop()
      stream = undefined
      element.srcObject = null
    },
    async* frames() {
      const mine = stream
      const isOn = (): boolean => stream !== undefined && stream === mine
      for (; isOn(); await nextFrame(element)) yield element
    },
  }
}

function nextFrame(video: HTMLVideoElement): Promise<unknown> {
  // Safari before 15.4 and Firefox before 132 have no callback of their own for videos.
  return new Promise((resolve) => ('requestVideoFrameCallback' in video ? video.requestVideoFrameCallback(resolve) : requestAnimationFrame(resolve)))
}
