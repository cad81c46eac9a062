"""What may differ between our files and those of PyTorch's own passes, with the reason; everything else has to be the same."""

import collections
import functools
import hashlib
import re
from typing import Counter, Dict, List, Tuple

import torch
from archive import Archive, pickled

REASONS = {
    "host": "Operators that make no tensor: ranks, lengths and strings are known to our compiler where PyTorch's passes leave the question to the "
            "runtime, and lists are built at once.",
    "copies": "Outputs of Metal files are copied to the CPU, which PyTorch's pass leaves to the app; what a GPU's kernels lack or compute wrongly runs on "
              "the CPU, between copies.",
    "recurrent": "Vulkan's kernels do not carry the state of LSTM and GRU along the sequence (ops/Lstm.cpp, ops/Gru.cpp), and cannot read the state that "
                 "they save: these layers run on the CPU.",
    "kernels": "The kernels compute these convolutions wrongly without telling, or refuse them. Vulkan's (glsl/conv2d.glsl, conv2d_dw.glsl, conv2d_pw_2x2.glsl): "
               "groups of several channels, padded kernels of 1x1, and dilated ones at padded borders. Metal's (mpscnn/MPSCNNConvOp.mm): dilated ones, and "
               "groups of channels that are no multiple of 4. They run on the CPU.",
    "bias": "Vulkan's shader adds the bias of a linear layer to the first row only (glsl/addmm.glsl): where there may be more rows it is added apart.",
    "numbers": "Vulkan has no tensors without dimensions (ops/Tensor.cpp): a constant of that kind is written as a number.",
    "merged": "Tensors of zeros that are made the same way are made once where nothing tells them apart.",
    "in place": "A write in place stays where a new tensor might have another element type, which PyTorch's pass does not ask.",
    "views": "Of models with branches: views are made where they are needed, or once for several branches.",
    "packed": "Our compiler packs a layer that PyTorch's pass leaves, because it sees that the weights are constant.",
}
ARITHMETIC = ("add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_")
COPIES = {"aten::to.prim_Device", "prim::device"}
RECURRENT = {"vulkan_prepack::run_lstm_context": "aten::lstm.input", "vulkan_prepack::run_gru_context": "aten::gru.input"}
CREATED = {"vulkan_prepack::create_lstm_context", "vulkan_prepack::create_gru_context"}
UNPACKED = {
    "vulkan_prepack::run_linear_context": "aten::linear", "vulkan_prepack::run_conv2d_context": "aten::conv2d",
    "vulkan_prepack::run_tconv2d_context": "aten::conv_transpose2d.input", "metal_prepack::linear_run": "aten::linear", "metal_prepack::conv2d_run": "aten::conv2d",
}
CLAMPS = ("aten::relu", "aten::hardtanh", "aten::relu_", "aten::hardtanh_")
VIEWS = {"aten::chunk", "aten::transpose.int", "aten::unsqueeze"}
MERGED = {"aten::zeros", "aten::ones", "aten::arange", "aten::arange.start", "aten::full"}


@functools.lru_cache(None)
def makes_tensors(operator: str) -> bool:
    """By the types of what it returns; a type variable may stand for a tensor only where tensors go in."""
    name, _, overload = operator.partition(".")
    schema = torch._C._get_schema(name, overload)
    return any("Tensor" in str(each.type) for each in schema.returns)


def key(value) -> str:
    """Equal for the same state alone: types, numbers, sizes, strides and every value."""
    if isinstance(value, torch.Tensor):
        return f"{value.dtype}{list(value.shape)}{list(value.stride())}#{hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({', '.join(map(key, value))})"
    if isinstance(value, pickled) or hasattr(value, "state"):
        return f"{value.name} {key(value.state)}"
    return f"{type(value).__name__} {value!r}"


def computed_wrongly(state) -> bool:
    """Of a packed convolution, see "kernels"."""
    if isinstance(state, tuple):
        weight, _, _, _, dilation, groups, *_ = state
        depthwise = groups == weight.shape[0] and weight.shape[1] == 1
        return any(d > 1 for d in dilation) or groups > 1 and not depthwise and weight.shape[1] % 4 != 0
    weight, _, _, padding, dilation, transposed, _, _, groups, *_ = state
    if transposed:
        return groups > 1
    depthwise = groups == weight.shape[0] and weight.shape[1] == 1
    pointwise = not depthwise and tuple(weight.shape[2:]) == (1, 1)
    return groups > 1 and not depthwise or pointwise and any(padding) or any(d > 1 and p > 0 for d, p in zip(dilation, padding))


