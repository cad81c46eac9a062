import type { BytecodeVersion } from '../artifact.ts'

/** Versions of bytecode that fit into a zip archive. */
export type ZipBytecodeVersion = Exclude<BytecodeVersion, 9>

/** How a version of bytecode is written. Source: caffe2/serialize/versions.h, jit/mobile/compatibility/backport_manager.cpp. */
export interface BytecodeForm {
  /** Operators that need no schema are instructions of their own. */
  readonly promoted: boolean
  /** Which arguments with default values calls leave out; where some are, the operator table tells how many are passed. */
  readonly trims: 'none' | 'trailing' | 'before-out'
  /** The folder of the tensors among the constants. */
  readonly storages: 'constants/' | 'bytecode/'
  /** Named tuples are constructed as such. Runtimes before 1.11 do not know their types, and the flatbuffer's loader takes those for classes. */
  readonly namedTuples: boolean
}

/** Every version that is written; the keys are the numbers at the head of `bytecode.pkl`, and 9 is the flatbuffer's. */
export const BYTECODE_FORMS: Readonly<Record<BytecodeVersion, BytecodeForm>> = {
  4: { promoted: false, trims: 'none', storages: 'bytecode/', namedTuples: false },
  5: { promoted: false, trims: 'none', storages: 'constants/', namedTuples: false },
  6: { promoted: false, trims: 'trailing', storages: 'constants/', namedTuples: false },
  7: { promoted: false, trims: 'before-out', storages: 'constants/', namedTuples: false },
  8: { promoted: true, trims: 'before-out', storages: 'constants/', namedTuples: true },
  9: { promoted: true, trims: 'before-out', storages: 'constants/', namedTuples: false },
}

/** What PyTorch writes since 1.12 (caffe2/serialize/versions.h, `kProducedBytecodeVersion`). */
export const BYTECODE_VERSION = 8

/** The version of a flatbuffer, which has no other one. */
export const FLATBUFFER_VERSION = 9
