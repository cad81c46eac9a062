import {
  createEngine, type Engine, families, fromHalf, type Observer, reserve, RuntimeError, Tensor, toHalf, Tuple, type Value,
} from '@petaljs/runtime/build'
import type { Artifact } from '../compiler/artifact.ts'
import type { Plain, PlainElements } from './examples.ts'

/** Seconds that a call may take: an app that waits longer is none, and a file must not hold up a build for ever. */
const MAX_SECONDS = 60

/** A call took too long. */
export class TooSlow extends Error {
  constructor(seconds: number) {
    super(`it takes longer than ${seconds} seconds`)
  }
}

/** A compiled model, ready to be called. */
export interface Runner {
  /**
   * Calls a method of a model that nothing was called of before, as far as its attributes tell. Gives the same numbers on every machine.
   * Throws the runtime's error, or that it is too slow.
   */
  call(method: string, args: readonly Plain[]): Plain
  has(method: string): boolean
}

/** Sees every tensor that an operator gives, in order; `instruction` as in the artifact's calls. */
export type Watch = (instruction: number, read: () => PlainElements) => void

/** Loads what was compiled into the runtime. Throws the runtime's error for what it cannot run. */
export async function load(artifact: Pick<Artifact, 'size' | 'stream'>, watch?: Watch, seconds: number = MAX_SECONDS): Promise<Runner> {
  const room = reserve(artifact.size)
  let at = 0
  for await (const piece of artifact.stream()) {
    room.bytes.set(piece, at)
    at += piece.byteLength
  }
  let deadline = performance.now() + seconds * 1000
  const tick = (): void => {
    if (performance.now() > deadline) throw new TooSlow(seconds)
  }
  const observe: Observer = (_, result, __, instruction) => {
    tick()
    for (const value of watch ? Array.isArray(result) ? result : [result] : []) {
      if (value instanceof Tensor) watch!(instruction, () => elementsOf(engine, value))
    }
  }
  // What the model prints is for those who use it.
  const engine: Engine = await createEngine(room, families, { observe, tick, exact: true, say: () => undefined })
  return {
    has: (method) => engine.methods.has(method),
    call(method, args) {
      engine.reset()
      deadline = performance.now() + seconds * 1000
      return plainOf(engine, engine.run(method, complete(engine, method, args.map((arg) => valueOf(engine, arg)))))
    },
  }
}

/** With the defaults of what was not given. */
function complete(engine: Engine, method: string, args: readonly Value[]): Value[] {
  const ports = engine.methods.get(method)?.inputs ?? []
  if (args.length > ports.length) throw new RuntimeError('WRONG_INPUT', `${method} takes ${ports.length} inputs and not ${args.length}.`)
  const rest = ports.slice(args.length).map(({ name, type, default: value }) => {
    // Files have None for what has no default, too.
    if (value !== undefined && (value !== null || type.startsWith('Optional'))) return value
    throw new RuntimeError('WRONG_INPUT', `the input "${name}" is missing.`)
  })
  return [...args, ...rest]
}

function valueOf(engine: Engine, value: Plain): Value {
  if (typeof value !== 'object' || value === null) return value
  if ('tensor' in value) {
    const { dtype, sizes, elements } = value.tensor
    return engine.tensor(dtype, sizes, dtype === 'float16' ? Uint16Array.from(elements as Float32Array, toHalf) : elements as Float32Array)
  }
  if ('tuple' in value) return new Tuple(value.tuple.map((item) => valueOf(engine, item)))
  if ('list' in value) return value.list.map((item) => valueOf(engine, item))
  if ('dict' in value) return new Map(value.dict.map(([key, item]) => [valueOf(engine, key), valueOf(engine, item)]))
  throw new Error(`a ${value.other} is no input`)
}

/** Half floats as their values. */
function elementsOf(engine: Engine, tensor: Tensor): PlainElements {
  const elements = engine.read(tensor)
  return elements instanceof Uint16Array ? Float32Array.from(elements, fromHalf) : elements
}

function plainOf(engine: Engine, value: Value): Plain {
  if (value instanceof Tensor) {
    return { tensor: { dtype: value.dtype, sizes: value.sizes, elements: elementsOf(engine, value) } }
  }
  if (value instanceof Tuple) return { tuple: value.items.map((item) => plainOf(engine, item)) }
  if (Array.isArray(value)) return { list: value.map((item) => plainOf(engine, item)) }
  if (value instanceof Map) return { dict: [...value].map(([key, item]) => [plainOf(engine, key), plainOf(engine, item)] as const) }
  return typeof value === 'object' && value !== null ? { other: value.constructor.name } : value as Plain
}
