/**
 * Operators that only PyTorch builds for a GPU have, so that they are not among those that a stock build lists: name and signature.
 * From PyTorch 1.13's aten/src/ATen/native/vulkan/ops/Register.cpp and aten/src/ATen/native/metal/MetalPrepackOpRegister.cpp.
 */
export const GPU_OPERATORS: Readonly<Record<string, string>> = {
  'vulkan_prepack::create_conv2d_context':
    '(Tensor W, Tensor? B, int[2] stride, int[2] padding, int[2] dilation, int groups, Scalar? output_min=None, Scalar? output_max=None) -> __torch__.torch.classes.vulkan.Conv2dPackedContext',
  'vulkan_prepack::run_conv2d_context': '(Tensor X, __torch__.torch.classes.vulkan.Conv2dPackedContext W_prepack) -> Tensor Y',
  'vulkan_prepack::create_tconv2d_context':
    '(Tensor W, Tensor? B, int[2] stride, int[2] padding, int[2] output_padding, int[2] dilation, int groups, Scalar? output_min=None, Scalar? output_max=None) -> __torch__.torch.classes.vulkan.Conv2dPackedContext',
  'vulkan_prepack::run_tconv2d_context': '(Tensor X, __torch__.torch.classes.vulkan.Conv2dPackedContext W_prepack) -> Tensor Y',
  'vulkan_prepack::create_linear_context': '(Tensor W, Tensor? B) -> __torch__.torch.classes.vulkan.LinearPackedContext',
  'vulkan_prepack::run_linear_context': '(Tensor X, __torch__.torch.classes.vulkan.LinearPackedContext BW_prepack) -> Tensor Y',
  'vulkan_prepack::conv2d_clamp_prepack':
    '(Tensor W, Tensor? B, int[2] stride, int[2] padding, int[2] dilation, int groups, Scalar? output_min=None, Scalar? output_max=None) -> __torch__.torch.classes.vulkan.Conv2dOpContext',
  'vulkan_prepack::conv2d_clamp_run': '(Tensor X, __torch__.torch.classes.vulkan.Conv2dOpContext W_prepack) -> Tensor Y',
  'vulkan_prepack::create_gru_context':
    '(Tensor[] params_cpu, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> __torch__.torch.classes.vulkan.GruPackedContext',
  'vulkan_prepack::run_gru_context':
    '(Tensor input_vk, Tensor hx_vk, __torch__.torch.classes.vulkan.GruPackedContext G_prepack) -> (Tensor next_input, Tensor hidden_layer)',
  'vulkan_prepack::create_lstm_context':
    '(Tensor[] params_cpu, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> __torch__.torch.classes.vulkan.LstmPackedContext',
  'vulkan_prepack::run_lstm_context':
    '(Tensor input_vk, Tensor hx_vk, Tensor cx_vk, __torch__.torch.classes.vulkan.LstmPackedContext L_prepack) -> (Tensor next_input, Tensor hidden_state, Tensor cell_state)',
  'metal::copy_to_host': '(Tensor X) -> Tensor Y',
  'metal_prepack::conv2d_prepack':
    '(Tensor W, Tensor? B, int[2] stride, int[2] padding, int[2] dilation, int groups, Scalar? output_min=None, Scalar? output_max=None) -> __torch__.torch.classes.metal.Conv2dOpContext',
  'metal_prepack::conv2d_run': '(Tensor X, __torch__.torch.classes.metal.Conv2dOpContext W_prepack) -> Tensor Y',
  'metal_prepack::linear_prepack':
    '(Tensor W, Tensor? B, Scalar? output_min=None, Scalar? output_max=None) -> __torch__.torch.classes.metal.LinearOpContext',
  'metal_prepack::linear_run': '(Tensor X, __torch__.torch.classes.metal.LinearOpContext W_prepack) -> Tensor Y',
}
