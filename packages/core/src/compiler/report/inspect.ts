import type { ByteSource } from '../archive/byte-source.ts'
import { openArchive, requireRecord, type Archive } from '../archive/zip-reader.ts'
import type { BackendName, Needs } from '../artifact.ts'
import { runtimesOf } from '../emit/runtimes/check.ts'
import { PetalError } from '../errors.ts'
import type { Facts, PortFact } from '../facts.ts'
import { classType } from '../ir/class-type.ts'
import { NONE, type IValue } from '../ir/ivalue.ts'
import { parseAnnotationString } from '../ir/type-parser.ts'
import { AnyType, dictOf, listOf, type Type } from '../ir/types.ts'
import { bytecodePickle, unpickleRecords, type PickleResolver } from '../script/unpickle.ts'
import { isFlatbuffer, knownOpcode, readFlatbuffer, type StoredArgument, type StoredMethod, type StoredModule } from './flatbuffer-contents.ts'
import { literal } from './literal.ts'
import { needsOf } from './needs.ts'
import { countInstructions } from './operators.ts'
import { countElements } from './parameters.ts'
import { outputsOfType } from './ports.ts'

/** What is known of a file for the lite interpreter. */
export interface LiteContents {
  readonly facts: Facts
  readonly needs: Needs
}

/**
 * What a file for the lite interpreter says of itself, and what running it takes: bytecode version 3 to 8 in a zip archive, or a
 * flatbuffer. Nothing is known of the model before it was compiled, so that `before` is `after` and no optimizations are listed; version
 * 3, and some files of version 4, have no inputs and outputs. Throws a PetalError for anything else.
 */
export async function readLite(source: ByteSource): Promise<LiteContents> {
  const inFlatbuffer = await isFlatbuffer(source)
  const { bytecodeVersion, operatorVersion, methods, values } = inFlatbuffer
    ? await readFlatbuffer(source, (why) => broken(why, 'the model file')) : await readArchive(source)
  const operators = countInstructions(methods)
  const forward = methods.find(({ name }) => name.endsWith('.forward')) ?? methods[0]
  const facts: Facts = {
    format: inFlatbuffer ? 'flatbuffer' : 'ptl', backend: backendOf(values[0]), bytecodeVersion, operatorVersion,
    runtimes: runtimesOf(methods, { bytecodeVersion, operatorVersion }),
    ...portsOf(forward),
    ...methods.length > 1 && { methods: Object.fromEntries(methods.filter((each) => each !== forward).map((each) => [each.name.split('.').at(-1)!, portsOf(each)])) },
    operators: { before: operators, after: operators },
    optimizations: [],
    parameters: countElements(values),
    bytes: { before: source.size, after: source.size },
  }
  return { facts, needs: needsOf(methods, values) }
}

function portsOf(method: StoredMethod | undefined): Pick<Facts, 'inputs' | 'outputs'> {
  return {
    inputs: method?.arguments?.map(port).filter(({ name }, i) => i > 0 || name !== 'self') ?? [],
    outputs: method?.returns?.flatMap(({ type }) => outputsOfType(returnType(type))) ?? [],
  }
}

/** By what the optimizers of engines set on a module. */
const BACKEND_FLAGS: readonly (readonly [string, BackendName])[] = [['optimized_for_vulkan', 'vulkan'], ['optimized_for_metal', 'metal']]

function backendOf(root: IValue | undefined): BackendName {
  const slots = root?.tag === 'Object' ? root.slots : undefined
  return BACKEND_FLAGS.find(([flag]) => slots?.has(flag))?.[1] ?? 'cpu'
}

async function readArchive(source: ByteSource): Promise<StoredModule> {
  const archive = await openArchive(source)
  const { values } = await unpickleRecords(archive, [{ name: 'data.pkl', storages: 'data/' }, bytecodePickle(archive)], LENIENT)
  const table = elementsOf(values[1], 'the whole')
  const hasVersion = table[0]?.tag === 'Int'
  return {
    bytecodeVersion: hasVersion ? integer(table[0]) : 3, operatorVersion: await readVersion(archive),
    methods: table.slice(hasVersion ? 1 : 0).map(readMethod), values,
  }
}

