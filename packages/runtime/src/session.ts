import type { Engine, MemoryUse } from './engine.ts'
import { RuntimeError } from './errors.ts'
import type { ModelPort, ModelSignature } from './facts.ts'
import type { ImageSpec } from './image-spec.ts'
import { byName, type InputPort, toValues } from './inputs.ts'
import type { Port } from './lite/program.ts'
import { nameOutputs, outputName, readOutput, type SentOutput } from './outputs.ts'
import { isImageInput, isImageSource, isPictures } from './pictures.ts'
import { parseScriptType, withFields } from './script-type.ts'
import type { Value } from './values.ts'

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
  // Before it is needed, and while there is a network.
  if (image) await pictureCode()
  const fields = withFields(engine.types)
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
        inputs: inputs?.map((port, i) => describe(port, i, ports.get(name)![i]!.known)),
        outputs: describeOutputs(outputs.map((port) => fields(port.type)), name === 'forward' ? known.signature : undefined),
      }])),
    },
    call: ({ method, args, image: said }) => inTurn(async () => {
      const inputs = ports.get(method)
      const given = positional(method, inputs, args)
      const tensors = await Promise.all(given.map((each, i) => picture(each, said ?? image, `${method}: input "${inputs?.[i]?.name ?? i}"`)))
      const running = current()
      const value = running.run(method, toValues(running, method, inputs, tensors))
      return { outputs: nameOutputs(value, readOutput(running, value)), memory: running.memory }
    }),
    reset: () => inTurn(() => current().reset()),
    dispose() {
      open = undefined
    },
  }
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

/** One object with the names of inputs stands for all of them. */
function positional(method: string, ports: readonly Port[] | undefined, args: readonly unknown[]): readonly unknown[] {
  const [only] = args
  if (args.length !== 1 || typeof only !== 'object' || only === null || Object.getPrototypeOf(only) !== Object.prototype) return args
  const names = ports?.map(({ name }) => name) ?? []
  const isNamed = Object.keys(only).every((key) => names.includes(key))
  if (!isNamed && ('dims' in only || isImageInput(only) || isImageSource(only))) return args
  return byName(method, ports, only as Record<string, unknown>) ?? args
}

/** The tensor of a picture or several; anything else as it is. */
async function picture(given: unknown, described: ImageSpec | undefined, where: string): Promise<unknown> {
  const own = isImageInput(given)
  if (!own && !isImageSource(given) && !isPictures(given)) return given
  const { image, ...said } = own ? given : { image: given }
  const spec = own || described ? { ...described, ...said } : undefined
  if (!spec?.size) {
    const how = 'Give it with the picture ({ image, size: 224, mean, std }), at the import (?mobile&image=224x224&mean=…&std=…), or in the model\'s extra file image.json'
    throw new RuntimeError('WRONG_INPUT', `${where} is a picture, and nothing says how the model wants it. ${how}.`)
  }
  const { imageToTensor } = await pictureCode()
  return await imageToTensor(image, spec as ImageSpec, where)
}

function describe({ name, type, default: value }: Port, index: number, known: ModelPort | undefined): ModelPort {
  const text = value === undefined ? undefined : printed(value)
  return withFacts({ name: name || `input${index}`, type, ...text !== undefined && { default: text } }, known)
}

function withFacts(port: ModelPort, known: ModelPort | undefined): ModelPort {
  return { ...port, ...known?.dtype && { dtype: known.dtype }, ...known?.shape && { shape: known.shape } }
}

/** As the results are named: the fields of a named tuple, the items of a tuple. */
function describeOutputs(types: readonly string[], signature: ModelSignature | undefined): ModelPort[] {
  const all = types.flatMap((type): ModelPort[] => {
    const { name, args, fields } = parseScriptType(type)
    if (fields) return fields.map(([field, inner]) => ({ name: field, type: print(inner) }))
    return name === 'Tuple' ? args.map((inner, i) => ({ name: outputName(i, args.length), type: print(inner) })) : [{ name: 'output', type }]
  })
  return all.map((port, i) => {
    const known = signature?.outputs.length === all.length ? signature.outputs[i] : undefined
    return withFacts(port, known)
  })
}

function print({ name, args, fields }: ReturnType<typeof parseScriptType>): string {
  if (fields) return `NamedTuple[${fields.map(([field, type]) => `${field}: ${print(type)}`).join(', ')}]`
  return args.length === 0 ? name : `${name}[${args.map(print).join(', ')}]`
}

/** A default as Python prints it; undefined for what has no short form. */
function printed(value: Value): string | undefined {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}.` : String(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  return Array.isArray(value) ? `[${value.map(printed).join(', ')}]` : undefined
}
