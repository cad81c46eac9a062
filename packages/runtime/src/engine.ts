import { RuntimeError } from './errors.ts'
import { compiled, equip } from './kernels/instantiate.ts'
import { vector } from './kernels/vector.ts'
import { type Code, Interpreter, type Observer, STEPS } from './lite/interpreter.ts'
import { type Port, type Program, readProgram } from './lite/program.ts'
import { Machine, type View } from './machine.ts'
import { type Family, type KernelSource, type Operator, parseSchema } from './operator.ts'
import { type Dtype, numelOf, type Storage, Tensor } from './tensor.ts'
import { PackedObject, ScriptObject, Tuple, type Value } from './values.ts'

export type { Observer } from './lite/interpreter.ts'
export type { Port } from './lite/program.ts'

/** A method that an app may call. */
export interface MethodSignature {
  /** Without `self`; undefined where the file is too old to tell. */
  readonly inputs: readonly Port[] | undefined
  readonly outputs: readonly Port[]
}

/** Memory that a model file is written into, and in which it stays. */
export interface Reserved {
  readonly machine: Machine
  readonly address: number
  readonly size: number
  /** Where to write the file. */
  readonly bytes: Uint8Array
}

/** Bytes that a model takes. */
export interface MemoryUse {
  /** Weights, as the kernels want them. */
  readonly weights: number
  /** Activations and scratch: at most so far. */
  readonly peak: number
  /** All of the WebAssembly memory, free parts included. */
  readonly total: number
}

/** How an engine is made. */
export interface EngineOptions {
  /** Sees what each operator gives. */
  readonly observe?: Observer
  /** Called in every round of a loop; what it throws ends the run. */
  readonly tick?: () => void
  /** The same numbers on every machine: without relaxed SIMD, whose results are the processor's own. */
  readonly exact?: boolean
  /** Takes what the model prints, and what it warns of; the console does otherwise. */
  readonly say?: (text: string, isWarning: boolean) => void
  /** Hears how much of the weights is ready, from 0 to 1. */
  readonly onPrepare?: (fraction: number) => void | Promise<void>
}

/** A model that can be run. */
export interface Engine {
  /** By name, `forward` mostly. */
  readonly methods: ReadonlyMap<string, MethodSignature>
  /** Runs a method. Tensors of the result are valid until the next run. Throws a RuntimeError. */
  run(method: string, args: readonly Value[]): Value
  /** A tensor of the model's, with a copy of the elements. */
  tensor(dtype: Dtype, sizes: readonly number[], elements: ArrayLike<number> | ArrayLike<bigint>): Tensor
  /** A copy of a tensor's elements, row-major; float16 are their bits. */
  read(tensor: Tensor): View
  /** Brings the model's attributes back to what they are in the file. */
  reset(): void
  readonly memory: MemoryUse
  readonly extraFiles: ReadonlyMap<string, Uint8Array>
  /** Types that the code names, as bytecode prints them; those of named tuples tell their fields, which signatures do not. */
  readonly types: readonly string[]
  readonly bytecodeVersion: number
}

/** Memory for a file of `size` bytes: what is downloaded can be written to where it will be used. Throws where there is not so much. */
export function reserve(size: number): Reserved {
  const machine = new Machine()
  const address = machine.memory.reserve(size)
  return { machine, address, size, get bytes() { return new Uint8Array(machine.memory.wasm.buffer, address, size) } }
}

/** Has the engine compile the kernels that some families need, so that they are there when a model is made. */
export async function compileKernels(families: readonly Family[]): Promise<void> {
  await Promise.all(kernelsOf(families).map((source) => compiled(source)))
}

const kernelsOf = (families: readonly Family[]): KernelSource[] => [...new Set([vector, ...families.flatMap(({ kernels }) => kernels ?? [])])]

/**
 * Makes a model of a file in reserved memory: reads it, finds its operators in `families`, and packs its weights, once.
 * Throws a RuntimeError for what is no model, and for operators that the families lack, all of them by name.
 */
