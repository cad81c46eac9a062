import type { Storage } from '../archive/tensor.ts'
import { type Checksum, layoutZip, type ZipInput, type ZipLayout } from '../archive/zip-writer.ts'
import type { ClassType } from '../ir/class-type.ts'
import { allNodes, type Graph } from '../ir/graph.ts'
import { boolValue, intValue, NONE, stringValue, tupleValue, type IValue, type ObjectValue } from '../ir/ivalue.ts'
import type { Argument, FunctionSchema } from '../ir/schema.ts'
import { emitBytecode } from './bytecode.ts'
import type { Bytecode } from './emitter.ts'
import { pickleIValue } from './ivalue-pickle.ts'
import { argumentTypeString, returnTypeString } from './mobile-types.ts'
import { BYTECODE_VERSION } from './opcodes.ts'
import { operatorVersion } from './operator-version.ts'

/** A method of the root module to be emitted: inlined, with `self` as its first input. */
export interface LiteMethod {
  /** Without the class: `forward`. */
  readonly name: string
  readonly schema: FunctionSchema
  readonly graph: Graph
}

/** A file for the lite interpreter, and what was decided while making it. */
export interface LiteFile extends ZipLayout {
  readonly bytecodeVersion: number
  readonly operatorVersion: number
  /** By method, in the given order. */
  readonly codes: readonly Bytecode[]
}

/** The folder all records are in. Never the file's name: equal models are equal files, wherever they lie. */
const ROOT = 'archive'

/** Set on every optimized module by PyTorch (torch/csrc/jit/passes/xnnpack_rewrite.cpp), so that optimizing again can be told. */
const OPTIMIZED = 'mobile_optimized'

/**
 * Lays out the file that `torch.jit.mobile` loads: `data.pkl` with the attributes that methods still use, `bytecode.pkl`,
 * the storages of both, and the version. TorchScript code is left out, which only the full runtime reads.
 * Nothing is read of the weights until the layout is streamed. Throws a PetalError for what the lite interpreter cannot run.
 */
export function emitLite(root: ObjectValue, methods: readonly LiteMethod[], checksum?: Checksum): LiteFile {
  const attributes = usedAttributes(root.type, methods)
  const attributesOf = (type: ClassType): readonly string[] => attributes.get(type) ?? []
  const slotOf = (type: ClassType, name: string): number => attributesOf(type).indexOf(name)
  const codes = methods.map(({ graph }) => emitBytecode(graph, slotOf))
  const version = operatorVersion(codes)

  const data = new Records('data/', (n) => String(n))
  const object: ObjectValue = { ...root, slots: new Map([...root.slots, [OPTIMIZED, boolValue(true)]]) }
  const dataPickle = pickleIValue(object, { attributesOf, storageKey: data.key })
  const constants = new Records('constants/', (n) => `${n}.storage`)
  const table = tupleValue([intValue(BYTECODE_VERSION), ...methods.map((method, i) => methodValue(root.type, method, codes[i]!))])
  const bytecodePickle = pickleIValue(table, { attributesOf, storageKey: constants.key })

  const layout = layoutZip(ROOT, [
    ...data.inputs, record('data.pkl', dataPickle),
    ...constants.inputs, record('bytecode.pkl', bytecodePickle),
    // Readers before PyTorch 1.6's torch.package know the record by this name only.
    record(version < 6 ? 'version' : '.data/version', new TextEncoder().encode(`${version}\n`)),
  ], checksum)
  return { ...layout, bytecodeVersion: BYTECODE_VERSION, operatorVersion: version, codes }
}

function record(name: string, content: Uint8Array): ZipInput {
  return { name, size: content.length, content }
}

/** Storages in the order in which a pickle first names them; equal contents are one record. */
class Records {
  readonly inputs: ZipInput[] = []
  readonly #keys: Map<string, string> = new Map()
  readonly #folder: string
  readonly #keyOf: (index: number) => string

  constructor(folder: string, keyOf: (index: number) => string) {
    this.#folder = folder
    this.#keyOf = keyOf
  }

  readonly key = (storage: Storage): string => {
    const known = this.#keys.get(storage.identity)
    if (known !== undefined) return known
    const key = this.#keyOf(this.#keys.size)
    this.#keys.set(storage.identity, key)
    this.inputs.push({
      name: this.#folder + key, size: storage.byteLength, content: () => storage.stream(),
      ...storage.crc32 !== undefined && { crc32: storage.crc32 },
    })
    return key
  }
}

/** Per class the attributes that some method reads or writes, in the order in which the class declares them. */
function usedAttributes(root: ClassType, methods: readonly LiteMethod[]): Map<ClassType, string[]> {
  const used = new Map<ClassType, Set<string>>()
  for (const { graph } of methods) {
    for (const node of allNodes(graph.block)) {
      if (node.kind !== 'prim::GetAttr' && node.kind !== 'prim::SetAttr') continue
      const { type } = node.input(0)
      if (type.kind !== 'ClassType') continue
      const names = used.get(type) ?? new Set()
      used.set(type, names.add(node.string('name')))
    }
  }
  const result = new Map<ClassType, string[]>()
  for (const [type, names] of used) {
    const declared = type.attributes.map(({ name }) => name).filter((name) => names.has(name))
    result.set(type, [...new Set([...declared, ...names])])
  }
  return result.set(root, [...(result.get(root) ?? []).filter((name) => name !== OPTIMIZED), OPTIMIZED])
}

/** A method as `bytecode.pkl` holds it: name, code and schema. Source: serialization/export_module.cpp (`getFunctionTuple`). */
function methodValue(type: ClassType, { name, schema }: LiteMethod, code: Bytecode): IValue {
  return tupleValue([
    stringValue(`${type.name}.${name}`),
    tableValue({
      instructions: tupleValue(code.instructions.map(({ op, x, n }) => tupleValue([stringValue(op), intValue(x), intValue(n)]))),
      operators: tupleValue(code.operators.map((operator) =>
        tupleValue([stringValue(operator.name), stringValue(operator.overload), intValue(operator.numArgs)]))),
      constants: tupleValue(code.constants),
      types: tupleValue(code.types.map(stringValue)),
      register_size: intValue(code.registerSize),
    }),
    tableValue({
      arguments: tupleValue(schema.arguments.map((argument) => argumentValue(argument, argumentTypeString(argument.type)))),
      returns: tupleValue(schema.returns.map((argument) => argumentValue(argument, returnTypeString(argument.type)))),
    }),
  ])
}

/** Without a default, None: the runtime then fails on a missing argument by its type. */
function argumentValue({ name, defaultValue }: Argument, type: string): IValue {
  return tableValue({ name: stringValue(name), type: stringValue(type), default_value: defaultValue ?? NONE })
}

/** Pairs of name and value. */
function tableValue(entries: Readonly<Record<string, IValue>>): IValue {
  return tupleValue(Object.entries(entries).map(([name, value]) => tupleValue([stringValue(name), value])))
}
