"""Sums, extremes, norms, sorting and everything else that walks along dimensions."""
import torch

from gen import FLOATS, INTS
from record import Call

CASES = {}
NUMBERS = (*FLOATS, *INTS)
ALL = (*NUMBERS, torch.bool)
REAL = (torch.float32, torch.float64)


def keep(g, *args):
    """With or without the last argument, which has a default."""
    return list(args) + ([] if g.chance(0.4) else [g.chance(0.5)])


def one_dim(g, dtypes, low=-4.0, high=4.0, special=0.1, shape=None, **options):
    shape = g.shape() if shape is None else shape
    return g.tensor(shape, g.dtype(*dtypes), low, high, special, **options), g.dim(len(shape))


def some_dims(g, dtypes, none=0.15, special=0.1, low=-4.0, high=4.0, empty=0.05):
    """A tensor and a list of its dimensions: none of them, or an empty list, stand for all."""
    shape = g.shape(empty=empty)
    dims = g.maybe(lambda: g.dims(len(shape), 0), 1 - none)
    if dims and g.chance(0.015):
        dims.append(dims[0])
    return g.tensor(shape, g.dtype(*dtypes), low, high, special), dims


def accumulate_in(g, args):
    """`dtype=` for sums."""
    return args + [g.maybe(lambda: g.choice((torch.float32, torch.float64, torch.int64)) if not args[0].is_floating_point() else g.choice(REAL), 0.3)]


CASES["aten::sum"] = lambda g: accumulate_in(g, [one_dim(g, ALL)[0]]) if g.chance(0.6) else [one_dim(g, ALL)[0]]
CASES["aten::sum.dim_IntList"] = lambda g: accumulate_in(g, [*some_dims(g, ALL), g.chance(0.5)])
CASES["aten::nansum"] = lambda g: [*some_dims(g, REAL, special=0.7), g.chance(0.5)]
CASES["aten::mean"] = lambda g: [g.tensor(None, g.dtype(*REAL), special=0.1)] if g.chance(0.8) else [g.tensor(None, g.number()), g.choice(REAL)]
CASES["aten::mean.dim"] = lambda g: keep(g, *some_dims(g, FLOATS)) if g.chance(0.8) else [*some_dims(g, NUMBERS), g.chance(0.5), g.choice(REAL)]
CASES["aten::nanmean"] = lambda g: [*some_dims(g, REAL, special=0.7), g.chance(0.5)]
CASES["aten::prod"] = lambda g: [g.tensor(g.shape(0, 2), g.dtype(*ALL), -1.5, 1.5)]
CASES["aten::prod.dim_int"] = lambda g: keep(g, *one_dim(g, ALL, -1.6, 1.6))
for name in ("amax", "amin"):
    CASES["aten::" + name] = lambda g: keep(g, *some_dims(g, ALL, none=0, empty=0.02, special=0.3))
CASES["aten::aminmax"] = lambda g: [g.tensor(g.shape(1, empty=0), g.dtype(*NUMBERS), special=0.2), g.maybe(lambda: 0), g.chance(0.5)]
for name in ("argmax", "argmin"):
    def arg(g):
        tensor, dim = one_dim(g, NUMBERS, low=-99, high=99, special=0.3, shape=g.shape(empty=0.02))
        return keep(g, tensor, g.maybe(dim, 0.8))
    CASES["aten::" + name] = arg
for name in ("max", "min"):
    CASES["aten::" + name] = lambda g: [g.tensor(g.shape(empty=0.02), g.dtype(*ALL), special=0.2)]
    CASES["aten::" + name + ".dim"] = lambda g: keep(g, *one_dim(g, ALL, -99, 99, 0.3, g.shape(empty=0.02)))
for name in ("all", "any"):
    CASES["aten::" + name] = lambda g: [g.tensor(None, g.dtype(torch.bool, torch.uint8, torch.float32, torch.int64), -0.6, 1.4, 0.2)]
    CASES["aten::" + name + ".dim"] = lambda g: keep(g, *one_dim(g, (torch.bool, torch.uint8, torch.float32, torch.int64), -0.6, 1.4, 0.2))
    CASES["aten::" + name + ".dims"] = lambda g: (lambda x, dims: keep(g, x, dims or [0]))(*some_dims(g, (torch.bool, torch.float32)))

for name in ("var", "std"):
    CASES["aten::" + name] = lambda g: keep(g, g.tensor(g.shape(empty=0), g.dtype(*REAL)))
    CASES["aten::" + name + ".dim"] = lambda g: [*some_dims(g, REAL, empty=0), g.chance(0.5), g.chance(0.5)]
    CASES["aten::" + name + ".correction"] = lambda g: [*some_dims(g, REAL, empty=0), g.choice((0, 1)), g.chance(0.5)]
