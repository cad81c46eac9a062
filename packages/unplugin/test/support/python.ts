import { spawn, spawnSync } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type TorchPython, torchPythons } from '../../../core/test/support/torch.ts'
import { type App, createApp } from './app.ts'
import { modelsOf, type Output } from './bundler.ts'

export { type TorchPython, torchPythons }

const MODELS: string = fileURLToPath(new URL('../../../../examples/python/models/', import.meta.url))
const FIXTURES: string = fileURLToPath(new URL('../fixtures/recipe/', import.meta.url))
const ORACLE: string = fileURLToPath(new URL('oracle.py', import.meta.url))

/** A folder of examples/python/models with its weights, or one of its files; `greedy.py` is of the fixtures. */
export type PythonModel = 'decision_gate.py' | 'seq2seq' | 'chatbot' | 'shapes'

/** An app whose `src/main.js` is `main`, with the example's models in `src/`. */
export async function pythonApp(main: string, models: readonly PythonModel[], files: Record<string, string> = {}, inside?: string): Promise<App> {
  const app = await createApp({ 'src/main.js': main, ...files }, inside)
  for (const name of models) {
    await cp(join(MODELS, name), app.path(`src/${name}`), { recursive: true, filter: (path) => !path.includes('__pycache__') })
  }
  return app
}

/** A file of the fixtures for the recipe. */
export const recipeFixture = (name: string): string => join(FIXTURES, name)

/** What a compiled model is compared with, and on what. */
export interface Comparison {
  /** Name of the Python module, from `src/`: `seq2seq.encoder`. */
  readonly module: string
  /** Name of the model, its class or the function that makes it. */
  readonly entry?: string
  /** Path of a state dict, from `src/`. */
  readonly weights?: string
  /** Python: a list of calls, each a tuple of inputs. `torch`, `random` and the module's names are known. */
  readonly calls: string
  /** Compares with the eager model after PyTorch's dynamic quantization. */
  readonly quantize?: boolean
  /** A compiled model to compare with, instead of the eager one. */
  readonly plain?: string
  /** Largest difference that is none; where it is not the tests' own. */
  readonly tolerance?: number
}

/** Real PyTorch: the eager model in the release that converted it, the compiled one in the tests' runtime. */
export interface Oracle {
  /** For each call, the largest difference between the compiled file and the eager model. Rejects with what Python says of a failure. */
  compare(app: App, file: string, comparison: Comparison): Promise<number[]>
  close(): void
}

/** The runtime of the tests: its lite interpreter has the operators of prepacked weights, which need XNNPACK. */
export const runtimePython: TorchPython | undefined = torchPythons.find(({ executable }) =>
  spawnSync(executable, ['-c', 'import torch; torch.ops.prepacked.conv2d_clamp_run']).status === 0)

/** Starts both Pythons, or the one that is both; they serve all specs of a release. */
export function createOracle(converting: TorchPython, runtime: TorchPython): Oracle {
  const there = startPython(runtime)
  const here = converting.executable === runtime.executable ? there : startPython(converting)
  return {
    async compare(app, file, { module, entry = 'model', weights, calls, quantize, plain }) {
      const [eager, expected] = [app.path('eager.bin'), app.path('expected.bin')]
      await here.ask({ eager: { root: app.path('src'), module, entry, weights, calls, quantize }, to: eager })
      if (plain !== undefined) await there.ask({ plain, calls: eager, to: expected })
      return (await there.ask({ compiled: file, expected: plain === undefined ? eager : expected })).errors!
    },
    close() {
      here.close()
      there.close()
    },
  }
}

interface PythonProcess {
  ask(request: object): Promise<{ errors?: number[] }>
  close(): void
}

function startPython({ executable }: TorchPython): PythonProcess {
  const child = spawn(executable, ['-u', ORACLE], { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, OMP_NUM_THREADS: '1' } })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error('the oracle ended')
      const { problem, ...answer } = JSON.parse(value) as { errors?: number[]; problem?: string }
      if (problem !== undefined) throw new Error(problem)
      return answer
    },
    close: () => { child.kill() },
  }
}

/** Absolute path of the one model of an output whose name starts so. */
export function modelFile(output: Output, stem: string): string {
  const [file, ...others] = modelsOf(output).filter((name) => name.replace(/^.*\//, '').startsWith(stem))
  if (file === undefined || others.length > 0) throw new Error(`not one ${stem}: ${modelsOf(output).join(', ')}`)
  return join(output.dir, file)
}
