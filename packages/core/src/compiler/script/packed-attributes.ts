import type { Type } from '../ir/types.ts'
import type { Expr } from './ast.ts'
import type { Resolver } from './lowering.ts'
import { PACKED } from './check-packed.ts'

/** Quantized modules of PyTorch 1.6 and older declare their packed weights as a Tensor; by class, without what mangling adds. */
const PACKED_CLASSES: Readonly<Record<string, string>> = {
  'linear.LinearPackedParams': PACKED.linear, 'linear.Linear': PACKED.linear, 'dynamic.modules.linear.Linear': PACKED.linear,
  'conv.Conv2d': PACKED.conv2d, 'conv_relu.ConvReLU2d': PACKED.conv2d, 'conv.Conv3d': PACKED.conv3d, 'conv_relu.ConvReLU3d': PACKED.conv3d,
}
const QUANTIZED_MODULE = /^__torch__\.torch\.(?:ao\.)?nn\.(?:intrinsic\.)?quantized\.(?:modules\.)?(.+)$/
const MANGLING = /\.___torch_mangle_\d+/g

/** The type that `_packed_params` of an old quantized module really has (`attributeAssignmentSpecialHandlingHack` in import_source.cpp). */
export function legacyPackedType(className: string, attribute: string, type: Expr, resolver: Resolver): Type | undefined {
  if (attribute !== '_packed_params' || type.kind !== 'Name' || type.name !== 'Tensor') return undefined
  const name = QUANTIZED_MODULE.exec(className.replace(MANGLING, ''))?.[1]
  const packed = name !== undefined && Object.hasOwn(PACKED_CLASSES, name) ? PACKED_CLASSES[name] : undefined
  return packed === undefined ? undefined : resolver.typeOf({ kind: 'String', value: packed, line: type.line })
}
