"""Shapes: views, joining, splitting, repeating, moving dimensions; copies and conversions."""
import math

import torch

from gen import BOUNDS, FLOATS, INTS
from record import Call

CASES = {}
DTYPES = (torch.float32, torch.int64, torch.float64, torch.bool, torch.uint8, torch.float16)


def any_tensor(g, low=0, high=4, shape=None, **options):
    shape = g.shape(low, high) if shape is None else shape
    return g.tensor(shape, g.dtype(*DTYPES), **options)


def regroup(g, shape, infer=0.3, wrong=0.03):
    """Another shape with as many elements."""
    count = math.prod(shape)
    if g.chance(0.5) and len(shape) > 1:
        at = g.randrange(len(shape) - 1)
        other = [*shape[:at], shape[at] * shape[at + 1], *shape[at + 2:]]
    else:
        other, rest = [], count
        while rest > 1 and len(other) < 4:
            divisor = g.choice([one for one in range(1, min(rest, 40) + 1) if rest % one == 0])
            other.append(divisor)
            rest //= divisor
        other = other + [rest] if count else list(shape)
        if g.chance(0.2):
            other.insert(g.randint(0, len(other)), 1)
    if other and count and g.chance(infer):
        other[g.randrange(len(other))] = -1
    if other and g.chance(wrong):
        other[g.randrange(len(other))] += 1
    return other


def reshape(g, plain=0.5):
    tensor = any_tensor(g, plain=plain)
    return [tensor, regroup(g, list(tensor.shape))]


CASES["aten::view"] = lambda g: reshape(g, 0.85)
CASES["aten::_unsafe_view"] = lambda g: reshape(g, 1)
CASES["aten::reshape"] = reshape
CASES["aten::_reshape_alias"] = lambda g: (lambda x: [x, [x.numel()], [1]])(any_tensor(g, plain=1))
for name in ("view_as", "reshape_as"):
    def like(g, plain=0.85 if name == "view_as" else 0.5):
        tensor = any_tensor(g, plain=plain)
        other = regroup(g, list(tensor.shape), 0, 0.02)
        return [tensor, g.tensor(other, torch.float32)]
    CASES["aten::" + name] = like
CASES["aten::view.dtype"] = lambda g: [g.tensor(g.shape(0, 3), torch.float32, plain=0.8), g.choice((torch.int32, torch.float32))]


def flatten(g):
    tensor = any_tensor(g)
    dims = max(tensor.dim(), 1)
    begin, end = sorted((g.randrange(dims), g.randrange(dims)))
    if g.chance(0.02):
        begin, end = end + 1, begin
    return g.choice(([tensor], [tensor, begin], [tensor, begin, end], [tensor, begin - dims, end - dims]))


CASES["aten::flatten.using_ints"] = flatten


def unflatten(g):
    shape = g.shape(1)
    at = g.randrange(len(shape))
    sizes = regroup(g, [shape[at]], 0.3, 0.02) or [1]
    tensor = any_tensor(g, shape=shape)
    return [tensor, at if g.chance(0.5) else at - len(shape), sizes]


CASES["aten::unflatten.int"] = unflatten
CASES["aten::ravel"] = lambda g: [any_tensor(g)]


def transpose(g):
    tensor = any_tensor(g)
    return [tensor, g.dim(tensor.dim()), g.dim(tensor.dim())]


for name in ("transpose.int", "swapaxes", "swapdims"):
    CASES["aten::" + name] = transpose
CASES["aten::t"] = lambda g: [any_tensor(g, 0, 2)]
for name in ("numpy_T", "mT"):
    CASES["aten::" + name] = lambda g: [any_tensor(g, 2, 2)]


def permutation(g, dims, wrong=0.02):
    order = g.sample(range(dims), dims)
    if dims and g.chance(wrong):
        order[0] = order[-1] if dims > 1 else 1
    return [one - dims if g.chance(0.3) else one for one in order]


CASES["aten::permute"] = lambda g: (lambda x: [x, permutation(g, x.dim())])(any_tensor(g))


def move(g):
    tensor = any_tensor(g, 1)
    count = g.randint(1, tensor.dim())
    return [tensor, permutation(g, tensor.dim(), 0)[:count], permutation(g, tensor.dim(), 0)[:count]]


for name in ("movedim", "moveaxis"):
    CASES["aten::" + name + ".intlist"] = move
    CASES["aten::" + name + ".int"] = transpose


