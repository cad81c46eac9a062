// The classes and schemas of PyTorch 1.13's Vulkan backend, without Vulkan: names, states and conditions as in
// aten/src/ATen/native/vulkan/ops/{Register,Convolution,Mm,Gru,Lstm}.cpp, so that vulkan_rewrite.cpp of a PyTorch
// built without Vulkan runs. The run operators compute on the CPU from the state alone.
#include "classes.h"

#include <limits>

namespace petal {
namespace {

using State = c10::impl::GenericList;

/** Weights as they are pickled: a list of anything. */
struct Packed : torch::CustomClassHolder {
  explicit Packed(State state) : state(std::move(state)) {}
  State state;
};

State listOf(std::initializer_list<IValue> items) {
  State list{c10::AnyType::get()};
  for (const IValue& item : items) list.push_back(item);
  return list;
}

bool isFloat(const Tensor& t) {
  return t.device().is_cpu() && t.scalar_type() == at::kFloat;
}

struct Conv2dPackedContext : Packed {
  enum { Weight, Bias, Stride, Padding, Dilation, Transposed, Quantized, OutputPadding, Groups, Min, Max, Count };

  explicit Conv2dPackedContext(State unpacked) : Packed(std::move(unpacked)) {
    TORCH_CHECK(state.size() == Count, "Conv2dPackedContext: a state of ", state.size(), " items");
    const Tensor weight = state.get(Weight).toTensor();
    const auto bias = optionalTensor(state.get(Bias));
    const bool transposed = state.get(Transposed).toBool();
    const int64_t groups = state.get(Groups).toInt();
    const auto each = [&](int item, int64_t low, int64_t high) {
      for (int64_t n : pair(state.get(item).toIntVector())) if (n < low || n > high) return false;
      return true;
    };
    const int64_t any = std::numeric_limits<int64_t>::max();
    const auto isBound = [&](int item) { return state.get(item).isNone() || state.get(item).isDouble(); };
    TORCH_CHECK(!state.get(Quantized).toBool(), "Conv2dPackedContext: quantized");
    TORCH_CHECK(weight.dim() == 4 && weight.numel() > 0 && isFloat(weight), "Conv2dPackedContext: weight");
    TORCH_CHECK(!bias || (bias->dim() == 1 && isFloat(*bias) && bias->size(0) == weight.size(transposed ? 1 : 0)), "Conv2dPackedContext: bias");
    TORCH_CHECK(each(Stride, 1, any) && each(Padding, 0, any) && each(Dilation, 1, transposed ? 1 : any), "Conv2dPackedContext: geometry");
    TORCH_CHECK(groups > 0 && weight.size(0) % groups == 0, "Conv2dPackedContext: groups");
    TORCH_CHECK(isBound(Min) && isBound(Max), "Conv2dPackedContext: bounds that are no floats");
    pair(state.get(OutputPadding).toIntVector());
  }

  Tensor run(const Tensor& input) const {
    checkDevice("run_conv2d_context");
    TORCH_CHECK(input.dim() == 4 && input.numel() > 0 && input.scalar_type() == at::kFloat, "run_conv2d_context: input of sizes ", input.sizes());
    const Tensor weight = state.get(Weight).toTensor();
    const auto bias = optionalTensor(state.get(Bias));
    const auto stride = pair(state.get(Stride).toIntVector()), padding = pair(state.get(Padding).toIntVector());
    const auto dilation = pair(state.get(Dilation).toIntVector());
    const int64_t groups = state.get(Groups).toInt();
    const Tensor y = state.get(Transposed).toBool()
        ? at::conv_transpose2d(input, weight, bias, stride, padding, pair(state.get(OutputPadding).toIntVector()), groups, dilation)
        : at::conv2d(input, weight, bias, stride, padding, dilation, groups);
    return clamped(y, {optionalScalar(state.get(Min)), optionalScalar(state.get(Max))});
  }
};

struct LinearPackedContext : Packed {
  explicit LinearPackedContext(State unpacked) : Packed(std::move(unpacked)) {
    TORCH_CHECK(state.size() == 2, "LinearPackedContext: a state of ", state.size(), " items");
    const Tensor weight = state.get(0).toTensor();
    const auto bias = optionalTensor(state.get(1));
    TORCH_CHECK(weight.dim() == 2 && weight.numel() > 0 && isFloat(weight) && !weight.requires_grad(), "LinearPackedContext: weight");
    TORCH_CHECK(!bias || (bias->dim() > 0 && isFloat(*bias) && (bias->dim() == 1 || bias->size(1) == weight.size(1)) && !bias->requires_grad()),
        "LinearPackedContext: bias");
  }

