/** Versions of bytecode that fit into a zip archive. Version 9 is version 8 in a flatbuffer. */
export type ZipBytecodeVersion = 4 | 5 | 6 | 7 | 8

/** How a version of bytecode is written. Source: caffe2/serialize/versions.h, jit/mobile/compatibility/backport_manager.cpp. */
export interface BytecodeForm {
  /** Operators that need no schema are instructions of their own. */
  readonly promoted: boolean
  /** Which arguments with default values calls leave out; where some are, the operator table tells how many are passed. */
  readonly trims: 'none' | 'trailing' | 'before-out'
  /** The folder of the tensors among the constants. */
  readonly storages: 'constants/' | 'bytecode/'
}

/** Every version that is written; the keys are the numbers at the head of `bytecode.pkl`. */
export const BYTECODE_FORMS: Readonly<Record<ZipBytecodeVersion, BytecodeForm>> = {
  4: { promoted: false, trims: 'none', storages: 'bytecode/' },
  5: { promoted: false, trims: 'none', storages: 'constants/' },
  6: { promoted: false, trims: 'trailing', storages: 'constants/' },
  7: { promoted: false, trims: 'before-out', storages: 'constants/' },
  8: { promoted: true, trims: 'before-out', storages: 'constants/' },
}

/** What PyTorch writes since 1.12 (caffe2/serialize/versions.h, `kProducedBytecodeVersion`). */
export const BYTECODE_VERSION = 8