def with_ones(g):
    shape = [1 if g.chance(0.4) else size for size in g.shape()]
    return any_tensor(g, shape=shape), len(shape)


CASES["aten::squeeze"] = lambda g: [with_ones(g)[0]]
CASES["aten::squeeze.dim"] = lambda g: (lambda x, n: [x, g.dim(n)])(*with_ones(g))
CASES["aten::squeeze.dims"] = lambda g: (lambda x, n: [x, g.dims(n, 0)])(*with_ones(g))
CASES["aten::unsqueeze"] = lambda g: (lambda x: [x, g.dim(x.dim() + 1)])(any_tensor(g))
# These change the shape of their argument.
for name in ("squeeze", "squeeze.dim", "squeeze.dims", "unsqueeze", "t", "transpose.int"):
    CASES["aten::" + name.replace(".int", "").replace(".", "_.") + ("" if ".dim" in name else "_")] = CASES["aten::" + name]

# ---- parts


def select(g):
    tensor = any_tensor(g, 1)
    dim = g.dim(tensor.dim())
    size = tensor.shape[dim] if -tensor.dim() <= dim < tensor.dim() else 1
    return [tensor, dim, g.randrange(-size, size) if size and g.chance(0.97) else size]


CASES["aten::select.int"] = select


def slice_of(g):
    tensor = any_tensor(g, 1)
    bound = lambda: g.maybe(lambda: g.choice((g.randint(-9, 9), g.randint(0, 3), 2 ** 63 - 1)), 0.8)
    return [tensor, g.dim(tensor.dim()), bound(), bound(), g.choice((1, 1, 1, 2, 3)) if g.chance(0.98) else 0]


CASES["aten::slice.Tensor"] = lambda g: slice_of(g)[:g.choice((4, 5, 5))]


def narrow(g):
    tensor = any_tensor(g, 1)
    dim = g.dim(tensor.dim(), 0)
    begin = g.randint(0, tensor.shape[dim])
    return [tensor, dim, begin, g.randint(0, tensor.shape[dim] - begin) if g.chance(0.97) else tensor.shape[dim] + 1]


CASES["aten::narrow"] = narrow


def split(g):
    tensor = any_tensor(g, 1)
    dim = g.dim(tensor.dim(), 0)
    return tensor, dim, tensor.shape[dim]


def sections(g, size, wrong=0.03):
    parts, rest = [], size
    while rest > 0:
        parts.append(g.randint(0, rest))
        rest -= parts[-1]
    parts = parts or [0]
    if g.chance(wrong):
        parts[0] += 1
    return parts


for name in ("split.Tensor", "unsafe_split.Tensor"):
    CASES["aten::" + name] = lambda g: (lambda x, d, n: [x, g.randint(1, n + 2), d])(*split(g))
for name in ("split.sizes", "split_with_sizes", "unsafe_split_with_sizes"):
    CASES["aten::" + name] = lambda g: (lambda x, d, n: [x, sections(g, n), d])(*split(g))
for name in ("chunk", "unsafe_chunk"):
    CASES["aten::" + name] = lambda g: (lambda x, d, n: [x, g.randint(1, n + 2) if g.chance(0.98) else 0, d])(*split(g))
CASES["aten::tensor_split.sections"] = lambda g: (lambda x, d, n: [x, g.randint(1, n + 2), d])(*split(g))
CASES["aten::tensor_split.indices"] = lambda g: (lambda x, d, n: [x, sorted(g.randint(-n, n + 1) if g.chance(0.2) else g.randint(0, n) for _ in range(g.randint(0, 3))), d])(*split(g))
CASES["aten::unbind.int"] = lambda g: (lambda x, d, n: [x, d] if n < 40 else [x[:0], 0])(*split(g))
for name, low in (("hsplit", 1), ("vsplit", 2), ("dsplit", 3)):
    CASES["aten::" + name + ".int"] = lambda g, low=low: [any_tensor(g, low), g.choice((1, 1, 2))]


def as_strided(g):
    tensor = any_tensor(g, 1, 3, shape=g.shape(1, 3, empty=0))
    dims = g.randint(0, 3)
    return [tensor, [g.randint(1, 3) for _ in range(dims)], [g.randint(0, 3) for _ in range(dims)], g.maybe(lambda: g.randint(0, 2))]


CASES["aten::as_strided"] = as_strided


