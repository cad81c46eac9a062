"""New tensors, and what is asked of tensors: sizes, items, kinds."""
import torch

from gen import FLOATS, INTS
from record import Call, Typed

CASES = {}
DTYPES = (torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool)


def options(g):
    """dtype, layout, device, pin_memory; the last ones may be left out."""
    args = [g.maybe(lambda: g.choice(DTYPES)), g.choice((None, torch.strided)), g.choice((None, torch.device("cpu"))), g.choice((None, False))]
    return args[:g.randint(0, 4)]


def size(g):
    shape = g.shape()
    if shape and g.chance(0.02):
        shape[0] = -1
    return shape


def bounded(g, args):
    """Whatever holds whole numbers of any type."""
    return args


CASES["aten::zeros"] = CASES["aten::ones"] = lambda g: [size(g), *options(g)]
CASES["aten::full"] = lambda g: [size(g), g.choice((0, 1, 5, 2.5, -1.0, True)) if g.chance(0.5) else g.randint(0, 9), *options(g)]
for name in ("zeros_like", "ones_like"):
    CASES["aten::" + name] = lambda g: [g.tensor(None, g.dtype()), *options(g)]
CASES["aten::full_like"] = lambda g: [g.tensor(None, g.dtype()), g.randint(0, 9) if g.chance(0.6) else g.choice((2.5, True)), *options(g)]
for name in ("new_zeros", "new_ones"):
    CASES["aten::" + name] = lambda g: [g.tensor(None, g.dtype()), size(g), *options(g)]
CASES["aten::new_full"] = lambda g: [g.tensor(None, g.dtype()), size(g), g.randint(0, 9), *options(g)]
# What is in an empty tensor is not defined: it is filled.
CASES["aten::scalar_tensor"] = lambda g: [g.choice((1, 2.5, True, -3)), *options(g)]
CASES["aten::eye"] = lambda g: [g.randint(0, 6), *options(g)]
CASES["aten::eye.m"] = lambda g: [g.randint(0, 6), g.randint(0, 6), *options(g)]


def whole_or_not(g, low, high):
    return g.randint(low, high) if g.chance(0.6) else round(g.uniform(low, high) * 4) / 4


def number_options(g):
    args = options(g)
    if args and args[0] in (torch.bool, torch.float16, torch.uint8):
        args[0] = None
    return args


CASES["aten::arange"] = lambda g: [whole_or_not(g, 0 if g.chance(0.98) else -5, 40), *number_options(g)]
# Releases count differently where fractions are to be whole numbers.
CASES["aten::arange.start"] = lambda g: (lambda a, b: [a, a + b, *(floating_options(g) if isinstance(a + b, float) else number_options(g))])(whole_or_not(g, -9, 9), whole_or_not(g, 0, 30))
CASES["aten::arange.start_step"] = lambda g: (lambda a, s: [a, a + s * g.randint(0, 30), s if g.chance(0.98) else -s, *(floating_options(g) if isinstance(s, float) else number_options(g))])(whole_or_not(g, -9, 9), g.choice((1, 2, 3, -1, -2, 0.5, 0.1, -0.25)))
CASES["aten::range"] = lambda g: (lambda a: [a, a + g.randint(0, 30)])(g.randint(-9, 9))
CASES["aten::linspace"] = lambda g: [whole_or_not(g, -9, 9), whole_or_not(g, -9, 9), g.choice((0, 1, 2, 3, 7, 50, 101)), *floating_options(g)]
CASES["aten::logspace"] = lambda g: [whole_or_not(g, -3, 3), whole_or_not(g, -3, 3), g.choice((0, 1, 2, 3, 7, 50)), *([g.choice((10.0, 2.0, 3.5)), *floating_options(g)] if g.chance(0.6) else [])]


def floating_options(g):
    args = options(g)
    if args and args[0] not in (torch.float32, torch.float64):
        args[0] = None
    return args


CASES["aten::tril_indices"] = CASES["aten::triu_indices"] = lambda g: [g.randint(0, 6), g.randint(0, 6), g.randint(-3, 3)]
for name in ("hann_window", "hamming_window", "blackman_window", "bartlett_window"):
    CASES["aten::" + name] = lambda g: [g.choice((1, 3, 5, 16, 33))]
    CASES["aten::" + name + ".periodic"] = lambda g: [g.choice((1, 3, 5, 16, 33)), g.chance(0.5)]
