"""Normalizations, pools, resizing and sampling."""
import math

import torch

from record import Call

CASES = {}


def image(g, dims, channels=None, top=12, low=1, dtype=None, unbatched=0.1, plain=0.65):
    """`[N, C, ...spatial]`, sometimes without N."""
    shape = [g.choice((1, 1, 2, 3)), channels or g.choice((1, 2, 3, 4, 5, 8, 16, 17)), *(g.randint(low, top) for _ in range(dims))]
    while math.prod(shape) > 4000:
        shape[g.randrange(2, len(shape))] = max(low, 2)
        shape[1] = channels or max(1, shape[1] // 2)
        if math.prod(shape[2:]) <= max(low, 2) ** dims:
            break
    if g.chance(unbatched):
        shape = shape[1:]
    return g.tensor(shape, dtype or g.real(), plain=plain)


# ---- normalization


def channelwise(g, dtype, channels, low=-2, high=2, share=0.8):
    return g.maybe(lambda: g.tensor([channels], dtype, low, high), share)


def batch_norm(g, least=0):
    shape = [g.randint(least if g.chance(0.03) else 1, 4), g.choice((1, 3, 4, 8, 17)), *(g.randint(1, 6) for _ in range(g.randint(0, 3)))]
    x = g.tensor(shape, g.real())
    n = shape[1]
    return [x, channelwise(g, x.dtype, n), channelwise(g, x.dtype, n), g.tensor([n], x.dtype), g.tensor([n], x.dtype, 0.1, 4), False, 0.1, g.choice((1e-5, 1e-3)), True]


CASES["aten::batch_norm"] = batch_norm
CASES["aten::native_batch_norm"] = lambda g: batch_norm(g, 1)[:-1]
CASES["aten::_native_batch_norm_legit"] = CASES["aten::native_batch_norm"]
CASES["aten::_native_batch_norm_legit_no_training"] = lambda g: (lambda args: [*args[:5], *args[6:8]])(batch_norm(g))
CASES["aten::_native_batch_norm_legit.no_stats"] = lambda g: (lambda args: [*args[:3], True, *args[6:8]])(batch_norm(g, 1))


def instance_norm(g):
    shape = [g.randint(1, 3), g.choice((1, 3, 4, 8)), *(g.randint(2, 6) for _ in range(g.randint(1, 3)))]
    x, n = g.tensor(shape, g.real()), shape[1]
    tracked = g.chance(0.3)
    running = [g.tensor([n], x.dtype), g.tensor([n], x.dtype, 0.1, 4)] if tracked else [None, None]
    return [x, channelwise(g, x.dtype, n), channelwise(g, x.dtype, n), *running, not tracked, 0.1, g.choice((1e-5, 1e-3)), True]


CASES["aten::instance_norm"] = instance_norm


def varied(g, rows):
    """Of rows that hardly vary, PyTorch's results are its rounding errors."""
    rows = rows.double()
    if rows.numel() and (rows.var(-1, unbiased=False) < 1e-4 * (1 + rows.mean(-1) ** 2)).any():
        g.dropped("rows that hardly vary")


def group_norm(g):
    groups = g.choice((1, 2, 3, 4))
    n = groups * g.choice((1, 2, 3, 5))
    x = g.tensor([g.randint(1, 3), n, *(g.randint(1, 6) for _ in range(g.randint(0, 3)))], torch.float32 if g.chance(0.9) else torch.float64)
    varied(g, x.reshape(len(x), groups, -1))
    return [x, groups if g.chance(0.98) else groups + n, channelwise(g, x.dtype, n), channelwise(g, x.dtype, n), g.choice((1e-5, 1e-3)), *([True] if g.chance(0.5) else [])]


CASES["aten::group_norm"] = group_norm


def native_group_norm(g):
    x, groups, weight, bias, eps, *_ = group_norm(g)
    weight, bias = (one if one is None else one.contiguous() for one in (weight, bias))
    return [x.contiguous(), weight, bias, x.shape[0], x.shape[1], math.prod(x.shape[2:]), groups, eps]


CASES["aten::native_group_norm"] = native_group_norm


def layer_norm(g, empty=0.05):
    shape = g.shape(1, 4, empty)
    count = g.randint(1, len(shape)) if g.chance(0.4) else 1
    inner = shape[-count:]
    x = g.tensor(shape, g.real(), *g.choice(((-4, 4), (90, 110))))
    varied(g, x.flatten(-count))
    return [x, inner if g.chance(0.98) else [one + 1 for one in inner], g.maybe(lambda: g.tensor(inner, x.dtype), 0.8), g.maybe(lambda: g.tensor(inner, x.dtype), 0.8), g.choice((1e-5, 1e-6, 1e-12)),
            *([True] if g.chance(0.5) else [])]


CASES["aten::layer_norm"] = layer_norm
CASES["aten::native_layer_norm"] = lambda g: (lambda x, *rest: [x.contiguous(), *rest])(*layer_norm(g, 0)[:5])
CASES["aten::rms_norm"] = lambda g: (lambda x, n, w, *_: [x, n, w, g.choice((None, 1e-6))])(*layer_norm(g))
CASES["aten::renorm"] = lambda g: [g.tensor(g.shape(2, 3, empty=0)), g.choice((2, 1)), 0, g.choice((1, 0.5))]

# ---- pools


def window(g, dims, dilated=False):
    kernel = [g.randint(1, 4) for _ in range(dims)] if g.chance(0.6) else [g.choice((2, 3))] * dims
    stride = [] if g.chance(0.25) else [g.randint(1, 3) for _ in range(dims)]
    padding = [g.randint(0, k // 2) for k in kernel]
    if g.chance(0.02):
        padding[0] = kernel[0]
    dilation = [g.choice((1, 1, 2)) for _ in range(dims)] if dilated and g.chance(0.3) else [1] * dims
    return kernel, stride, padding, dilation


def trimmed(g, args, least):
    return args[:g.choice((least, *range(least, len(args) + 1)))] if g.chance(0.2) else args


def max_pool(g, dims):
    kernel, stride, padding, dilation = window(g, dims, True)
    x = image(g, dims, low=max(k * d for k, d in zip(kernel, dilation)) if g.chance(0.97) else 1, top=14, dtype=g.real() if g.chance(0.95) else torch.int64)
    if x.is_floating_point() and g.chance(0.1):
        x = g.lay_out(g.elements(list(x.shape), x.dtype, special=1))
    return trimmed(g, [x, kernel, stride, padding, dilation, g.chance(0.5)], 2)


def avg_pool(g, dims):
    kernel, stride, padding, _ = window(g, dims)
    x = image(g, dims, low=max(kernel) if g.chance(0.97) else 1, top=14)
    args = [x, kernel, stride, padding, g.chance(0.5), g.chance(0.5)]
    return trimmed(g, args + ([g.maybe(lambda: g.choice((1, 2, 5)))] if dims > 1 else []), 2)


for dims in (1, 2, 3):
    CASES["aten::max_pool%dd" % dims] = lambda g, dims=dims: max_pool(g, dims)
    CASES["aten::max_pool%dd_with_indices" % dims] = lambda g, dims=dims: max_pool(g, dims)
    CASES["aten::avg_pool%dd" % dims] = lambda g, dims=dims: avg_pool(g, dims)

    def adaptive(g, dims=dims):
        x = image(g, dims, top=14)
        size = [1] * dims if g.chance(0.3) else [g.randint(1, 8) for _ in range(dims)]
        return [x, size]
    CASES["aten::adaptive_avg_pool%dd" % dims] = adaptive
    if dims > 1:
        CASES["aten::_adaptive_avg_pool%dd" % dims] = adaptive
    CASES["aten::adaptive_max_pool%dd" % dims] = adaptive


def unpool(g, dims):
    x = image(g, dims, low=4, top=9, unbatched=0)
    values, indices = (torch.nn.functional.max_pool2d if dims == 2 else torch.nn.functional.max_pool3d)(x, 2, return_indices=True)
    return [values, indices, list(x.shape[2:])]


CASES["aten::max_unpool2d"] = lambda g: unpool(g, 2)
CASES["aten::max_unpool3d"] = lambda g: [*unpool(g, 3), [2, 2, 2], [0, 0, 0]]

# ---- resizing


def resize(g, name, dims, aligned, dtypes=None):
    x = image(g, dims, top=9 if dims == 3 else 13, low=2 if name == "aa" else 1, unbatched=0, dtype=dtypes and g.choice(dtypes))
    size = scales = None
    if g.chance(0.5):
        size = [g.randint(1, 16 if dims < 3 else 9) for _ in range(dims)]
    else:
        scales = [g.choice((0.5, 2.0, 1.5, 3.0, 0.7, 1.0, 0.34, 1.9)) for _ in range(dims)]
        if any(math.floor(n * s) < 1 for n, s in zip(x.shape[2:], scales)):
            scales = [2.0] * dims
    return [x, size, *([g.chance(0.4)] if aligned else []), scales]


def resize_sized(g, dims, aligned, name=""):
    """The overloads that have sizes and, separately, factors."""
    x, size, *rest = resize(g, name, dims, aligned)
    scales = rest[-1]
    size = size or [math.floor(n * s) for n, s in zip(x.shape[2:], scales)]
    return [x, size, *rest[:-1], *(scales or [None] * dims)]


for name, dims, aligned in (("nearest1d", 1, False), ("nearest2d", 2, False), ("nearest3d", 3, False), ("linear1d", 1, True), ("bilinear2d", 2, True), ("bicubic2d", 2, True), ("trilinear3d", 3, True)):
    CASES["aten::upsample_%s.vec" % name] = lambda g, name=name, dims=dims, aligned=aligned: resize(g, name, dims, aligned)
    CASES["aten::upsample_%s" % name] = lambda g, dims=dims, aligned=aligned: resize_sized(g, dims, aligned)
for dims in (1, 2, 3):
    CASES["aten::_upsample_nearest_exact%dd.vec" % dims] = lambda g, dims=dims: resize(g, "", dims, False)
    CASES["aten::_upsample_nearest_exact%dd" % dims] = lambda g, dims=dims: resize_sized(g, dims, False)
for name in ("bilinear2d", "bicubic2d"):
    # 2.15 takes one row's weights for all where the result is one pixel wide.
    if int(torch.__version__.split(".")[0]) < 2:
        CASES["aten::_upsample_%s_aa.vec" % name] = lambda g: resize(g, "aa", 2, True)
        CASES["aten::_upsample_%s_aa" % name] = lambda g: resize_sized(g, 2, True, "aa")

# ---- sampling


def grid_sample(g, dims=None):
    dims = dims or g.choice((2, 2, 3))
    x = image(g, dims, top=8, unbatched=0)
    sizes = [g.randint(1, 6) for _ in range(dims)]
    # In the middle between two elements, releases choose the nearest one differently.
    grid = g.lay_out(g.elements([x.shape[0], *sizes, dims], x.dtype, *g.choice(((-1, 1), (-1.6, 1.6), (-4, 4)))) * 0.987 + 0.0123)
    return [x, grid, g.choice((0, 0, 1, 2) if dims == 2 else (0, 1)), g.choice((0, 1, 2)), g.chance(0.5)]


CASES["aten::grid_sampler"] = grid_sample
CASES["aten::grid_sampler_2d"] = lambda g: grid_sample(g, 2)
CASES["aten::grid_sampler_3d"] = lambda g: grid_sample(g, 3)


def affine_grid(g):
    dims, n = g.choice((2, 3)), g.randint(1, 3)
    return [g.tensor([n, dims, dims + 1], g.real()), [n, g.randint(1, 3), *(g.randint(1, 6) for _ in range(dims))], g.chance(0.5)]


CASES["aten::affine_grid_generator"] = affine_grid
