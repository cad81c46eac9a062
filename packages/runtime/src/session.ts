import type { Engine, MemoryUse } from './engine.ts'
import { RuntimeError } from './errors.ts'
import type { ModelPort, ModelSignature } from './facts.ts'
import type { ImageSpec } from './image-spec.ts'
import type { InputPort } from './inputs.ts'
import type { Port } from './lite/program.ts'
import { nameOutputs, readOutput, type SentOutput } from './outputs.ts'
import { tensorsOf } from './plain-tensors.ts'

/** What a method takes and gives; inputs are unknown in files of the oldest version. */
export interface MethodSignature {
  readonly inputs: readonly ModelPort[] | undefined
  readonly outputs: readonly ModelPort[]
}

/** A call of a method, as it can be sent to another thread. */
export interface Call {
  readonly method: string
  /** By position; or one object by name. */
  readonly args: readonly unknown[]
  readonly image?: ImageSpec | undefined
}

/** What a call gives. */
export interface CallResult {
  readonly outputs: readonly (readonly [name: string, output: SentOutput])[]
  readonly memory: MemoryUse
}

/** What there is to know of an open model. */
export interface SessionInfo {
  readonly methods: Readonly<Record<string, MethodSignature>>
  readonly image: ImageSpec | undefined
  readonly memory: MemoryUse
}

/** An open model, in this thread or another one. Calls are carried out one after the other. */
export interface Session {
  readonly info: SessionInfo
  /** `transfer`: arrays and bitmaps of the call may be handed over instead of copied, after which the caller has them no more. */
  call(call: Call, transfer: boolean): Promise<CallResult>
  reset(): Promise<void>
  dispose(): void
}

/** The message of calls that come too late. */
export const DISPOSED = 'The model was disposed. Load it again.'

/** What the build knows of a model besides the file. */
export interface Known {
  readonly signature?: ModelSignature | undefined
  readonly image?: ImageSpec | undefined
}

/** Runs an engine with values as apps have them. */
export async function createSession(engine: Engine, known: Known = {}): Promise<Session> {
  // Let go when disposed, with all of the model's memory.
  let open: Engine | undefined = engine
  const current = (): Engine => {
    if (!open) throw new RuntimeError('DISPOSED', DISPOSED)
    return open
  }
  const image = known.image ?? await imageFile(engine.extraFiles)
  // Most models take tensors and give one, and most calls pass arrays: what handles all else is loaded where there may be some.
  const ofMethods = Array.from(engine.methods.values(), ({ inputs, outputs }) => [...inputs ?? [undefined], ...outputs]).flat()
  const areTensors = ofMethods.every((port) => port?.type === 'Tensor' && port.default === undefined)
  const signatures = areTensors ? undefined : await import('./signatures.ts')
  // Before it is needed, and while there is a network.
  if (image || signatures) await argumentCode()
  if (image) await pictureCode()
  const fields = signatures?.withFields(engine.types) ?? ((type: string): string => type)
  const ports = new Map(Array.from(engine.methods, ([name, { inputs }]) =>
    [name, inputs?.map((port, i) => withKnown({ ...port, type: fields(port.type) }, name, i, known.signature))]))
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(action: () => T | Promise<T>): Promise<T> => {
    const result = last.then(action)
    last = result.catch(() => undefined)
    return result
  }
  return {
    info: {
      image, memory: engine.memory,
      methods: Object.fromEntries(Array.from(engine.methods, ([name, { inputs, outputs }]) => [name, {
        inputs: inputs?.map((port, i) => describe(port, i, signatures?.printed(port.default), ports.get(name)![i]!.known)),
        outputs: withKnownOutputs(
          signatures?.describeOutputs(outputs.map((port) => fields(port.type))) ?? outputs.map(({ type }) => ({ name: 'output', type })),
          name === 'forward' ? known.signature?.outputs : undefined,
        ),
      }])),
    },
    call: ({ method, args, image: said }) => inTurn(async () => {
      const inputs = ports.get(method)
      const values = tensorsOf(current(), inputs, args)
        ?? await (await argumentCode()).valuesOf(current, method, inputs, args, said ?? image)
      const running = current()
      const value = running.run(method, values)
      return { outputs: nameOutputs(value, readOutput(running, value)), memory: running.memory }
    }),
    reset: () => inTurn(() => current().reset()),
    dispose() {
      open = undefined
    },
  }
}

/** Arguments that are no arrays of elements. */
function argumentCode(): Promise<typeof import('./arguments.ts')> {
  return import('./arguments.ts')
}

/** Apps without pictures do not load it. */
function pictureCode(): Promise<typeof import('./image.ts')> {
  return import('./image.ts')
}

/** The description of pictures in the model's extra files. */
async function imageFile(files: ReadonlyMap<string, Uint8Array>): Promise<ImageSpec | undefined> {
  const file = files.get('image.json') ?? files.get('extra/image.json')
  if (!file) return undefined
  const { completeImageSpec } = await pictureCode()
  try {
    const spec = JSON.parse(new TextDecoder().decode(file)) as ImageSpec
    completeImageSpec(spec, 'extra/image.json')
    return spec
  } catch (cause) {
    throw new RuntimeError('BAD_MODEL', `The model's extra file image.json does not describe pictures: ${(cause as Error).message}`, { cause })
  }
}

function withKnown(port: Port, method: string, index: number, signature: ModelSignature | undefined): InputPort {
  const known = method === 'forward' ? signature?.inputs[index] : undefined
  return known?.name === port.name ? { ...port, known } : port
}

function describe({ name, type }: Port, index: number, text: string | undefined, known: ModelPort | undefined): ModelPort {
  return withFacts({ name: name || `input${index}`, type, ...text !== undefined && { default: text } }, known)
}

function withFacts(port: ModelPort, known: ModelPort | undefined): ModelPort {
  return { ...port, ...known?.dtype && { dtype: known.dtype }, ...known?.shape && { shape: known.shape } }
}

function withKnownOutputs(ports: readonly ModelPort[], known: readonly ModelPort[] | undefined): ModelPort[] {
  return ports.map((port, i) => withFacts(port, known?.length === ports.length ? known[i] : undefined))
}