export async function createEngine({ machine, address, size }: Reserved, families: readonly Family[], options: EngineOptions = {}): Promise<Engine> {
  await equip(machine, kernelsOf(families), options.exact)
  const program = await readProgram(machine, address, size)
  const operators = registry(families)
  const codes = await link(program, operators)
  const interpreter = new Interpreter(machine, codes, operators.get(FORMAT))
  if (options.observe) interpreter.observe = options.observe
  if (options.say) machine.say = options.say
  interpreter.tick = options.tick
  const { root } = program
  /** Tensors that are on their way in or out. */
  let held: Value[] = []
  const constants = [...codes.values()].map((code) => code.constants)
  machine.memory.roots = function* roots() {
    yield root
    yield* constants
    yield held
    yield* interpreter.roots()
  }
  for (const [object, state] of program.unset) interpreter.run(codes.get(`${object.className}.__setstate__`)!, [object, state])
  // What of the file nobody refers to is memory for activations.
  machine.memory.releaseAround(address, size)
  await prepare(machine, families, [root, ...constants], options)
  const restore = snapshot(root)
  machine.memory.peak = machine.memory.used

  const prefix = `${root.className}.`
  const methods = new Map([...codes.values()].filter(({ name }) => name.startsWith(prefix)).map((code) => [code.name.slice(prefix.length), code]))
  return {
    methods,
    run(name, args) {
      const code = methods.get(name)
      if (!code) throw new RuntimeError('WRONG_INPUT', `The model has no method '${name}'; it has ${[...methods.keys()].join(', ')}.`)
      // The interpreter holds the arguments from here on, as long as it needs them.
      held = []
      try {
        const result = interpreter.run(code, [root, ...args])
        held = [result]
        return result
      } catch (error) {
        throw explained(error, interpreter, program)
      }
    },
    tensor(dtype, sizes, elements) {
      if (elements.length !== numelOf(sizes)) throw new RuntimeError('WRONG_INPUT', `A tensor of sizes [${sizes.join(', ')}] has ${numelOf(sizes)} elements, not ${elements.length}.`)
      const tensor = machine.tensor(dtype, sizes, elements)
      held.push(tensor)
      return tensor
    },
    read(tensor) {
      const result = machine.elements(machine.contiguous(tensor)).slice()
      machine.memory.endCall()
      return result
    },
    reset() {
      restore()
      for (const storage of machine.memory.weights()) {
        if (storage.original === undefined) continue
        machine.u8.set(storage.original, storage.pointer)
        storage.version++
        storage.original = undefined
      }
    },
    get memory() {
      return { weights: machine.memory.pinned, peak: machine.memory.peak, total: machine.memory.size }
    },
    extraFiles: program.extraFiles,
    types: [...new Set(program.methods.flatMap((method) => method.types))],
    bytecodeVersion: program.bytecodeVersion,
  }
}

/** All operators of some families, by name. */
export function registry(families: readonly Family[]): Map<string, Operator> {
  const operators = new Map<string, Operator>()
  for (const family of families) {
    for (const [schema, run] of Object.entries(family.operators)) {
      const operator = parseSchema(schema, run)
      operators.set(operator.name, operator)
    }
  }
  return operators
}

/** The operator behind the instruction FORMAT: it is shipped only with models that have it. */
const FORMAT = 'aten::format'

/** Operators that meant something else in models of an older version: upgraders.ts has them. */
export const CHANGED: RegExp = /^aten::(?:div_?\.(?:Tensor|Scalar|out)|gelu|linspace|logspace)$/

async function link({ methods, debug, operatorVersion }: Program, operators: ReadonlyMap<string, Operator>): Promise<Map<string, Code>> {
  const hasChanged = methods.some((method) => method.operators.some(({ name }) => CHANGED.test(name)))
  const upgraders = hasChanged ? await import('./lite/upgraders.ts') : undefined
  const find = (name: string): Operator | undefined =>
    upgraders ? upgraders.operatorOf(name, operatorVersion, (today) => operators.get(today)) : operators.get(name)
  const isCommon = methods.every(({ opcodes }) => opcodes.every((opcode) => Object.hasOwn(STEPS, opcode)))
  const steps = isCommon ? STEPS : { ...STEPS, ...(await import('./lite/rare-steps.ts')).RARE_STEPS }
  const missing = new Map<string, { count: number; place: string | undefined }>()
  const miss = (name: string, place: string | undefined): undefined => {
    missing.set(name, { count: (missing.get(name)?.count ?? 0) + 1, place })
  }
  const codes = methods.map((method): Code => {
    for (const [pc, opcode] of method.opcodes.entries()) {
      const name = opcode === 'FORMAT' ? FORMAT : method.operators[method.x[pc]!]?.name ?? ''
      if ((opcode.startsWith('OP') || opcode === 'FORMAT') && !find(name)) miss(name, debug?.place(method.name, pc))
      else if (!Object.hasOwn(steps, opcode)) miss(`the instruction ${opcode}`, undefined)
    }
    return {
      ...method,
      steps: method.opcodes.map((opcode) => steps[opcode]!),
      operators: method.operators.map(({ name, numArgs }) => ({ operator: find(name)!, numArgs })),
    }
  })
  if (missing.size > 0) throw unsupported(missing)
  return new Map(codes.map((code) => [code.name, code]))
}

