// The classes and schemas of PyTorch 1.13's Metal backend, without Metal: names, states and conditions as in
// aten/src/ATen/native/metal/MetalPrepackOpRegister.cpp. The run operators compute on the CPU from the state alone.
#include "classes.h"

namespace petal {
namespace {

using Ints = std::vector<int64_t>;
using ConvState = std::tuple<Tensor, c10::optional<Tensor>, Ints, Ints, Ints, int64_t, c10::optional<Scalar>, c10::optional<Scalar>>;
using LinearState = std::tuple<Tensor, c10::optional<Tensor>, c10::optional<Scalar>, c10::optional<Scalar>>;

struct Conv2dOpContext : torch::CustomClassHolder {
  explicit Conv2dOpContext(ConvState unpacked) : state(std::move(unpacked)) {
    TORCH_CHECK(std::get<0>(state).dim() == 4, "Conv2dOpContext: weight");
  }
  Tensor run(const Tensor& x) const {
    const auto& [weight, bias, stride, padding, dilation, groups, min, max] = state;
    checkDevice("metal_prepack::conv2d_run");
    TORCH_CHECK(x.dim() == 4 && x.scalar_type() == at::kFloat, "metal_prepack::conv2d_run: input of sizes ", x.sizes());
    return clamped(at::conv2d(x, weight, bias, stride, padding, dilation, groups), {min, max});
  }
  ConvState state;
};

struct LinearOpContext : torch::CustomClassHolder {
  explicit LinearOpContext(LinearState unpacked) : state(std::move(unpacked)) {
    TORCH_CHECK(std::get<0>(state).dim() == 2, "LinearOpContext: weight");
  }
  Tensor run(const Tensor& x) const {
    const auto& [weight, bias, min, max] = state;
    checkDevice("metal_prepack::linear_run");
    TORCH_CHECK(x.scalar_type() == at::kFloat, "metal_prepack::linear_run: input of type ", x.scalar_type());
    return clamped(at::linear(x, weight, bias), {min, max});
  }
  LinearState state;
};

template <typename T, typename S>
void define(torch::Library& m, const char* name) {
  m.class_<T>(name).def_pickle(
      [](const c10::intrusive_ptr<T>& self) { return self->state; },
      [](S state) { return c10::make_intrusive<T>(std::move(state)); });
}

TORCH_LIBRARY(metal, m) {
  define<Conv2dOpContext, ConvState>(m, "Conv2dOpContext");
  define<LinearOpContext, LinearState>(m, "LinearOpContext");
  m.def("copy_to_host(Tensor X) -> Tensor Y");
}

TORCH_LIBRARY(metal_prepack, m) {
#define CLASS(name) "__torch__.torch.classes.metal." name "OpContext"
  m.def("conv2d_prepack(Tensor W, Tensor? B, int[2] stride, int[2] padding, int[2] dilation, int groups, "
        "Scalar? output_min=None, Scalar? output_max=None) -> " CLASS("Conv2d"));
  m.def("conv2d_run(Tensor X, " CLASS("Conv2d") " W_prepack) -> Tensor Y");
  m.def("linear_prepack(Tensor W, Tensor? B, Scalar? output_min=None, Scalar? output_max=None) -> " CLASS("Linear"));
  m.def("linear_run(Tensor X, " CLASS("Linear") " W_prepack) -> Tensor Y");
}

TORCH_LIBRARY_IMPL(metal_prepack, CPU, m) {
  m.impl("conv2d_prepack", [](const Tensor& w, const c10::optional<Tensor>& b, Ints stride, Ints padding, Ints dilation, int64_t groups,
      const c10::optional<Scalar>& min, const c10::optional<Scalar>& max) {
    return c10::make_intrusive<Conv2dOpContext>(ConvState(w, b, stride, padding, dilation, groups, min, max));
  });
  m.impl("linear_prepack", [](const Tensor& w, const c10::optional<Tensor>& b, const c10::optional<Scalar>& min, const c10::optional<Scalar>& max) {
    return c10::make_intrusive<LinearOpContext>(LinearState(w, b, min, max));
  });
  m.impl("conv2d_run", [](const Tensor& x, const c10::intrusive_ptr<Conv2dOpContext>& context) { return context->run(x); });
  m.impl("linear_run", [](const Tensor& x, const c10::intrusive_ptr<LinearOpContext>& context) { return context->run(x); });
}

TORCH_LIBRARY_IMPL(metal, CPU, m) {
  m.impl("copy_to_host", [](const Tensor& x) { return x.clone(); });
}

} // namespace
} // namespace petal
