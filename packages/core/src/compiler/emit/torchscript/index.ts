import { type Checksum, layoutZip, type ZipLayout } from '../../archive/zip-writer.ts'
import type { ClassType } from '../../ir/class-type.ts'
import { tupleValue, type IValue } from '../../ir/ivalue.ts'
import type { Program } from '../../program.ts'
import { pickleIValue } from '../ivalue-pickle.ts'
import { bytesRecord, StorageRecords } from '../storage-records.ts'
import type { Definitions } from './definitions.ts'
import { objectsIn, storedModule } from './module-tree.ts'
import { printCode } from './print-code.ts'

export type { Definitions } from './definitions.ts'
export { printCode, type CodeOptions, type PrintedCode } from './print-code.ts'

/** What an archive is written with. */
export interface TorchScriptOptions {
  /** What the model defines; a LoadedModule. */
  readonly definitions?: Definitions
  readonly checksum?: Checksum
}

/** An archive for torch.jit.load, and what was decided while making it. */
export interface TorchScriptFile extends ZipLayout {
  readonly operatorVersion: number
  /** `CONSTANTS.cN`. */
  readonly constants: readonly IValue[]
}

/** The folder all records are in. Never the file's name: equal models are equal files, wherever they lie. */
const ROOT = 'archive'

/**
 * Lays out the archive that `torch.jit.load` reads: `data.pkl` with the module and its flags, the code, `constants.pkl`, the storages of
 * both and the version, as torch/csrc/jit/serialization/export_module.cpp (`ScriptModuleSerializer`) writes them.
 * The module's objects are written whole. Weights are not read until the layout is streamed.
 * Throws a PetalError for what no code means, and for objects that only their own code could save.
 */
export function emitTorchScript(program: Program, { definitions, checksum }: TorchScriptOptions = {}): TorchScriptFile {
  const root = storedModule(program)
  const names = new Map<string, readonly string[]>()
  for (const { type, slots } of objectsIn(root)) if (!names.has(type.name)) names.set(type.name, [...slots.keys()])
  const attributesOf = (type: ClassType): readonly string[] => names.get(type.name) ?? []
  const code = printCode({ ...program, root }, { attributesOf, ...definitions && { definitions } })

  const data = new StorageRecords('data/')
  const dataPickle = pickleIValue(root, { attributesOf, storageKey: data.key, hasCode: true })
  const constants = new StorageRecords('constants/')
  const constantsPickle = pickleIValue(tupleValue(code.constants), { attributesOf, storageKey: constants.key, hasCode: true })
  const encoder = new TextEncoder()
  const version = code.operatorVersion
  const layout = layoutZip(ROOT, [
    ...data.inputs, bytesRecord('data.pkl', dataPickle),
    ...[...code.files].map(([name, text]) => bytesRecord(name, encoder.encode(text))),
    ...constants.inputs, bytesRecord('constants.pkl', constantsPickle),
    // Readers before PyTorch 1.6's torch.package know the record by this name only.
    bytesRecord(version < 6 ? 'version' : '.data/version', encoder.encode(`${version}\n`)),
  ], checksum)
  return { ...layout, operatorVersion: version, constants: code.constants }
}
