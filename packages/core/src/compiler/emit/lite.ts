import type { RuntimeVersion } from '../artifact.ts'
import { type Checksum, layoutZip, type ZipInput, type ZipLayout } from '../archive/zip-writer.ts'
import type { ClassType } from '../ir/class-type.ts'
import { intValue, NONE, stringValue, tupleValue, type IValue } from '../ir/ivalue.ts'
import type { SourceLookup } from '../ir/source-range.ts'
import type { Argument } from '../ir/schema.ts'
import type { Program } from '../program.ts'
import { BYTECODE_FORMS, type BytecodeForm, type ZipBytecodeVersion } from './bytecode-form.ts'
import { debugRecords } from './debug.ts'
import type { Bytecode } from './emitter.ts'
import { liteForm } from './form.ts'
import { pickleIValue } from './ivalue-pickle.ts'
import { mobileModule, type MobileMethod } from './mobile-module.ts'
import { argumentTypeString, returnTypeString } from './mobile-types.ts'
import { RUNTIMES } from './runtimes/index.ts'
import { bytesRecord, StorageRecords } from './storage-records.ts'
import { printCode, type CodeOptions, type Definitions } from './torchscript/index.ts'

/** How to write a file for the lite interpreter. */
export interface LiteOptions {
  /** The newest that the runtime loads, or all since 1.12 do, when left out. */
  readonly bytecode?: ZipBytecodeVersion
  /** The release that the file is for: calls pass what it knows. */
  readonly runtime?: RuntimeVersion
  /** Adds tables that lead from instructions to the source lines that this tells. */
  readonly debug?: SourceLookup
  /** Adds TorchScript and its constants, so that torch.jit.load reads the file as well; what the model defines, a LoadedModule. */
  readonly code?: Definitions
  readonly checksum?: Checksum
}

/** A file for the lite interpreter, and what was decided while making it. */
export interface LiteFile extends ZipLayout {
  readonly bytecodeVersion: number
  readonly operatorVersion: number
  /** By method, in the given order. */
  readonly codes: readonly Bytecode[]
  /** Releases that refuse the file for its debug records. */
  readonly refusedBy: readonly RuntimeVersion[]
}

/** The folder all records are in. Never the file's name: equal models are equal files, wherever they lie. */
const ROOT = 'archive'

/**
 * Lays out the file that `torch.jit.mobile` loads: `data.pkl` with the attributes that methods still use, `bytecode.pkl`,
 * the storages of both, and the version. TorchScript code, which only the full runtime reads, is left out unless it is asked for; it
 * shares its weights with the bytecode.
 * Nothing is read of the weights until the layout is streamed. Throws a PetalError for what the lite interpreter cannot run.
 */
export function emitLite(program: Program, options: LiteOptions = {}): LiteFile {
  const { runtime, debug, code, checksum } = options
  const { bytecode } = liteForm(options)
  const form = BYTECODE_FORMS[bytecode]
  const { root, methods, attributesOf, operatorVersion } = mobileModule(code ? withTraining(program) : program, bytecode, runtime)
  const data = new StorageRecords('data/')
  const constants = new StorageRecords('constants/', (n) => `${n}.storage`)
  // The loader of version 4 knows its tensors by number.
  const own = form.storages === 'constants/' ? constants : new StorageRecords(form.storages)
  const table = tupleValue([intValue(bytecode), ...methods.map((method) => methodValue(root.type, method, form))])
  const dataPickle = pickleIValue(root, { attributesOf, storageKey: data.key })
  const texts = code ? codeRecords({ ...program, root }, { attributesOf, definitions: code }, constants) : {}
  const bytecodePickle = pickleIValue(table, { attributesOf, storageKey: own.key })
  const layout = layoutZip(ROOT, [
    ...data.inputs, bytesRecord('data.pkl', dataPickle),
    ...constants.inputs, ...own === constants ? [] : own.inputs,
    ...records(texts), bytesRecord('bytecode.pkl', bytecodePickle),
    ...records(debug ? debugRecords(root.type, methods, { version: bytecode, isFor19: runtime === '1.9', sourceOf: debug }) : {}),
    // Readers before PyTorch 1.6's torch.package know the record by this name only.
    bytesRecord(operatorVersion < 6 ? 'version' : '.data/version', new TextEncoder().encode(`${operatorVersion}\n`)),
  ], checksum)
  const refusedBy = debug === undefined ? [] : RUNTIMES.flatMap(({ version }) => ((version === '1.9') === (runtime === '1.9') ? [] : [version]))
  return { ...layout, bytecodeVersion: bytecode, operatorVersion, codes: methods.map((method) => method.code), refusedBy }
}

function records(contents: Readonly<Record<string, Uint8Array>>): ZipInput[] {
  return Object.entries(contents).map(([name, content]) => bytesRecord(name, content))
}

/** Modules of the full runtime have it, for `eval()` to find. */
function withTraining(program: Program): Program {
  return { ...program, flags: { training: false, ...program.flags } }
}

/** What torch.jit.load reads beside `data.pkl`. */
function codeRecords(program: Program, options: CodeOptions, storages: StorageRecords): Record<string, Uint8Array> {
  const { files, constants } = printCode(program, options)
  const encoder = new TextEncoder()
  return {
    ...Object.fromEntries([...files].map(([name, content]) => [name, encoder.encode(content)])),
    'constants.pkl': pickleIValue(tupleValue(constants), { attributesOf: options.attributesOf!, storageKey: storages.key, hasCode: true }),
  }
}

/** A method as `bytecode.pkl` holds it: name, code and schema. Source: serialization/export_module.cpp (`getFunctionTuple`). */
function methodValue(type: ClassType, { name, schema, code }: MobileMethod, form: BytecodeForm): IValue {
  return tupleValue([
    stringValue(`${type.name}.${name}`),
    tableValue({
      instructions: tupleValue(code.instructions.map(({ op, x, n }) => tupleValue([stringValue(op), intValue(x), intValue(n)]))),
      operators: tupleValue(code.operators.map((operator) =>
        tupleValue([stringValue(operator.name), stringValue(operator.overload), ...form.trims === 'none' ? [] : [intValue(operator.numArgs)]]))),
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
