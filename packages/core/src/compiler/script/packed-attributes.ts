import type { Type } from '../ir/types.ts'
import type { Expr } from './ast.ts'
import type { Resolver } from './lowering.ts'

const LINEAR = '__torch__.torch.classes.quantized.LinearPackedParamsBase'
const CONV2D = '__torch__.torch.classes.quantized.Conv2dPackedParamsBase'
const CONV3D = '__torch__.torch.classes.quantized.Conv3dPackedParamsBase'

/** Quantized modules of PyTorch 1.6 and older declare their packed weights as a Tensor; by class, without what mangling adds. */
const PACKED_CLASSES: Readonly<Record<string, string>> = {
  'linear.LinearPackedParams': LINEAR, 'linear.Linear': LINEAR, 'dynamic.modules.linear.Linear': LINEAR,
  'conv.Conv2d': CONV2D, 'conv_relu.ConvReLU2d': CONV2D, 'conv.Conv3d': CONV3D, 'conv_relu.ConvReLU3d': CONV3D,
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