for name in ("var_mean", "std_mean"):
    CASES["aten::" + name] = lambda g: keep(g, g.tensor(g.shape(empty=0), g.dtype(*REAL)))
    CASES["aten::" + name + ".dim"] = lambda g: [*some_dims(g, REAL, empty=0), g.chance(0.5), g.chance(0.5)]
    CASES["aten::" + name + ".correction"] = lambda g: [*some_dims(g, REAL, empty=0), g.choice((0, 1)), g.chance(0.5)]

# ---- norms

ORDERS = (2, 2, 2.0, 1, 3, 0, float("inf"), float("-inf"), 0.5, 1.5)
# Of nothing, releases disagree about the largest and the smallest.
CASES["aten::norm.Scalar"] = lambda g: [g.tensor(g.shape(empty=0), g.dtype(*REAL)), g.choice(ORDERS)] if g.chance(0.8) else [g.tensor(g.shape(empty=0.02), g.dtype(*REAL))]
CASES["aten::norm.ScalarOpt_dim"] = lambda g: (lambda x, dims: [x, g.choice((None, *ORDERS)), dims, g.chance(0.5)])(*some_dims(g, REAL, none=0, empty=0.02))
CASES["aten::norm.ScalarOpt_dim_dtype"] = lambda g: (lambda x, dims: [x, g.choice(ORDERS), dims, g.chance(0.5), x.dtype])(*some_dims(g, REAL, none=0, empty=0.02))
CASES["aten::linalg_vector_norm"] = lambda g: (lambda x, dims: [x, g.choice(ORDERS), dims, g.chance(0.5)])(*some_dims(g, REAL, none=0.3, empty=0.02))
CASES["aten::linalg_norm"] = lambda g: (lambda x, dim: [x, g.choice((2, 1, float("inf"))), [dim], g.chance(0.5)])(*one_dim(g, REAL, shape=g.shape(1, empty=0)))
CASES["aten::frobenius_norm.dim"] = lambda g: (lambda x, dims: [x, dims[:2], g.chance(0.5)])(*some_dims(g, REAL, none=0, empty=0))
CASES["aten::logsumexp"] = lambda g: (lambda x, dims: keep(g, x, dims or [0]))(*some_dims(g, REAL, none=0, special=0.3, empty=0.02, low=-30, high=30))
CASES["aten::count_nonzero"] = lambda g: [g.tensor(None, g.dtype(torch.float32, torch.int64, torch.bool), -1.2, 1.2)]
CASES["aten::count_nonzero.dim_IntList"] = lambda g: list(some_dims(g, (torch.float32, torch.int64, torch.bool), none=0, low=-1.2, high=1.2))
CASES["aten::dist"] = lambda g: (lambda s, d: [g.tensor(s[0], d), g.tensor(s[1], d), g.choice((2, 1, 0.5))])(g.broadcast(wrong=0), g.real())

for name in ("cumsum", "cumprod"):
    for underscore in ("", "_"):
        def cumulate(g, inplace=underscore == "_"):
            tensor, dim = one_dim(g, REAL if inplace else ALL, -1.5, 1.5, expand=not inplace)
            return [tensor, dim] + ([g.choice((torch.float32, torch.int64, torch.float64)) if not inplace else None] if g.chance(0.3) else [])
        CASES["aten::" + name + underscore] = cumulate
for name in ("cummax", "cummin"):
    CASES["aten::" + name] = lambda g: list(one_dim(g, (torch.float32, torch.int64, torch.float64), -9, 9, 0.2, g.shape(1, empty=0)))
CASES["aten::logcumsumexp"] = lambda g: list(one_dim(g, REAL, -9, 9, 0))
CASES["aten::diff"] = lambda g: (lambda x, d: [x, g.choice((1, 1, 2)), d])(*one_dim(g, (torch.float32, torch.int64), shape=g.shape(1)))
CASES["aten::trapz.x"] = lambda g: (lambda s: [g.tensor(s), g.tensor(s)])(g.shape(1, 3, empty=0))

# ---- softmax


def soft(g, dtypes=FLOATS):
    tensor, dim = one_dim(g, dtypes, *g.choice(((-4, 4), (-80, 80), (-1, 1))), 0.1)
    return [tensor, dim] + ([g.choice((None, torch.float32, torch.float64))] if g.chance(0.3) else [])


for name in ("softmax.int", "log_softmax.int"):
    CASES["aten::" + name] = lambda g: soft(g) if g.chance(0.95) else [g.tensor(None, torch.int64), -1, torch.float32]
for name in ("_softmax", "_log_softmax"):
    CASES["aten::" + name] = lambda g: [*one_dim(g, FLOATS), False]

# ---- order


def distinct(g, dtypes=(torch.float32, torch.int64, torch.float64, torch.int32), low=1):
    shape = g.shape(0, 4, empty=0.02)
    return g.tensor(shape, g.dtype(*dtypes), -9, 9, distinct=True), g.dim(len(shape)), shape


