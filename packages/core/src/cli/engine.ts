import { setFlagsFromString } from 'node:v8'

/**
 * Tells V8 to optimize later. Most code here runs a few thousand times and then never again: by its usual haste, compiling our
 * functions takes as much processor time as running them (0.9 s instead of 0.55 s for MobileNetV2). Loops over weights run long
 * enough to be optimized all the same. For the command only; a library does not set flags.
 */
export function tuneEngine(): void {
  // Unknown flags print a line; from a Node that was not tried, none is set.
  const [major = 0] = process.versions.node.split('.').map(Number)
  if (major <= 24) setFlagsFromString('--interrupt-budget=500000')
}