/** The facts of {@link readLite}. */
export async function inspectLite(source: ByteSource): Promise<Facts> {
  return (await readLite(source)).facts
}

/** Types do not matter here, only that they are lists or dicts. */
const LENIENT: PickleResolver = {
  resolveClass: (name) => classType(name),
  parseType: (text) => (text.startsWith('Dict') ? dictOf(AnyType, AnyType) : listOf(AnyType)),
}

/** `(name, code table)` or `(name, code table, schema)`. Source: torch/csrc/jit/mobile/import.cpp (`parseMethods`). */
function readMethod(value: IValue): StoredMethod {
  const [name, code, schema] = elementsOf(value, 'a method')
  const { instructions, operators } = readTable(code)
  const { arguments: inputs, returns: outputs } = schema ? readTable(schema) : {}
  return {
    name: string(name),
    instructions: elementsOf(instructions, 'the instructions').map((each) => {
      const [op, x, n] = elementsOf(each, 'an instruction')
      return { op: knownOpcode(string(op), broken), x: integer(x), n: integer(n) }
    }),
    operators: elementsOf(operators, 'the operators').map((each) => {
      const [operator, overload, numArgs] = elementsOf(each, 'an operator')
      return { name: string(operator), overload: string(overload), numArgs: numArgs ? integer(numArgs) : -1 }
    }),
    arguments: inputs && elementsOf(inputs, 'the arguments').map(readArgument),
    returns: outputs && elementsOf(outputs, 'the returns').map(readArgument),
  }
}

function readArgument(value: IValue): StoredArgument {
  const { name, type, default_value: defaultValue = NONE } = readTable(value)
  return { name: string(name), type: string(type), defaultValue }
}

/** A missing default is written as None, so that None counts as one only where the type has it. */
function port({ name, type, defaultValue }: StoredArgument): PortFact {
  const hasDefault = defaultValue.tag !== 'None' || type.startsWith('Optional[')
  return { name, type, ...hasDefault && { default: literal(defaultValue) } }
}

/** Bytecode names a named tuple without its fields, so that it stays one output. */
function returnType(text: string): Type {
  return parseAnnotationString(text, (name) => classType(name))
}

/** Pairs of name and value. */
function readTable(value: IValue | undefined): Partial<Record<string, IValue>> {
  return Object.fromEntries(elementsOf(value, 'a table').map((pair) => {
    const [name, item] = elementsOf(pair, 'a table')
    return [string(name), item] as const
  }))
}

function elementsOf(value: IValue | undefined, what: string): readonly IValue[] {
  if (value?.tag === 'Tuple' || value?.tag === 'List') return value.elements
  throw broken(`${what} is not a tuple`)
}

function string(value: IValue | undefined): string {
  if (value?.tag === 'String') return value.value
  throw broken('a name in it is not a string')
}

function integer(value: IValue | undefined): number {
  if (value?.tag === 'Int') return Number(value.value)
  throw broken('a number in it is not an integer')
}

/** A number of a digit or two, and a line break. */
const MAX_VERSION_BYTES = 32

async function readVersion(archive: Archive): Promise<number> {
  const name = archive.records.has('.data/version') ? '.data/version' : 'version'
  const record = requireRecord(archive, name, 'which tells what its operators mean')
  const text = record.size > MAX_VERSION_BYTES ? '' : new TextDecoder().decode(await record.read()).trim()
  if (!/^\d{1,4}$/.test(text)) throw broken(`the version is '${text.slice(0, 20)}'`)
  return Number(text)
}

function broken(why: string, what: string = "'bytecode.pkl' in the model file"): PetalError {
  return new PetalError({
    code: 'BROKEN_BYTECODE',
    message: `${what[0]!.toUpperCase()}${what.slice(1)} is not code for the lite interpreter: ${why}.`,
    cause: 'The file was damaged, or something newer than PyTorch 2 wrote it.',
    fix: 'Compile the model again from the TorchScript file.',
  })
}
