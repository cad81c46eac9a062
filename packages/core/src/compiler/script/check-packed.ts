import type { Tensor } from '../archive/tensor.ts'
import { CUSTOM_CLASS_PREFIX } from '../ir/class-type.ts'
import type { IValue } from '../ir/ivalue.ts'
import { readElement } from '../ir/literal.ts'

/** Classes of packed weights. */
export const PACKED: Readonly<Record<'linear' | 'conv2d' | 'conv3d' | 'embedding', string>> = {
  linear: `${CUSTOM_CLASS_PREFIX}quantized.LinearPackedParamsBase`,
  conv2d: `${CUSTOM_CLASS_PREFIX}quantized.Conv2dPackedParamsBase`,
  conv3d: `${CUSTOM_CLASS_PREFIX}quantized.Conv3dPackedParamsBase`,
  embedding: `${CUSTOM_CLASS_PREFIX}quantized.EmbeddingPackedParamsBase`,
}

/** Where the settings of a convolution have the number of groups and whether it is transposed: last. */
const FROM_END = { groups: 2, transposed: 1 }

/**
 * What every runtime finds wrong with packed weights of this class and state when it packs them (`prepack` in
 * aten/src/ATen/native/quantized/cpu/qlinear_prepack.cpp and qconv_prepack.cpp); undefined when nothing is, and for forms not known here.
 */
export function packedProblem(className: string, state: IValue): string | undefined {
  if (state.tag !== 'Tuple') return undefined
  switch (className) {
    case PACKED.linear: {
      const [weight, bias] = state.elements
      return weight?.tag === 'Tensor' ? problem(weight.value, 2, weight.value.sizes[0], bias) : 'the weight is no tensor'
    }
    case PACKED.conv2d: return convolution(state.elements, 2)
    case PACKED.conv3d: return convolution(state.elements, 3)
    default: return undefined
  }
}

/** Version "2": settings and weight, then the bias. */
function convolution([version, tensors, optional]: readonly IValue[], spatial: number): string | undefined {
  if (version?.tag !== 'String' || version.value !== '2') return undefined
  if (tensors?.tag !== 'List' || optional?.tag !== 'List') return 'it has no tensors'
  const [settings, weight] = tensors.elements
  const [bias] = optional.elements
  if (settings?.tag !== 'Tensor' || weight?.tag !== 'Tensor') return 'it has no weight'
  const setting = (fromEnd: number): number => Number(readElement(settings.value, settings.value.sizes[0]! - fromEnd) ?? 0)
  const { sizes } = weight.value
  const outputs = setting(FROM_END.transposed) === 1 ? sizes[1]! * setting(FROM_END.groups) : sizes[0]
  return problem(weight.value, spatial + 2, outputs, bias)
}

function problem({ sizes }: Tensor, dimensions: number, outputs: number | undefined, bias: IValue | undefined): string | undefined {
  if (sizes.length !== dimensions) return `its weight has ${sizes.length} dimensions instead of ${dimensions}`
  if (bias === undefined || bias.tag === 'None') return undefined
  if (bias.tag !== 'Tensor') return `its bias is a ${bias.tag}`
  const fits = bias.value.sizes.length === 1 && bias.value.sizes[0] === outputs
  return fits ? undefined : `its bias has the sizes [${bias.value.sizes.join(', ')}] for ${outputs} outputs`
}