function unsupported(missing: ReadonlyMap<string, { count: number; place: string | undefined }>): RuntimeError {
  const list = [...missing].map(([name, { count, place }]) => `${name} (${count === 1 ? 'once' : `${count} times`}${place ? `, ${place}` : ''})`)
  const what = `The model needs ${list.length === 1 ? 'an operator' : `${list.length} operators`} that Petal's runtime lacks: ${list.join(', ')}.`
  return new RuntimeError('UNSUPPORTED_OPERATOR', `${what} Run it with PyTorch Mobile, or write that part of the model with other operators.`)
}

/** Hands every packed object to the family that knows its class. */
async function prepare(machine: Machine, families: readonly Family[], roots: readonly Value[], { onPrepare, exact }: EngineOptions): Promise<void> {
  const objects = [...walk(roots)].filter((value) => value instanceof PackedObject)
  const makers = Object.assign({}, ...families.map((family) => family.prepare)) as Required<Family>['prepare']
  await equip(machine, new Set(objects.flatMap(({ className, state }) => makers[className]?.kernels?.(machine, state) ?? [])), exact)
  const readers = countReaders(roots, objects)
  for (const [i, object] of objects.entries()) {
    if (!Object.hasOwn(makers, object.className)) {
      const message = `The model has packed weights of the class ${object.className.split('.').at(-1)}, which Petal's runtime lacks. Compile it for the CPU backend.`
      throw new RuntimeError('UNSUPPORTED_OPERATOR', message)
    }
    const { state } = object
    object.prepared = machine.memory.keeping(() => makers[object.className]!(machine, state)).value
    machine.memory.endCall()
    object.state = null
    // What only the packed form is needed of makes room for the next one.
    for (const value of walk([state])) {
      if (!(value instanceof Tensor)) continue
      const left = (readers.get(value.storage) ?? 1) - 1
      readers.set(value.storage, left)
      if (left === 0 && !keeps(object.prepared, value.storage)) machine.memory.unpin(value.storage)
    }
    await onPrepare?.((i + 1) / objects.length)
  }
}

/** How many packed states name each storage; one more where something else does. */
function countReaders(roots: readonly Value[], objects: readonly PackedObject[]): Map<Storage, number> {
  const readers = new Map<Storage, number>()
  const count = ({ storage }: Tensor): unknown => readers.set(storage, (readers.get(storage) ?? 0) + 1)
  for (const object of objects) for (const value of walk([object.state])) if (value instanceof Tensor) count(value)
  for (const value of walk(roots, true)) if (value instanceof Tensor) count(value)
  return readers
}

/** True when the prepared form still reads a storage: it holds a tensor of it. */
function keeps(prepared: unknown, storage: Storage): boolean {
  if (typeof prepared !== 'object' || prepared === null) return false
  return Object.values(prepared).some((value) => value instanceof Tensor ? value.storage === storage : Array.isArray(value) && keeps(value, storage))
}

/** A value and all inside of it, each once. `shallow` does not look into packed objects. */
function* walk(roots: readonly Value[], shallow = false): Iterable<Value> {
  const seen = new Set<Value>()
  const todo: Value[] = [...roots]
  while (todo.length > 0) {
    const value = todo.pop()!
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    yield value
    if (Array.isArray(value)) todo.push(...value)
    else if (value instanceof Tuple) todo.push(...value.items)
    else if (value instanceof ScriptObject) todo.push(...value.slots)
    else if (value instanceof Map) todo.push(...value.keys(), ...value.values())
    else if (value instanceof PackedObject && !shallow) todo.push(value.state)
  }
}

/** Makes what brings everything a model holds back to what it is now: attributes, lists and dicts. Tensors are brought back by their storages. */
function snapshot(root: ScriptObject): () => void {
  const restores: (() => void)[] = []
  for (const value of walk([root])) {
    if (value instanceof ScriptObject || Array.isArray(value)) {
      const list = value instanceof ScriptObject ? value.slots : value as Value[]
      const items = [...list]
      restores.push(() => list.splice(0, Infinity, ...items))
    } else if (value instanceof Map) {
      const entries = [...value]
      restores.push(() => {
        value.clear()
        for (const [key, item] of entries) value.set(key, item)
      })
    }
  }
  return () => {
    for (const restore of restores) restore()
  }
}

/** Adds where in the model it happened, as far as the file tells. */
function explained(error: unknown, interpreter: Interpreter, { debug }: Program): unknown {
  const { method, pc } = interpreter.failedAt ?? {}
  const place = method === undefined ? undefined : debug?.place(method, pc!)
  if (!(error instanceof RuntimeError) || place === undefined) return error
  return new RuntimeError(error.code, `${error.message}\n  at ${place}`, { cause: error })
}