  Tensor run(const Tensor& input) const {
    checkDevice("run_linear_context");
    TORCH_CHECK(input.dim() >= 2 && input.scalar_type() == at::kFloat, "run_linear_context: input of sizes ", input.sizes());
    const Tensor y = at::matmul(input, state.get(0).toTensor());
    const auto bias = optionalTensor(state.get(1));
    return bias ? at::add(y, *bias) : y;
  }
};

/** A recurrent layer; PyTorch's kernels take four parameters a layer, one direction, and sequences of one step or batch-first ones. */
struct Recurrent : Packed {
  enum { Params, HasBiases, Layers, Dropout, Train, Bidirectional, BatchFirst, Count };

  explicit Recurrent(State unpacked) : Packed(std::move(unpacked)) {
    TORCH_CHECK(state.size() == Count, "a recurrent context with a state of ", state.size(), " items");
    TORCH_CHECK(state.get(HasBiases).toBool() && !state.get(Train).toBool() && !state.get(Bidirectional).toBool(), "recurrent context: variant");
    TORCH_CHECK(state.get(Dropout).toDouble() < 1000 * std::numeric_limits<double>::epsilon(), "recurrent context: dropout");
    const auto params = state.get(Params).toTensorVector();
    TORCH_CHECK((int64_t)params.size() == 4 * state.get(Layers).toInt(), "recurrent context: ", params.size(), " parameters");
    for (const Tensor& param : params) TORCH_CHECK(isFloat(param) && !param.requires_grad(), "recurrent context: parameter");
  }