CASES["aten::sort"] = lambda g: (lambda x, d, _: [x, d, g.chance(0.5)])(*distinct(g))
CASES["aten::sort.stable"] = lambda g: (lambda x, d: [x, True, d, g.chance(0.5)])(*one_dim(g, ALL, -9, 9, 0.15))
CASES["aten::argsort"] = lambda g: (lambda x, d, _: [x, d, g.chance(0.5)])(*distinct(g))
CASES["aten::argsort.stable"] = lambda g: (lambda x, d: [x, True, d, g.chance(0.5)])(*one_dim(g, (torch.float32, torch.int64), -9, 9))
CASES["aten::msort"] = lambda g: [distinct(g)[0]]


def topk(g):
    tensor, dim, shape = distinct(g)
    size = shape[dim] if shape and -len(shape) <= dim < len(shape) else 1
    return [tensor, g.randint(0 if shape else 1, size) if g.chance(0.97) else size + 1, *([] if g.chance(0.2) and dim in (-1, len(shape) - 1) else [dim, g.chance(0.6), True])]


CASES["aten::topk"] = topk
CASES["aten::kthvalue"] = lambda g: (lambda x, d, s: [x, g.randint(1, max(s[d], 1)) if s and -len(s) <= d < len(s) else 1, d, g.chance(0.5)])(*distinct(g))
CASES["aten::median"] = lambda g: [distinct(g)[0]]
CASES["aten::median.dim"] = lambda g: (lambda x, d, _: [x, d, g.chance(0.5)])(*distinct(g))
CASES["aten::nanmedian"] = lambda g: [g.tensor(None, g.dtype(*REAL), special=0.5)]
CASES["aten::mode"] = lambda g: (lambda x, d: [x, d, g.chance(0.5)])(*one_dim(g, (torch.int64,), 0, 2, shape=[g.randint(1, 5) for _ in range(g.randint(1, 3))]))
CASES["aten::quantile.scalar"] = lambda g: (lambda x, d: [x, g.uniform(0, 1), d, g.chance(0.5)])(*one_dim(g, REAL, special=0, shape=g.shape(1, empty=0)))
CASES["aten::quantile"] = lambda g: (lambda x, d: [x, g.tensor([3], x.dtype, 0, 1), d, g.chance(0.5)])(*one_dim(g, REAL, special=0, shape=g.shape(1, empty=0)))


def unique(g, **_):
    return g.tensor(g.shape(0, 3), g.dtype(torch.int64, torch.float32, torch.int32, torch.uint8, torch.bool), -3, 3)


CASES["aten::_unique2"] = lambda g: [unique(g), True, True, g.chance(0.7)]
CASES["aten::_unique"] = lambda g: [unique(g), True, True]
CASES["aten::unique_consecutive"] = lambda g: [unique(g), True, g.chance(0.6)]
CASES["aten::unique_dim"] = lambda g: (lambda x: [x, g.randrange(-x.dim(), x.dim()), True, g.chance(0.7), g.chance(0.7)])(g.tensor(g.shape(1, 2, empty=0), torch.int64, 0, 1))


def buckets(g):
    edges = g.elements([g.randint(1, 12)], g.dtype(torch.float32, torch.int64), -4, 4).sort()[0]
    return edges


CASES["aten::bucketize.Tensor"] = lambda g: (lambda e: [g.tensor(None, e.dtype, -5, 5), e, g.chance(0.4), g.chance(0.4)])(buckets(g))
CASES["aten::bucketize.Scalar"] = lambda g: (lambda e: [g.randint(-5, 5) if e.dtype is torch.int64 else g.uniform(-5, 5), e, g.chance(0.4), g.chance(0.4)])(buckets(g))


def search(g):
    shape = g.shape(1, 3, empty=0)
    dtype = g.dtype(torch.float32, torch.int64)
    edges = g.elements(shape, dtype, -4, 4).sort(-1)[0]
    values = g.tensor([*shape[:-1], g.size()], dtype, -5, 5) if g.chance(0.6) or len(shape) > 1 else g.tensor(None, dtype, -5, 5)
    return [edges, values, g.chance(0.4), g.chance(0.4)]


CASES["aten::searchsorted.Tensor"] = search
CASES["aten::searchsorted.Scalar"] = lambda g: (lambda e: [e, g.randint(-5, 5) if e.dtype is torch.int64 else g.uniform(-5, 5), g.chance(0.4)])(buckets(g))
CASES["aten::histc"] = lambda g: [g.tensor(g.shape(0, 3), g.real()), g.randint(1, 12), *g.choice(((0, 0), (-2, 3), (0, 1)))]
CASES["aten::bincount"] = lambda g: (lambda n: [g.tensor([n], torch.int64, 0, 9), g.maybe(lambda: g.tensor([n], torch.float32)), g.choice((0, 5, 12))])(g.randint(0, 40))
CASES["aten::cov"] = lambda g: [g.tensor([g.size(), g.randint(2, 9)], g.real())]

LINEAR = {"aten::sum", "aten::sum.dim_IntList", "aten::nansum", "aten::mean", "aten::mean.dim", "aten::nanmean", "aten::cumsum", "aten::cumsum_"}