def diagonal(g):
    tensor = any_tensor(g, 2)
    one, other = (permutation(g, tensor.dim(), 0.02) + [0])[:2]
    return [tensor, g.randint(-3, 3), one, other]


CASES["aten::diagonal"] = diagonal
CASES["aten::diag"] = lambda g: (lambda x: [x, g.randint(-3, 3) if x.dim() == 1 else g.randint(-max(x.shape[0] - 1, 0), max(x.shape[1] - 1, 0))])(any_tensor(g, 1, 2))
CASES["aten::diag_embed"] = lambda g: [any_tensor(g, 1, 3), g.randint(-2, 2)]
CASES["aten::trace"] = lambda g: [g.tensor(g.shape(2, 2), g.dtype(torch.float32, torch.int64))]
for name in ("tril", "triu"):
    for underscore in ("", "_"):
        CASES["aten::" + name + underscore] = lambda g, own=underscore == "_": [any_tensor(g, 2, expand=not own), *([] if g.chance(0.2) else [g.randint(-4, 4)])]

# ---- expanding and repeating


def expand(g):
    tensor = any_tensor(g, shape=[1 if g.chance(0.5) else size for size in g.shape(0, 3)])
    sizes = [g.randint(0 if g.chance(0.05) else 1, 4) if size == 1 and g.chance(0.8) else -1 if g.chance(0.3) else size for size in tensor.shape]
    if g.chance(0.02) and sizes:
        sizes[0] = 7
    return tensor, [g.randint(1, 3) for _ in range(g.randint(0, 2))] + sizes


CASES["aten::expand"] = lambda g: list(expand(g)) + ([g.chance(0.5)] if g.chance(0.2) else [])
CASES["aten::broadcast_to"] = lambda g: list(expand(g))
CASES["aten::expand_as"] = lambda g: (lambda x, s: [x, torch.empty(tuple(x.shape[i - (len(s) - x.dim())] if one == -1 else one for i, one in enumerate(s)))])(*expand(g))
CASES["aten::broadcast_tensors"] = lambda g: [[any_tensor(g, shape=shape) for shape in g.broadcast(count=g.randint(1, 3))]]
CASES["aten::repeat"] = lambda g: (lambda x: [x, [g.randint(0 if g.chance(0.05) else 1, 3) for _ in range(x.dim() + g.choice((0, 0, 1, 2)) - g.chance(0.02))]])(any_tensor(g, shape=g.shape(0, 3, limit=300)))
CASES["aten::tile"] = lambda g: (lambda x: [x, [g.randint(1, 3) for _ in range(g.randint(0, x.dim() + 1))]])(any_tensor(g, shape=g.shape(0, 3, limit=300)))


def interleave(g, counts):
    tensor = any_tensor(g, shape=g.shape(0, 3, limit=300))
    dim = g.maybe(lambda: g.dim(tensor.dim()), 0.7)
    if not counts:
        return [tensor, g.randint(0, 3), dim] if g.chance(0.7) else [tensor, 2]
    size = tensor.numel() if dim is None else tensor.shape[dim] if tensor.dim() and -tensor.dim() <= dim < tensor.dim() else 1
    return [tensor, g.tensor([size] if g.chance(0.8) else [1], torch.int64, 0, 3), dim]


CASES["aten::repeat_interleave.self_int"] = lambda g: interleave(g, False)
CASES["aten::repeat_interleave.self_Tensor"] = lambda g: interleave(g, True)
CASES["aten::repeat_interleave.Tensor"] = lambda g: [g.tensor([g.randint(0, 9)], torch.int64, 0, 3)]
CASES["aten::roll"] = lambda g: (lambda x, dims: [x, [g.randint(-9, 9) for _ in dims], dims] if dims else [x, [g.randint(-9, 9)]])(*(lambda x: (x, g.dims(x.dim(), 0)))(any_tensor(g)))
CASES["aten::flip"] = lambda g: (lambda x: [x, g.dims(x.dim(), 0) if g.chance(0.97) else [x.dim()]])(any_tensor(g))
CASES["aten::fliplr"] = lambda g: [any_tensor(g, 2)]
CASES["aten::flipud"] = lambda g: [any_tensor(g, 1)]
CASES["aten::rot90"] = lambda g: (lambda x: [x, g.randint(-2, 5), permutation(g, x.dim(), 0)[:2]])(any_tensor(g, 2))

# ---- joining