  void usable(const Tensor& input) const {
    checkDevice("a recurrent layer");
    TORCH_CHECK(input.dim() == 3 && ((input.size(0) == 1 && input.size(1) == 1) || state.get(BatchFirst).toBool()), "a batch-first input is expected");
  }
};

struct GruPackedContext : Recurrent {
  using Recurrent::Recurrent;
  std::tuple<Tensor, Tensor> run(const Tensor& input, const Tensor& hx) const {
    usable(input);
    return at::gru(input, hx, state.get(Params).toTensorVector(), true, state.get(Layers).toInt(), 0, false, false, state.get(BatchFirst).toBool());
  }
};

struct LstmPackedContext : Recurrent {
  using Recurrent::Recurrent;
  std::tuple<Tensor, Tensor, Tensor> run(const Tensor& input, const Tensor& hx, const Tensor& cx) const {
    usable(input);
    return at::lstm(input, {hx, cx}, state.get(Params).toTensorVector(), true, state.get(Layers).toInt(), 0, false, false, state.get(BatchFirst).toBool());
  }
};

template <typename T>
using Held = c10::intrusive_ptr<T>;
using Ints = std::vector<int64_t>;

Held<Conv2dPackedContext> createConv2d(const Tensor& w, const c10::optional<Tensor>& b, Ints stride, Ints padding, Ints dilation, int64_t groups,
    const c10::optional<Scalar>& min, const c10::optional<Scalar>& max) {
  return c10::make_intrusive<Conv2dPackedContext>(listOf({w, b, stride, padding, dilation, false, false, Ints{0}, groups, min, max}));
}

Held<Conv2dPackedContext> createTransposed(const Tensor& w, const c10::optional<Tensor>& b, Ints stride, Ints padding, Ints outputPadding, Ints dilation,
    int64_t groups, const c10::optional<Scalar>& min, const c10::optional<Scalar>& max) {
  return c10::make_intrusive<Conv2dPackedContext>(listOf({w, b, stride, padding, dilation, true, false, outputPadding, groups, min, max}));
}

Held<LinearPackedContext> createLinear(const Tensor& w, const c10::optional<Tensor>& b) {
  return c10::make_intrusive<LinearPackedContext>(listOf({w, b}));
}

template <typename T>
Held<T> createRecurrent(std::vector<Tensor> params, bool biases, int64_t layers, double dropout, bool train, bool bidirectional, bool batchFirst) {
  return c10::make_intrusive<T>(listOf({params, biases, layers, dropout, train, bidirectional, batchFirst}));
}

template <typename T>
void define(torch::Library& m, const char* name) {
  m.class_<T>(name).def_pickle(
      [](const Held<T>& self) { return self->state; },
      [](State state) { return c10::make_intrusive<T>(std::move(state)); });
}

TORCH_LIBRARY(vulkan, m) {
  define<Conv2dPackedContext>(m, "Conv2dPackedContext");
  define<LinearPackedContext>(m, "LinearPackedContext");
  define<GruPackedContext>(m, "GruPackedContext");
  define<LstmPackedContext>(m, "LstmPackedContext");
}

TORCH_LIBRARY(vulkan_prepack, m) {
#define CLASS(name) "__torch__.torch.classes.vulkan." name "PackedContext"
#define RECURRENT "(Tensor[] params_cpu, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> "
  m.def("create_conv2d_context(Tensor W, Tensor? B, int[2] stride, int[2] padding, int[2] dilation, int groups, "
        "Scalar? output_min=None, Scalar? output_max=None) -> " CLASS("Conv2d"));
  m.def("run_conv2d_context(Tensor X, " CLASS("Conv2d") " W_prepack) -> Tensor Y");
  m.def("create_tconv2d_context(Tensor W, Tensor? B, int[2] stride, int[2] padding, int[2] output_padding, int[2] dilation, int groups, "
        "Scalar? output_min=None, Scalar? output_max=None) -> " CLASS("Conv2d"));
  m.def("run_tconv2d_context(Tensor X, " CLASS("Conv2d") " W_prepack) -> Tensor Y");
  m.def("create_linear_context(Tensor W, Tensor? B) -> " CLASS("Linear"));
  m.def("run_linear_context(Tensor X, " CLASS("Linear") " BW_prepack) -> Tensor Y");
  m.def("create_gru_context" RECURRENT CLASS("Gru"));
  m.def("run_gru_context(Tensor input_vk, Tensor hx_vk, " CLASS("Gru") " G_prepack) -> (Tensor next_input, Tensor hidden_layer)");
  m.def("create_lstm_context" RECURRENT CLASS("Lstm"));
  m.def("run_lstm_context(Tensor input_vk, Tensor hx_vk, Tensor cx_vk, " CLASS("Lstm") " L_prepack) -> "
        "(Tensor next_input, Tensor hidden_state, Tensor cell_state)");
}

TORCH_LIBRARY_IMPL(vulkan_prepack, CPU, m) {
  m.impl("create_conv2d_context", createConv2d);
  m.impl("create_tconv2d_context", createTransposed);
  m.impl("create_linear_context", createLinear);
  m.impl("create_gru_context", createRecurrent<GruPackedContext>);
  m.impl("create_lstm_context", createRecurrent<LstmPackedContext>);
  // PyTorch has these on Vulkan tensors only; emulation.cpp leads those here.
  const auto conv = [](const Tensor& x, const Held<Conv2dPackedContext>& context) { return context->run(x); };
  m.impl("run_conv2d_context", conv);
  m.impl("run_tconv2d_context", conv);
  m.impl("run_linear_context", [](const Tensor& x, const Held<LinearPackedContext>& context) { return context->run(x); });
  m.impl("run_gru_context", [](const Tensor& x, const Tensor& hx, const Held<GruPackedContext>& context) { return context->run(x, hx); });
  m.impl("run_lstm_context", [](const Tensor& x, const Tensor& hx, const Tensor& cx, const Held<LstmPackedContext>& context) { return context->run(x, hx, cx); });
}

} // namespace
} // namespace petal
