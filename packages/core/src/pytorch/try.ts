import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConversionJob, Engine } from './engine.ts'

/** A model that every supported PyTorch traces, scripts and quantizes. */
const SOURCE = `import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 2)

    def forward(self, x):
        return torch.relu(self.linear(x))


model = Net()
`

/** What is tried. Quantizing needs more of PyTorch than the others: its engine for phones. */
export type Trial = 'trace' | 'script' | 'quantize'

/** How a trial went; times in seconds. */
export interface TrialResult {
  /** Until Python had started. */
  readonly start: number
  /** Until PyTorch had been imported, from then on. */
  readonly importing: number
  readonly total: number
  /** Of the TorchScript archive. */
  readonly bytes: number
}

/** Converts a tiny model with a real engine. Throws the engine's PetalError; leaves nothing behind. */
export async function tryConversion(engine: Engine, trial: Trial): Promise<TrialResult> {
  const folder = await mkdtemp(join(tmpdir(), 'petal-try-'))
  try {
    const file = join(folder, 'net.py')
    await writeFile(file, SOURCE)
    const job: ConversionJob = {
      source: { kind: 'python', file }, root: folder, output: join(folder, 'net.pt'), convert: trial === 'script' ? 'script' : 'trace',
      entry: 'model', args: [], input: [{ kind: 'tensor', dtype: 'float32', shape: [1, 4] }],
      weights: '', script: [], trace: [], check: 'auto',
      quantize: trial === 'quantize' ? 'dynamic' : 'none', trust: false,
    }
    const began = performance.now()
    const phases = new Map<string, number>()
    await engine.convert(job, {
      onProgress({ phase }) { if (!phases.has(phase)) phases.set(phase, (performance.now() - began) / 1000) },
    })
    const total = (performance.now() - began) / 1000
    const [started = total, imported = total] = phases.values()
    return { start: started, importing: imported - started, total, bytes: (await stat(job.output)).size }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