def cat(g, stack=False):
    shape = g.shape(0 if stack else 1, 3, limit=500)
    dtype, count = g.dtype(*DTYPES), g.randint(1, 4)
    dim = g.dim(len(shape) + stack)
    tensors = []
    for _ in range(count):
        one = list(shape)
        if not stack and -len(shape) <= dim < len(shape):
            one[dim] = g.randint(0 if g.chance(0.1) else 1, 5)
        if one and g.chance(0.01):
            one[0] += 1
        if not stack and g.chance(0.03):
            one = [0]
        tensors.append(g.tensor(one, dtype if g.chance(0.9) else g.dtype(*DTYPES)))
    return [tensors, dim] if g.chance(0.85) or dim != 0 else [tensors]


for name in ("cat", "concat", "concatenate"):
    CASES["aten::" + name] = cat
CASES["aten::stack"] = lambda g: cat(g, True)
for name, low in (("hstack", 0), ("vstack", 0), ("dstack", 0), ("column_stack", 0)):
    CASES["aten::" + name] = lambda g, low=low: (lambda s, d: [[g.tensor(s, d) for _ in range(g.randint(1, 3))]])(g.shape(low, 3, limit=300), g.dtype(*DTYPES))
CASES["aten::block_diag"] = lambda g: [[g.tensor(g.shape(0, 2, limit=100)) for _ in range(g.randint(1, 3))]]
for name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    CASES["aten::" + name] = lambda g: [any_tensor(g)]
for name in ("meshgrid", "meshgrid.indexing"):
    CASES["aten::" + name] = lambda g, more=name != "meshgrid": [
        (lambda d: [g.tensor(g.shape(1, 1, limit=12) if g.chance(0.9) else [], d) for _ in range(g.randint(1, 3))])(g.dtype(*DTYPES)), *([g.choice(("ij", "xy"))] if more else [])]
CASES["aten::cartesian_prod"] = lambda g: [[g.tensor([g.randint(0, 5)]) for _ in range(g.randint(1, 3))]]

# ---- padding and blocks


def pad(g):
    mode = g.choice(("constant", "constant", "constant", "reflect", "replicate", "circular"))
    if mode == "constant":
        tensor = any_tensor(g, 1, shape=g.shape(1, 4, empty=0.03))
        least = -1 if g.chance(0.2) and min(tensor.shape) > 2 else 0
        pads = [g.randint(least, 3) for _ in range(2 * g.randint(0, tensor.dim()))]
        value = g.maybe(lambda: g.choice((0, 1, 2)) if not tensor.is_floating_point() else g.choice((0, -1.5, 7, float("-inf"))))
        return g.choice(([tensor, pads], [tensor, pads, mode, value], [tensor, pads, mode, value]))
    spatial = g.randint(1, 3)
    shape = [g.randint(1, 3) for _ in range(g.choice((1, 2)))] + [g.randint(3, 7) for _ in range(spatial)]
    if mode == "circular":
        shape = [1] * (spatial + 2 - len(shape)) + shape
    return [g.tensor(shape, g.real()), [g.randint(0, 3 if g.chance(0.97) else 8) for _ in range(2 * spatial)], mode] + ([None] if g.chance(0.5) else [])


CASES["aten::pad"] = pad
CASES["aten::constant_pad_nd"] = lambda g: (lambda x: [x, [g.randint(-1 if g.chance(0.2) else 0, 3) for _ in range(2 * g.randint(0, x.dim()))], g.choice((0, 2)) if not x.is_floating_point() else g.choice((0, -1.5))])(any_tensor(g, 1))
for name in ("reflection_pad", "replication_pad"):
    for spatial in (1, 2, 3):
        CASES["aten::%s%dd" % (name, spatial)] = lambda g, spatial=spatial: [
            g.tensor([g.randint(1, 3) for _ in range(g.choice((1, 2)))] + [g.randint(3, 6) for _ in range(spatial)], g.real()), [g.randint(0, 2) for _ in range(2 * spatial)]]
CASES["aten::pixel_shuffle"] = lambda g: (lambda r: [g.tensor([*g.shape(0, 2, empty=0, limit=6), g.randint(1, 3) * r * r, g.size(5), g.size(5)], g.dtype(*DTYPES)), r])(g.randint(1, 3))
CASES["aten::pixel_unshuffle"] = lambda g: (lambda r: [g.tensor([*g.shape(0, 2, empty=0, limit=6), g.randint(1, 3), g.size(5) * r, g.size(5) * r], g.dtype(*DTYPES)), r])(g.randint(1, 3))
CASES["aten::channel_shuffle"] = lambda g: (lambda r: [g.tensor([g.randint(1, 2), g.randint(1, 4) * r, g.size(5), g.size(5)]), r])(g.randint(1, 4))


