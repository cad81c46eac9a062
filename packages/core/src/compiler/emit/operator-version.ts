import { operatorKey, type Bytecode, type BytecodeOperator } from './emitter.ts'

/** The version in which an operator's meaning last changed. Source: torch/csrc/jit/operator_upgraders/version_map.cpp. */
const CHANGED_IN: Readonly<Record<string, number>> = {
  'aten::div': 4, 'aten::div_': 4, 'aten::full': 5, 'aten::linspace': 8, 'aten::logspace': 9, 'aten::gelu': 10,
}

/** What PyTorch writes at least (caffe2/serialize/versions.h, `kMinProducedFileFormatVersion`). */
const MIN_VERSION = 3

/**
 * What a newer runtime makes of calls in a file of an older version: it replaces them by functions of its own, which take all
 * arguments of the older signature, defaults or not (jit/mobile/upgrader_mobile.cpp, jit/mobile/parse_bytecode.cpp).
 */
export const UPGRADED_WHOLE: ReadonlySet<string> = new Set(['aten::linspace', 'aten::logspace'])

/** Calls whose meaning has not changed, as they say what the older version took for granted: how many arguments those pass. */
const UNCHANGED: Readonly<Record<string, number>> = {
  'aten::linspace': 7, 'aten::linspace.out': 4, 'aten::logspace': 8, 'aten::logspace.out': 5, 'aten::gelu': 1, 'aten::gelu.out': 2,
}

/**
 * The smallest version that stands for today's meaning of all operators, at most `newest` where they mean the same there. Runtimes
 * read it both ways: one that is older refuses the file, a newer one rewrites calls of operators that have changed since.
 */
export function operatorVersion(codes: readonly Pick<Bytecode, 'operators'>[], newest: number): number {
  const versions = codes.flatMap(({ operators }) => operators.map((operator) => versionOf(operator, newest)))
  return versions.reduce((version, each) => Math.max(version, each), MIN_VERSION)
}

function versionOf({ name, overload, numArgs }: BytecodeOperator, newest: number): number {
  const version = CHANGED_IN[name] ?? 0
  return version > newest && UNCHANGED[operatorKey(name, overload)] === numArgs ? newest : version
}
