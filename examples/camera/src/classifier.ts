import net from '../models/lite0.py?weights=./lite0.pth&convert=trace&input=1x3x224x224&image=224x224&mean=0.498&std=0.502&requires=web&mobile'
import labels from './labels.json'

/** One of the model's guesses. */
export interface Guess {
  readonly label: string
  /** From 0 to 1; those of all kinds make 1. */
  readonly share: number
}

/** Tells what pictures show. */
export interface Classifier {
  classify(picture: HTMLVideoElement | HTMLImageElement): Promise<{ best: readonly Guess[]; milliseconds: number }>
}

/** Begins to load the model; `onProgress` gets a line to show. */
export function createClassifier(onProgress: (line: string) => void): Classifier {
  const loading = net.load({
    // Frames go to a worker, so that the page stays smooth while the model looks.
    worker: true,
    onProgress: ({ phase, loaded, total, fraction }) => {
      onProgress(phase === 'download' ? `Getting the model: ${(loaded / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB` : `Preparing: ${Math.round(fraction * 100)}%`)
    },
  })
  loading.then(() => onProgress('Ready: point the camera at something, or choose a picture.'), (error: Error) => onProgress(error.message))
  return {
    async classify(picture) {
      const model = await loading
      const start = performance.now()
      const { output } = await model.run(picture)
      const milliseconds = performance.now() - start
      const best = output.softmax().topk(3, labels).map(({ label, value }) => ({ label: label!, share: value }))
      return { best, milliseconds }
    },
  }
}
