import type { ObjectValue } from '../ir/ivalue.ts'
import type { Graph } from '../ir/graph.ts'
import type { Access } from './attribute-writes.ts'
import { freezeModule } from './freezing.ts'
import type { PassLog } from './pass.ts'
import type { AttributeSet } from './preserved.ts'

/** Quantized convolution modules, without the mangling of names (torch/csrc/jit/passes/hoist_conv_packed_params.cpp). */
const QUANTIZED_CONV = /^__torch__\.torch\.(ao\.)?nn\.(quantized|intrinsic\.quantized)\.(modules|dynamic\.modules)\.(conv\.Conv[123]d|conv_relu\.ConvReLU[123]d)$/

/** True for the packed parameters of a quantized convolution. */
export function isConvPackedParams(access: Access | undefined): boolean {
  return access?.name === '_packed_params' && QUANTIZED_CONV.test(access.object.type.name.replace(/___torch_mangle_\d+\./g, ''))
}

/**
 * Takes the packed parameters of quantized convolutions out of their modules, so that the modules can go. PyTorch moves them to the
 * root module and freezes once more, which makes them constants; here they become constants at once.
 */
export function hoistConvPackedParams(graphs: readonly Graph[], root: ObjectValue, log: PassLog, preserved?: AttributeSet): void {
  freezeModule(graphs, root, log, { name: 'hoist_conv_packed_params', select: isConvPackedParams, ...preserved && { preserved } })
}
