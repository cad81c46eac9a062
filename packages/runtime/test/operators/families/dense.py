"""Convolutions, linear layers and products of matrices; packed objects too."""
import math

import torch

from record import Call, Packed

CASES = {}


def weighty(g, shape, dtype, fan):
    """Weights as layers have them: about as large as keeps the size of activations."""
    bound = 2 / math.sqrt(max(fan, 1))
    return g.tensor(shape, dtype, -bound, bound, plain=0.9, expand=False)


# ---- convolution


def layer(g, dims, transposed=False):
    """Channels, groups and kernel of a layer, and an input that suits it."""
    kind = g.random()
    groups = 1 if kind < 0.6 else g.choice((2, 3, 4))
    if kind > 0.8:  # depthwise
        groups = g.choice((1, 2, 3, 4, 5, 8, 13, 16, 17, 32))
        inputs, outputs = groups, groups * g.choice((1, 1, 1, 2))
    else:
        inputs, outputs = groups * g.choice((1, 2, 3, 4, 5, 8, 16, 19)), groups * g.choice((1, 2, 3, 4, 5, 8, 9, 16, 20))
    kernel = [1] * dims if g.chance(0.2) else [3] * dims if g.chance(0.35) else [g.choice((1, 2, 3, 4, 5, 7)) for _ in range(dims)]
    stride = [1] * dims if g.chance(0.5) else [2] * dims if g.chance(0.5) else [g.randint(1, 3) for _ in range(dims)]
    dilation = [1] * dims if g.chance(0.75) else [g.randint(1, 3) for _ in range(dims)]
    padding = [one // 2 for one in kernel] if g.chance(0.5) else [g.randint(0, 3) for _ in range(dims)]
    top = {1: 60, 2: 19, 3: 8}[dims]
    low = [1 if transposed else max(1, (k - 1) * d + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding)]
    spatial = [g.randint(one, max(one, top if not transposed else top // 2)) for one in low]
    if g.chance(0.02):
        spatial[0] = 0 if g.chance(0.5) else max(1, low[0] - 1)
    batch = g.choice((1, 1, 1, 2, 3)) if g.chance(0.98) else 0
    while math.prod(spatial) * inputs * outputs * math.prod(kernel) // groups > 3e6:
        spatial = [max(one // 2, least) for one, least in zip(spatial, low)]
        kernel = [min(one, 3) for one in kernel]
        if spatial == low:
            break
    dtype = g.real()
    shape = [batch, inputs, *spatial]
    unbatched = g.chance(0.04)
    x = g.tensor(shape[1:] if unbatched else shape, dtype, -2, 2, plain=0.75)
    fan = inputs // groups * math.prod(kernel)
    weight = weighty(g, [inputs, outputs // groups, *kernel] if transposed else [outputs, inputs // groups, *kernel], dtype, fan)
    if batch == 0:
        x, weight = x.contiguous(), weight.contiguous()
    bias = g.maybe(lambda: g.tensor([outputs], dtype, -1, 1), 0.7)
    return x, weight, bias, stride, padding, dilation, groups


def shortened(g, args, defaults):
    """Leaves out trailing arguments that have their default, now and then."""
    while len(args) > 2 and args[-1] == defaults.get(len(args) - 1) and g.chance(0.5):
        args.pop()
    return args


def conv(dims):
    def generate(g):
        x, weight, bias, stride, padding, dilation, groups = layer(g, dims)
        return [x, weight, bias, stride, padding, dilation, groups]
    return generate


def conv_mode(dims):
    def generate(g):
        x, weight, bias, stride, padding, dilation, groups = layer(g, dims)
        mode = g.choice(("same", "valid"))
        return [x, weight, bias, stride if mode == "valid" or g.chance(0.03) else [1] * dims, mode, dilation, groups]
    return generate


def conv_transposed(dims):
    def generate(g):
        x, weight, bias, stride, padding, dilation, groups = layer(g, dims, True)
        extra = [g.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation)] if g.chance(0.5) else [0] * dims
        return [x, weight, bias, stride, padding, extra, groups, dilation]
    return generate


for dims in (1, 2, 3):
    CASES["aten::conv%dd" % dims] = conv(dims)
    CASES["aten::conv%dd.padding" % dims] = conv_mode(dims)
    CASES["aten::conv_transpose%dd%s" % (dims, ".input" if dims > 1 else "")] = conv_transposed(dims)


def any_conv(g, flags):
    dims, transposed = g.choice((1, 2, 2, 2, 3)), g.chance(0.3)
    x, weight, bias, stride, padding, dilation, groups = layer(g, dims, transposed)
    if x.dim() == dims + 1:
        x = x.unsqueeze(0)
    extra = [g.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation)] if transposed and g.chance(0.5) else [0] * dims
    return [x, weight, bias, stride, padding, dilation, transposed, extra, groups, *[False, False, True, True][:flags]]


CASES["aten::_convolution"] = lambda g: any_conv(g, 4)
CASES["aten::_convolution.deprecated"] = lambda g: any_conv(g, 3)
CASES["aten::convolution"] = lambda g: any_conv(g, 0)
CASES["aten::_convolution_mode"] = lambda g: conv_mode(g.choice((1, 2, 3)))(g)


def columns(g):
    kernel, dilation, padding, stride = ([g.randint(1, 3) for _ in range(2)], [g.choice((1, 1, 2)) for _ in range(2)], [g.randint(0, 2) for _ in range(2)],
                                         [g.randint(1, 3) for _ in range(2)])
    spatial = [g.randint(max(1, (k - 1) * d + 1 - 2 * p), 9) for k, d, p in zip(kernel, dilation, padding)]
    return kernel, dilation, padding, stride, spatial


def im2col(g):
    kernel, dilation, padding, stride, spatial = columns(g)
    return [g.tensor([g.randint(1, 3), g.randint(1, 4), *spatial][g.chance(0.1):], g.real()), kernel, dilation, padding, stride]


def col2im(g):
    kernel, dilation, padding, stride, spatial = columns(g)
    blocks = math.prod((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in zip(spatial, kernel, dilation, padding, stride))
    return [g.tensor([g.randint(1, 3), g.randint(1, 4) * math.prod(kernel), blocks], g.real()), spatial, kernel, dilation, padding, stride]


CASES["aten::im2col"] = im2col
CASES["aten::col2im"] = col2im

# ---- packed layers, as in native/xnnpack/RegisterOpContextClass.cpp


def clamped(g):
    return g.choice(((None, None), (0, None), (0, 6), (-1, 1), (None, None), (0.0, 6.0), (-0.5, None)))


def clamp(y, low, high):
    return y if low is None and high is None else torch.clamp(y, low, high)


def packed_conv(g, transposed):
    while True:
        x, weight, bias, stride, padding, dilation, groups = layer(g, 2, transposed)
        if x.dim() == 4 and x.dtype is torch.float32 and x.numel():
            break
    low, high = clamped(g)
    if not transposed:
        def compute(x):
            return clamp(torch.conv2d(x, weight, bias, stride, padding, dilation, groups), low, high)
        state = (weight, bias, stride, padding, dilation, groups, low, high)
        return [x, Packed("__torch__.torch.classes.xnnpack.Conv2dOpContext", state, compute)]
    extra = [g.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation)] if g.chance(0.5) else [0, 0]

    def compute_transposed(x):
        return clamp(torch.conv_transpose2d(x, weight, bias, stride, padding, extra, groups, dilation), low, high)
    state = (weight, bias, stride, padding, extra, dilation, groups, low, high)
    return [x, Packed("__torch__.torch.classes.xnnpack.TransposeConv2dOpContext", state, compute_transposed)]


def packed_linear(g):
    x, weight, bias = linear(g, torch.float32)
    low, high = clamped(g)
    return [x, Packed("__torch__.torch.classes.xnnpack.LinearOpContext", (weight, bias, low, high), lambda x: clamp(torch.nn.functional.linear(x, weight, bias), low, high))]


CASES["prepacked::conv2d_clamp_run"] = lambda g: packed_conv(g, False)
CASES["prepacked::conv2d_transpose_clamp_run"] = lambda g: packed_conv(g, True)
CASES["prepacked::linear_clamp_run"] = packed_linear

# ---- products


def features(g):
    return g.choice((1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33, 64)) if g.chance(0.97) else 0


def linear(g, dtype=None):
    dtype = dtype or g.real()
    inputs, outputs = features(g), features(g)
    x = g.tensor([*g.shape(0, 3, limit=60), inputs], dtype, -2, 2)
    weight = weighty(g, [outputs, inputs if g.chance(0.985) else inputs + 1], dtype, inputs)
    return [x, weight, g.maybe(lambda: g.tensor([outputs], dtype, -1, 1), 0.7)]


CASES["aten::linear"] = lambda g: linear(g)[:g.choice((2, 3, 3, 3))]


def scales(g, args, dtype):
    """beta and alpha."""
    choices = (1, 0, 2, 0.5, -1.5) if dtype.is_floating_point else (1, 0, 2, 3)
    return args + g.choice(([], [g.choice(choices)], [g.choice(choices), g.choice(choices)]))


def matrices(g, batches, kinds=(torch.float32, torch.float32, torch.float32, torch.float32, torch.float64, torch.int64)):
    """Two tensors of matrices (or of a matrix and a vector) that can be multiplied."""
    dtype = g.choice(kinds)
    n, m, k = features(g), features(g), features(g)
    a, b = g.tensor([*batches, n, k], dtype, -2, 2), g.tensor([*batches, k if g.chance(0.985) else k + 1, m], dtype, -2, 2)
    return a, b, dtype, n, m


CASES["aten::mm"] = lambda g: list(matrices(g, [])[:2])
CASES["aten::bmm"] = lambda g: list(matrices(g, [g.randint(0 if g.chance(0.05) else 1, 5)])[:2])
CASES["aten::mv"] = lambda g: (lambda a, b, *_: [a, b.select(-1, 0) if b.shape[-1] else b.new_zeros(b.shape[0])])(*matrices(g, []))
CASES["aten::dot"] = lambda g: (lambda n, d: [g.tensor([n], d), g.tensor([n], d)])(g.choice((0, 1, 7, 64, 301)), g.dtype(torch.float32, torch.int64))
CASES["aten::vdot"] = CASES["aten::inner"] = CASES["aten::dot"]
CASES["aten::inner"] = lambda g: (lambda n: [g.tensor([*g.shape(0, 2, limit=40), n]), g.tensor([*g.shape(0, 2, limit=40), n])])(g.randint(1, 9))
CASES["aten::outer"] = CASES["aten::ger"] = lambda g: (lambda d: [g.tensor([g.size()], d), g.tensor([g.size()], d)])(g.dtype(torch.float32, torch.int64))
CASES["aten::kron"] = lambda g: [g.tensor(g.shape(1, 2, limit=30), plain=1), g.tensor(g.shape(1, 2, limit=30), plain=1)]


def addmm(g, batched, own=False):
    a, b, dtype, n, m = matrices(g, [g.randint(1, 4)] if batched else [])
    full = [*a.shape[:-2], n, m]
    shape = full if own else [one if g.chance(0.7) else 1 for one in full][g.choice((0, 0, 1)):]
    return scales(g, [g.tensor(shape, dtype, expand=not own), a, b], dtype)


for underscore in ("", "_"):
    own = underscore == "_"
    CASES["aten::addmm" + underscore] = lambda g, own=own: addmm(g, False, own)
    CASES["aten::baddbmm" + underscore] = lambda g, own=own: addmm(g, True, own)


def addmv(g):
    a, b, dtype, n, _ = matrices(g, [], (torch.float32,))
    return scales(g, [g.tensor([n], dtype), a, b.select(-1, 0) if b.shape[-1] else b.new_zeros(b.shape[0])], dtype)


def addbmm(g):
    a, b, dtype, n, m = matrices(g, [g.randint(1, 4)], (torch.float32,))
    return scales(g, [g.tensor([n, m], dtype), a, b], dtype)


CASES["aten::addmv"] = addmv
CASES["aten::addbmm"] = addbmm
CASES["aten::addr"] = lambda g: (lambda n, m: scales(g, [g.tensor([n, m]), g.tensor([n]), g.tensor([m])], torch.float32))(g.size(), g.size())


def matmul(g):
    """All pairs of ranks, batches that broadcast."""
    k, dtype = features(g), g.choice((torch.float32, torch.float32, torch.float32, torch.float64, torch.int64))
    wrong = k + 1 if g.chance(0.02) else k
    one, other = g.broadcast(low=0, high=3, wrong=0.02)
    one, other = ([min(size, 4) for size in batch] if g.chance(0.9) else batch for batch in (one, other))
    a = [k] if g.chance(0.2) else [*(one if g.chance(0.7) else []), features(g), k]
    b = [wrong] if g.chance(0.2) else [*(other if g.chance(0.7) else []), wrong, features(g)]
    if math.prod(a) > 20000 or math.prod(b) > 20000:
        a, b = a[-2:], b[-2:]
    return [g.tensor(a, dtype, -2, 2), g.tensor(b, dtype, -2, 2)]


CASES["aten::matmul"] = CASES["aten::linalg_matmul"] = matmul
CASES["aten::chain_matmul"] = lambda g: (lambda n: [[g.tensor([n[i], n[i + 1]]) for i in range(len(n) - 1)]])([g.size() for _ in range(g.randint(2, 4))])

EQUATIONS = ("ij,jk->ik", "bij,bjk->bik", "ij,ij->ij", "ij,ij->", "i,j->ij", "ij->ji", "ii->i", "ii->", "ij->", "ij->i", "bhid,bhjd->bhij", "bhij,bhjd->bhid", "...ij,...jk->...ik",
             "bnd,de->bne", "bi,bj,b->bij", "ij,jk", "b...i,ij->b...j", "abc,cd,bd->ad", "i,i->", "bqhd,bkhd->bhqk", "bhqk,bkhd->bqhd", "nctkv,kvw->nctw", "ba", "i,i->i",
             " i j , j k -> i k ", "ij,kj->ik", "bijk->bkji", "ijk,jil->kl")


def einsum(g):
    equation = g.choice(EQUATIONS)
    sizes = {letter: g.randint(1, 6) for letter in "abcdefghijklmnopqrstuvwxyz"}
    extra = [g.randint(1, 3) for _ in range(g.randint(0, 2))]
    dtype = g.choice((torch.float32, torch.float32, torch.float32, torch.float64, torch.int64))
    tensors = []
    for term in equation.replace(" ", "").split("->")[0].split(","):
        head, dots, tail = term.partition("...")
        tensors.append(g.tensor([*(sizes[one] for one in head), *(extra if dots else []), *(sizes[one] for one in tail)], dtype, -2, 2))
    return [equation, tensors]


CASES["aten::einsum"] = einsum


def tensordot(g):
    shared, dtype = [g.randint(1, 5) for _ in range(g.randint(0, 2))], g.dtype(torch.float32, torch.float64)
    a, b = [g.randint(1, 4) for _ in range(g.randint(0, 2))], [g.randint(1, 4) for _ in range(g.randint(0, 2))]
    return [g.tensor([*a, *shared], dtype), g.tensor([*shared, *b], dtype), list(range(len(a), len(a) + len(shared))), list(range(len(shared)))]


CASES["aten::tensordot"] = tensordot
CASES["aten::bilinear"] = lambda g: (lambda n, a, b, o: [g.tensor([n, a]), g.tensor([n, b]), g.tensor([o, a, b]), g.maybe(lambda: g.tensor([o]))])(*(g.randint(1, 6) for _ in range(4)))


def cdist(g):
    one, other = g.broadcast(low=0, high=2, wrong=0)
    m, dtype = g.randint(1, 9), g.real()
    return [g.tensor([*one, g.size(), m], dtype), g.tensor([*other, g.size(), m], dtype), g.choice((2.0, 1.0, 0.0, 3.0, float("inf"))), g.choice((None, 0, 1, 2))]


CASES["aten::cdist"] = cdist
CASES["aten::pairwise_distance"] = lambda g: (lambda s: [g.tensor(s[0] + [5]), g.tensor(s[1] + [5]), g.choice((2.0, 1.0)), 1e-6, g.chance(0.5)])(g.broadcast(low=1, high=1, wrong=0))
CASES["aten::cosine_similarity"] = lambda g: (lambda s: [g.tensor(s[0] + [5]), g.tensor(s[1] + [5]), g.choice((-1, 1)), 1e-8])(g.broadcast(low=1, high=2, wrong=0))


def cross(g):
    shape = g.shape(1, 3)
    dim = g.randrange(len(shape))
    shape[dim] = 3
    dtype = g.dtype(torch.float32, torch.int64, torch.float64)
    return [g.tensor(shape, dtype), g.tensor(shape, dtype), dim]


CASES["aten::cross"] = cross
CASES["aten::linalg_cross"] = cross

LINEAR = set(CASES) - {"aten::cdist", "aten::pairwise_distance", "aten::cosine_similarity"}