CASES["aten::vander"] = lambda g: [g.tensor([g.randint(1, 6)]), g.randint(1, 5), g.chance(0.5)]

# ---- from numbers


def nested(g, item, depth):
    if depth == 0:
        return item(g)
    shape = [g.randint(1, 3) for _ in range(depth)]

    def build(level):
        return [build(level + 1) for _ in range(shape[level])] if level < depth else item(g)
    return build(0)


ITEMS = {"int": lambda g: g.randint(-99, 99), "float": lambda g: g.uniform(-9, 9), "bool": lambda g: g.chance(0.5)}


def typed_list(g):
    kind, depth = g.choice(tuple(ITEMS)), g.randint(1, 3)
    data = nested(g, ITEMS[kind], depth) if g.chance(0.95) else []
    return [Typed(data, kind + "[]" * (depth if data else 1)), g.maybe(lambda: g.choice((torch.float32, torch.int64, torch.float64)), 0.4)] + g.choice(([], [None, False], [torch.device("cpu"), False]))


CASES["aten::tensor"] = typed_list
for kind, item in ITEMS.items():
    CASES["aten::tensor." + kind] = lambda g, item=item: [item(g), *([g.choice((torch.float32, torch.int64, torch.float64))] if g.chance(0.4) else []), ]
    CASES["aten::as_tensor." + kind] = lambda g, item=item: [item(g), *([g.choice((torch.float32, torch.int64, torch.float64))] if g.chance(0.4) else []), ]
CASES["aten::as_tensor"] = lambda g: [g.tensor(None, g.dtype(torch.float32, torch.int64), 0, 9), g.choice((None, torch.float32, torch.int64))]

# ---- questions


def single(g):
    return g.tensor([1] * g.randint(0, 3), g.dtype(*DTYPES), -99, 99) if g.chance(0.97) else g.tensor([2])


for name in ("item", "Int.Tensor", "Float.Tensor", "Bool.Tensor", "IntImplicit", "FloatImplicit", "ScalarImplicit", "_local_scalar_dense", "is_nonzero"):
    CASES["aten::" + name] = lambda g: [single(g)]
CASES["aten::_local_scalar_dense"] = lambda g: [g.tensor([1] * g.randint(0, 3), g.dtype(*DTYPES), -99, 99)]
CASES["aten::IntImplicit"] = lambda g: [g.tensor([], torch.int64, -99, 99)]
CASES["aten::FloatImplicit"] = lambda g: [g.tensor([], torch.float32, -99, 99)]
CASES["aten::ScalarImplicit"] = lambda g: [g.tensor([], g.dtype(torch.float32, torch.int64, torch.float64), -99, 99)]
for name in ("size", "dim", "numel", "is_floating_point", "is_complex", "is_contiguous", "element_size", "is_signed", "storage_offset", "stride", "is_conj", "is_neg", "len.Tensor", "get_device",
             "requires_grad_"):
    CASES["aten::" + name] = lambda g: [g.tensor(g.shape(1 if name == "len.Tensor" else 0), g.dtype())]
for name in ("size.int", "stride.int"):
    CASES["aten::" + name] = lambda g: (lambda x: [x, g.dim(x.dim(), 0.05)])(g.tensor(g.shape(1), g.dtype()))
CASES["aten::is_contiguous.memory_format"] = lambda g: [g.tensor(g.shape(4, 4, empty=0)), g.choice((torch.contiguous_format, torch.channels_last))]
CASES["aten::is_same_size"] = lambda g: (lambda s: [g.tensor(s[0]), g.tensor(s[1])])(g.broadcast())
for name in ("dtype", "device", "is_cuda", "is_cpu", "requires_grad", "layout", "is_sparse", "is_quantized", "is_mkldnn", "is_meta", "is_mps", "is_vulkan", "is_ipu", "data"):
    CASES["prim::" + name] = lambda g: [g.tensor(None, g.dtype())]
CASES["aten::result_type.Tensor"] = lambda g: [g.tensor(None, g.dtype()), g.tensor(None, g.dtype())]
CASES["aten::result_type.Scalar"] = lambda g: [g.tensor(None, g.dtype()), g.choice((1, 2.5, True))]
for name in ("is_grad_enabled", "is_autocast_enabled", "is_autocast_cpu_enabled", "is_scripting"):
    CASES["aten::" + name] = lambda g: []