def unfold(g):
    tensor = any_tensor(g, 1, shape=g.shape(1, 4, empty=0))
    dim = g.dim(tensor.dim(), 0)
    return [tensor, dim, g.randint(1, tensor.shape[dim] + g.chance(0.03)), g.randint(1, 3)]


CASES["aten::unfold"] = unfold

# ---- copies and conversions


def safe(g, dtype):
    """A tensor whose values every element type can hold: what becomes of others is not defined."""
    return g.tensor(None, dtype, 0, 100)


TYPES = (*FLOATS, *INTS, torch.bool)


def convert(g):
    source, target = g.dtype(), g.choice(TYPES)
    negative = source.is_floating_point and target in (torch.uint8,) or source is torch.uint8
    tensor = g.tensor(None, source, 0 if negative else -100, 100, special=0.3 if target.is_floating_point or target is torch.bool else 0)
    return [tensor, target]


CASES["aten::to.dtype"] = lambda g: convert(g) + g.choice(([], [False, g.chance(0.5)], [False, g.chance(0.5), g.choice((None, torch.preserve_format, torch.contiguous_format))]))
CASES["aten::to.device"] = lambda g: (lambda x, d: [x, torch.device("cpu"), d, False, g.chance(0.3)])(*convert(g))
CASES["aten::to.dtype_layout"] = lambda g: (lambda x, d: [x, g.maybe(d), None, None, None, False, g.chance(0.3)])(*convert(g))
CASES["aten::to.other"] = lambda g: (lambda x, d: [x, torch.zeros(2, dtype=d), False, g.chance(0.3)])(*convert(g))
CASES["aten::to.prim_dtype"] = lambda g: (lambda x, d: [x, d, False, g.chance(0.3)] if g.chance(0.7) else [x, None, False, False])(*convert(g))
CASES["aten::to.prim_Device"] = lambda g: (lambda x, d: [x, torch.device("cpu"), g.maybe(d), False, g.chance(0.3)])(*convert(g))
CASES["aten::to.prim_other"] = lambda g: (lambda x, _: [x, False, False])(*convert(g))
CASES["aten::_to_copy"] = lambda g: convert(g)
CASES["aten::type_as"] = lambda g: (lambda x, d: [x, torch.zeros(2, dtype=d)])(*convert(g))
CASES["aten::_cast_Float"] = lambda g: [any_tensor(g)]
CASES["aten::cpu"] = lambda g: [any_tensor(g)]
CASES["aten::contiguous"] = lambda g: (lambda x: [x] if g.chance(0.7) else [x, torch.channels_last if x.dim() == 4 and g.chance(0.4) else torch.contiguous_format])(any_tensor(g))
CASES["aten::clone"] = lambda g: [any_tensor(g)] + g.choice(([], [None], [torch.contiguous_format], [torch.preserve_format]))
for name in ("detach", "alias", "detach_", "lift_fresh", "conj", "resolve_conj", "resolve_neg", "real", "data"):
    CASES["aten::" + name] = lambda g: [any_tensor(g)]


def copy_into(g):
    shapes = g.broadcast()
    if g.chance(0.97):
        try:
            shapes[0] = list(torch.broadcast_shapes(*shapes))
        except RuntimeError:
            pass
    source, target = g.dtype(), g.choice(TYPES)
    negative = source.is_floating_point and target is torch.uint8
    return [g.own(shapes[0], target, 0, 50), g.tensor(shapes[1], source, 0 if negative else -100, 100)]


CASES["aten::copy_"] = lambda g: copy_into(g) + ([False] if g.chance(0.3) else [])
CASES["aten::fill_.Scalar"] = lambda g: (lambda x: [x, g.choice((0, 1, 3, True)) if not x.is_floating_point() else g.scalar()])(g.own(None, g.dtype()))
CASES["aten::fill_.Tensor"] = lambda g: [g.own(None, g.dtype()), g.tensor([] if g.chance(0.97) else [1, 2], g.dtype(torch.float32, torch.int64), 0, 9)]
CASES["aten::fill.Scalar"] = lambda g: (lambda x: [x, g.choice((0, 1, 3))])(any_tensor(g))
CASES["aten::zero_"] = lambda g: [g.own(None, g.dtype())]