class Comparison:
    """Takes away, rule by rule, what may differ; what is left may not."""

    def __init__(self, ours: Archive, theirs: Archive, method: str):
        self.applied: Counter = collections.Counter()
        calls = [archive.methods[method] for archive in (ours, theirs)]
        self.branches = ours.branches[method]
        self.ours, self.theirs = (collections.Counter(call.operator for call in each) for each in calls)
        self.packed, self.lost = ([(call.operator, call.context) for call in each if call.context is not None] for each in calls)
        same = collections.Counter((operator, key(context)) for operator, context in self.packed)
        same &= collections.Counter((operator, key(context)) for operator, context in self.lost)
        self.packed, self.lost = self.without(self.packed, same), self.without(self.lost, same)

    @staticmethod
    def without(contexts, same):
        remaining = collections.Counter(same)
        kept = []
        for operator, context in contexts:
            if remaining[operator, key(context)] > 0:
                remaining[operator, key(context)] -= 1
            else:
                kept.append((operator, context))
        return kept

    def change(self, operator: str) -> int:
        return self.ours[operator] - self.theirs[operator]

    def settle(self, rule: str, operator: str, count: int) -> None:
        """That our file has the operator `count` times more often is for this reason."""
        self.theirs[operator] += count
        self.applied[rule] += abs(count)

    def bias(self) -> None:
        for lost in list(self.lost):
            operator, context = lost
            if operator != "vulkan_prepack::run_linear_context":
                continue
            weight, bias = context.state
            twin = next((each for each in self.packed if each[0] == operator and key(each[1].state) == key([weight, None])), None)
            if bias is None or twin is None:
                continue
            self.lost = [each for each in self.lost if each is not lost]
            self.packed = [each for each in self.packed if each is not twin]
            self.settle("bias", "aten::add.Tensor", 1)

    def numbers(self) -> None:
        for name in ARITHMETIC:
            count = min(self.change(f"aten::{name}.Scalar"), -self.change(f"aten::{name}.Tensor"))
            if count > 0:
                self.settle("numbers", f"aten::{name}.Scalar", count)
                self.settle("numbers", f"aten::{name}.Tensor", -count)

    def recurrent(self) -> None:
        for packed, plain in RECURRENT.items():
            count = min(self.change(plain), -self.change(packed))
            if count > 0:
                self.settle("recurrent", plain, count)
                self.settle("recurrent", packed, -count)
                self.lost = [each for each in self.lost if each[0] != packed]
        for operator in CREATED:
            if self.change(operator) < 0:
                self.settle("recurrent", operator, self.change(operator))

    def kernels(self) -> None:
        for lost in list(self.lost):
            plain = UNPACKED.get(lost[0])
            if plain is None or "conv" not in plain or not computed_wrongly(lost[1].state):
                continue
            self.lost = [each for each in self.lost if each is not lost]
            self.settle("kernels", lost[0], -1)
            self.settle("kernels", plain, 1)
            if list(lost[1].state[-2:]) != [None, None]:
                clamp = next((each for each in CLAMPS if self.change(each) > 0), None)
                if clamp:
                    self.settle("kernels", clamp, 1)

    def more_packed(self) -> None:
        for packed, plain in UNPACKED.items():
            count = min(self.change(packed), -self.change(plain))
            if count > 0:
                self.settle("packed", packed, count)
                self.settle("packed", plain, -count)
                # Their biases are added apart, as above; some that are left unpacked had theirs taken off before that was known.
                apart = self.change("aten::add.Tensor") if packed == "vulkan_prepack::run_linear_context" else 0
                if 0 < apart <= self.ours[packed] + self.ours[plain]:
                    self.settle("bias", "aten::add.Tensor", apart)
                more = [each for each in self.packed if each[0] == packed][:count]
                self.packed = [each for each in self.packed if not any(each is one for one in more)]

    def in_place(self) -> None:
        for operator in list(self.ours):
            name, _, overload = operator.partition(".")
            plain = operator.replace(f"{name}.", f"{name[:-1]}.") if overload else name[:-1]
            count = min(self.change(operator), -self.change(plain)) if name.endswith("_") else 0
            if count > 0:
                self.settle("in place", operator, count)
                self.settle("in place", plain, -count)

    def singles(self) -> None:
        for operator in sorted(self.ours | self.theirs):
            count = self.change(operator)
            if count > 0 and operator in COPIES:
                self.settle("copies", operator, count)
            elif count and operator in MERGED:
                self.settle("merged", operator, count)
            elif count and operator in VIEWS and self.branches:
                self.settle("views", operator, count)
            elif count and operator not in COPIES and not makes_tensors(operator):
                self.settle("host", operator, count)

    def left(self) -> List[str]:
        problems = [f"{name} {self.theirs[name]} -> {self.ours[name]}" for name in sorted(self.ours | self.theirs) if self.change(name)]
        problems += [f"lost {operator} {key(context)[:160]}" for operator, context in self.lost]
        return problems + [f"new {operator} {key(context)[:160]}" for operator, context in self.packed]


PACKED = re.compile(r"prepack_folding_(\w+)\._jit_pass_packed_weight_(\d+)")


def attribute_names(ours: Archive, theirs: Archive, method: str) -> List[str]:
    """Packed weights are named and counted as PyTorch's are; every other attribute is the same, the flag of the backend with its value."""
    problems = []
    found = [PACKED.fullmatch(name) for name in ours.attributes if "_jit_pass_packed_weight_" in name]
    if not all(found) or [(each[1], int(each[2])) for each in found] != [(method, n) for n in range(len(found))]:
        problems.append(f"attributes of packed weights are called {', '.join(name for name in ours.attributes if 'packed' in name)[:200]}")
    plain = [{name: key(value) for name, value in archive.attributes.items() if not PACKED.fullmatch(name)} for archive in (ours, theirs)]
    problems += [f"attribute {name}: {plain[0].get(name)} instead of {plain[1].get(name)}"
                 for name in sorted({*plain[0], *plain[1]}) if plain[0].get(name) != plain[1].get(name)]
    return problems


def compare(ours: Archive, theirs: Archive, backend: str, method: str = "forward") -> Tuple[Dict[str, int], List[str]]:
    """How often each reason was needed, and the differences that none of them allows."""
    comparison = Comparison(ours, theirs, method)
    rules = (comparison.bias, comparison.numbers, comparison.recurrent) if backend == "vulkan" else ()
    for rule in (*rules, comparison.kernels, comparison.more_packed, comparison.in_place, comparison.singles):
        rule()
    return dict(comparison.applied), comparison.left() + attribute_names(ours, theirs, method)
