import { PetalError } from '../errors.ts'
import { requireRecord, type Archive, type ArchiveRecord } from '../archive/zip-reader.ts'
import type { ScriptFunction } from '../ir/class-type.ts'
import type { IValue, ObjectValue } from '../ir/ivalue.ts'
import type { FunctionSchema } from '../ir/schema.ts'
import type { EnumType, InterfaceType, Type } from '../ir/types.ts'
import { checkObjects, objectsWithState } from './check-objects.ts'
import { Importer } from './importer.ts'
import { restoreStates } from './set-state.ts'
import type { SourceFile } from './source.ts'
import { unpickleModule } from './unpickle.ts'

/** The code of a model. The largest of torchvision's have some 2 MB, and all of it is held in memory while compiling. */
export const MAX_CODE_BYTES: number = 256 << 20

/** Archive versions that PyTorch 1.13 to 2.x read (`kMinSupportedFileFormatVersion`, `kMaxSupportedFileFormatVersion` in caffe2/serialize/versions.h). */
const VERSIONS = { min: 1, max: 10 }

const CODE = 'code/'

/** A model archive, read. Weights are lazy, and so is the code: a method is lowered when its graph is first asked for. */
export interface LoadedModule {
  readonly root: ObjectValue
  /** `CONSTANTS.cN`. */
  readonly constants: readonly IValue[]
  /** The version record: which meaning operators had when the file was saved. Graphs have today's operators whatever it says. */
  readonly operatorVersion: number
  /** Devices that tensors were on when saved, `cpu` mostly, sorted. */
  readonly devices: readonly string[]
  /** A method of the root module. */
  method(name: string): ScriptFunction | undefined
  /** A free function by its qualified name, which is what `prim::CallFunction` refers to. */
  functionNamed(name: string): ScriptFunction | undefined
  /** A class, NamedTuple, enum or interface of the model by its qualified name. */
  typeNamed(name: string): Type | undefined
  /** Name and value of each member of an enum, in order. */
  enumMembers(type: EnumType): readonly (readonly [string, IValue])[]
  /** What an interface asks for; the object is the first argument. */
  interfaceMethods(type: InterfaceType): readonly FunctionSchema[]
  /** Adds the functions of a text to the methods of the root module's class, as `ScriptModule.define`. */
  define(source: SourceFile): void
}

/**
 * Reads a model that torch.jit.save wrote: its objects, and the classes and functions of its code.
 * Throws a PetalError for what PyTorch itself would not load, and for objects that only running code could restore.
 */
export async function loadModule(archive: Archive): Promise<LoadedModule> {
  if (archive.records.has('model.json') && !archive.records.has('data.pkl')) throw oldFormat()
  const operatorVersion = await readVersion(archive)
  const sources = await readSources(archive)
  const importer = new Importer({ sourceOf: (qualifier) => sources.get(qualifier), operatorVersion })
  const { root, constants, devices } = await unpickleModule(archive, importer)
  importer.setConstants(constants)
  if (root.tag !== 'Object' || !root.type.isModule) throw notAModule(root.tag)
  restoreStates([root, ...constants].flatMap(objectsWithState), (name) => importer.customClass(name))
  checkObjects(root)
  return {
    root, constants, operatorVersion, devices,
    method: (name) => root.type.methods.get(name),
    functionNamed: (name) => importer.functionNamed(name),
    typeNamed: (name) => importer.namedType(name),
    enumMembers: (type) => importer.enumMembers(type),
    interfaceMethods: (type) => importer.interfaceMethods(type),
    define: (source) => importer.define(root.type, source),
  }
}

async function readVersion(archive: Archive): Promise<number> {
  const record = archive.records.get('.data/version') ?? requireRecord(archive, 'version', 'which says which PyTorch wrote it')
  const text = record.size > 32 ? '' : new TextDecoder().decode(await record.read()).trim()
  const version = /^\d{1,9}$/.test(text) ? Number(text) : NaN
  if (version >= VERSIONS.min && version <= VERSIONS.max) return version
  throw new PetalError({
    code: 'UNSUPPORTED_MODEL_VERSION',
    message: Number.isNaN(version) ? 'The version record of the model file is no number.' : `The model file has the version ${version}.`,
    cause: Number.isNaN(version) ? 'The file is damaged.' : `Versions ${VERSIONS.min} to ${VERSIONS.max} are known; the file was saved by a newer PyTorch.`,
    fix: 'Save the model again with a released PyTorch.',
  })
}

/** The code records by the qualifier of what they define: `code/__torch__/a/b.py` is `__torch__.a.b`. */
async function readSources(archive: Archive): Promise<Map<string, SourceFile>> {
  const records = [...archive.records.values()].filter(({ name }) => name.startsWith(CODE) && name.endsWith('.py'))
  const total = records.reduce((sum, { size }) => sum + size, 0)
  if (total > MAX_CODE_BYTES) {
    throw new PetalError({
      code: 'TOO_MUCH_CODE',
      message: `The model has ${Math.ceil(total / (1 << 20))} MiB of code; at most ${MAX_CODE_BYTES >> 20} MiB are read.`,
      cause: 'No real model has nearly as much, so the file is damaged or was made to exhaust memory.',
    })
  }
  const texts = await Promise.all(records.map(readText))
  return new Map(records.map(({ name }, i) => {
    const qualifier = name.slice(CODE.length, -'.py'.length).replaceAll('/', '.')
    return [qualifier, { name, text: texts[i]! }]
  }))
}

async function readText(record: ArchiveRecord): Promise<string> {
  const bytes = await record.read()
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new PetalError({
      code: 'UNSUPPORTED_SYNTAX',
      message: `'${record.name}' in the model file is not UTF-8 text.`,
      cause: 'The file is damaged.',
      fix: 'Save the model again with torch.jit.save.',
    })
  }
}

/** What PyTorch 1.0 to 1.2 wrote; torch/csrc/jit/serialization/import_legacy.cpp read it. */
function oldFormat(): PetalError {
  return new PetalError({
    code: 'OLD_TORCHSCRIPT',
    message: 'The model file is a TorchScript model in the format before PyTorch 1.3.',
    cause: 'It describes its tensors in model.json, which newer versions replaced.',
    fix: 'Load it with torch.jit.load in PyTorch 1.4 to 1.9 and save it again; later ones no longer read it either.',
  })
}

function notAModule(tag: string): PetalError {
  return new PetalError({
    code: 'NOT_A_MODULE',
    message: `The model file holds a ${tag} and no module.`,
    cause: 'Something other than torch.jit.save wrote it.',
    fix: 'Save a scripted or traced torch.nn.Module with torch.jit.save.',
  })
}
