import type { Bytecode } from './emitter.ts'

/** The version in which an operator's meaning last changed. Source: torch/csrc/jit/operator_upgraders/version_map.cpp. */
const CHANGED_IN: Readonly<Record<string, number>> = {
  'aten::div': 4, 'aten::div_': 4, 'aten::full': 5, 'aten::linspace': 8, 'aten::logspace': 9, 'aten::gelu': 10,
}

/** What PyTorch writes at least (caffe2/serialize/versions.h, `kMinProducedFileFormatVersion`). */
const MIN_VERSION = 3

/**
 * The smallest version that stands for today's meaning of all operators. Runtimes read it both ways: one that is older
 * refuses the file, a newer one rewrites calls of operators that have changed since (jit/mobile/upgrader_mobile.cpp).
 */
export function operatorVersion(codes: readonly Bytecode[]): number {
  let version = MIN_VERSION
  for (const { operators } of codes) {
    for (const { name } of operators) version = Math.max(version, CHANGED_IN[name] ?? 0)
  }
  return version
}
