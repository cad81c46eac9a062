"""Reading and writing at indices, masks and coordinates."""
import math

import torch

from gen import FLOATS, INTS
from record import Call, Typed

CASES = {}
DTYPES = (torch.float32, torch.int64, torch.float64, torch.bool, torch.uint8, torch.int32)
NUMBERS = (torch.float32, torch.float64, torch.int64, torch.int32)


def of(g, shape, dtype=None, own=False, low=-9, high=9):
    return g.tensor(shape, dtype or g.dtype(*DTYPES), low, high, expand=not own)


def positions(g, shape, size, dtype=torch.int64, negative=False, wrong=0.015, repeats=True):
    """Indices below `size`; rarely one that is not there."""
    if not repeats:
        return torch.randperm(size, generator=g.torch)[:math.prod(shape)].reshape(shape)
    if size == 0:
        shape = [0 for _ in shape] or shape
    low = -size if negative else 0
    high = size if g.chance(wrong) else size - 1
    return g.tensor(shape, dtype, low, max(high, low))


# ---- x[i, j], x[i, j] = y


def subscripts(g, shape):
    """A list for `index`: None, index tensors that broadcast together, masks."""
    batch = g.shape(0, 2, empty=0.04, limit=30)
    result, used = [], 0
    while used < len(shape):
        choice = g.random()
        left = len(shape) - used
        if choice < 0.35:
            result.append(None)
            used += 1
        elif choice < 0.8:
            one = [1 if g.chance(0.2) else size for size in batch]
            one = one[g.randint(0, len(one)):] if g.chance(0.2) else one
            result.append(positions(g, one, shape[used], negative=True))
            used += 1
        elif choice < 0.93:
            count = g.randint(1, min(left, 2)) if not any(one is not None and one.dtype is not torch.bool for one in result) else left + 1
            if count > left:
                break
            result.append(g.tensor(shape[used:used + count], torch.bool if g.chance(0.9) else torch.uint8, 0, 1))
            used += count
            # Another index would have to be as long as the mask is true.
            if g.chance(0.7):
                break
            result += [None] * (len(shape) - used)
            break
        else:
            break
    if all(one is None for one in result):
        result.append(positions(g, batch, shape[0], negative=True)) if not result else result.__setitem__(0, positions(g, batch, shape[0], negative=True))
    return result


def index(g):
    shape = g.shape(1, 4, empty=0.02)
    return [of(g, shape), Typed(subscripts(g, shape), "Tensor?[]")]


def put(g, own=True):
    """Indices that meet no element twice, unless values are added up."""
    shape = g.shape(1, 3, empty=0.02)
    adds = g.chance(0.4)
    dtype = g.dtype(*NUMBERS) if adds else g.dtype(*DTYPES)
    x = of(g, shape, dtype, own)
    indices = subscripts(g, shape)
    if not adds:
        x, indices = single(g, x)
    try:
        target = x[tuple(slice(None) if one is None else one.to(torch.bool if one.dtype is torch.uint8 else one.dtype) for one in indices)]
    except IndexError:
        g.dropped("an index that is not there")
    values = list(target.shape)
    if g.chance(0.3):
        values = [1 if g.chance(0.4) else size for size in values][g.randint(0, len(values)):] if values else []
    return [x, Typed(indices, "Tensor?[]"), of(g, values, dtype, low=-9), adds]


def single(g, x):
    if g.chance(0.4):
        count = g.randint(1, x.dim())
        return x, [g.tensor(list(x.shape[:count]), torch.bool, 0, 1)]
    dim = g.randrange(x.dim())
    chosen = positions(g, [g.randint(0, x.shape[dim])], x.shape[dim], repeats=False)
    return x, [None] * dim + [chosen if g.chance(0.7) else chosen - x.shape[dim]]


CASES["aten::index.Tensor"] = index
for name in ("index_put", "index_put_"):
    CASES["aten::" + name] = lambda g: put(g)[:g.choice((4, 4, 4))]
CASES["aten::_index_put_impl_"] = put

# ---- along one dimension


def along(g, low=1, own=False, dtypes=DTYPES, empty=0.02):
    shape = g.shape(low, 4, empty=empty)
    x = of(g, shape, g.dtype(*dtypes), own)
    return x, g.dim(len(shape)), shape


def size_at(shape, dim):
    return shape[dim] if shape and -len(shape) <= dim < len(shape) else 1


def index_select(g):
    x, dim, shape = along(g, 0 if g.chance(0.1) else 1)
    return [x, dim, positions(g, [g.randint(0, 8) if shape else 1], size_at(shape, dim), g.choice((torch.int64, torch.int32)))]


CASES["aten::index_select"] = index_select


def gather(g):
    x, dim, shape = along(g, 0 if g.chance(0.1) else 1)
    wanted = [g.randint(1, size) if size else 0 for size in shape]
    if shape and -len(shape) <= dim < len(shape):
        wanted[dim] = g.randint(0, 6)
    return [x, dim, positions(g, wanted, size_at(shape, dim))]


CASES["aten::gather"] = lambda g: gather(g) + ([False] if g.chance(0.3) else [])


def take_along(g):
    x, dim, shape = along(g)
    dim = dim if -len(shape) <= dim < len(shape) else 0
    wanted = list(shape)
    wanted[dim] = g.randint(0, 6)
    indices = positions(g, wanted, shape[dim], wrong=0)
    return [x, indices, dim]


CASES["aten::take_along_dim"] = take_along
CASES["aten::take"] = lambda g: (lambda x: [x, positions(g, g.shape(0, 2), x.numel(), negative=True)])(of(g, g.shape(0, 3, empty=0)))


def scatter(g, own, source, adds=False, reduces=()):
    x, dim, shape = along(g, 0 if g.chance(0.05) else 1, own, NUMBERS if adds or reduces else DTYPES)
    dim = dim if -max(len(shape), 1) <= dim < max(len(shape), 1) else 0
    wanted = [g.randint(0, size) for size in shape]
    size = size_at(shape, dim)
    if not shape:
        indices = torch.zeros([], dtype=torch.int64)
    elif adds or reduces:
        wanted[dim] = g.randint(0, 6)
        indices = positions(g, wanted, size)
    else:
        # No element twice: which value would win is not defined.
        indices = torch.rand([size if i == dim % len(shape) else one for i, one in enumerate(wanted)], generator=g.torch).argsort(dim)
        indices = indices.narrow(dim, 0, wanted[dim]) if wanted[dim] <= size else indices
    if source:
        given = of(g, [one + g.choice((0, 0, 1)) for one in indices.shape], x.dtype)
    else:
        given = g.choice((0, 1, 3)) if not x.is_floating_point() else g.scalar()
    return [x, dim, indices, given]


for underscore in ("", "_"):
    own = underscore == "_"
    CASES["aten::scatter%s.src" % underscore] = lambda g, own=own: scatter(g, own, True)
    CASES["aten::scatter%s.value" % underscore] = lambda g, own=own: scatter(g, own, False)
    CASES["aten::scatter%s.reduce" % underscore] = lambda g, own=own: scatter(g, own, True, True) + [g.choice(("add", "multiply"))]
    CASES["aten::scatter%s.value_reduce" % underscore] = lambda g, own=own: scatter(g, own, False, True) + [g.choice(("add", "multiply"))]
    CASES["aten::scatter_add%s" % underscore] = lambda g, own=own: scatter(g, own, True, True)
    CASES["aten::scatter_reduce%s.two" % underscore] = lambda g, own=own: scatter(g, own, True, True) + [g.choice(("sum", "prod", "mean", "amax", "amin")), g.chance(0.6)]


def index_write(g, own, source, adds=False):
    x, dim, shape = along(g, 1, own, NUMBERS if adds else DTYPES)
    dim = dim if -len(shape) <= dim < len(shape) else 0
    count = g.randint(0, shape[dim])
    chosen = positions(g, [g.randint(0, 6)], shape[dim]) if adds else positions(g, [count], shape[dim], repeats=False)
    if not source:
        return [x, dim, chosen, g.choice((0, 1, 3)) if not x.is_floating_point() else g.scalar()]
    if source == "scalar":
        return [x, dim, chosen, g.tensor([], x.dtype)]
    other = list(shape)
    other[dim] = chosen.numel()
    return [x, dim, chosen, of(g, other, x.dtype), *([g.choice((1, 2)) if not x.is_floating_point() else g.choice((1, 2, 0.5))] if adds and g.chance(0.4) else [])]


for underscore in ("", "_"):
    own = underscore == "_"
    CASES["aten::index_add%s" % underscore] = lambda g, own=own: index_write(g, own, True, True)
    CASES["aten::index_copy%s" % underscore] = lambda g, own=own: index_write(g, own, True)
    CASES["aten::index_fill%s.int_Scalar" % underscore] = lambda g, own=own: index_write(g, own, False)
    CASES["aten::index_fill%s.int_Tensor" % underscore] = lambda g, own=own: index_write(g, own, "scalar")

# ---- masks


def masked(g, own):
    shapes = g.broadcast()
    if own:
        try:
            shapes[0] = list(torch.broadcast_shapes(*shapes))
        except RuntimeError:
            pass
    return of(g, shapes[0], None, own), g.tensor(shapes[1], torch.bool)


CASES["aten::masked_select"] = lambda g: list(masked(g, False))
for underscore in ("", "_"):
    def masked_scatter(g, own=underscore == "_"):
        x, mask = (one.contiguous() for one in masked(g, True))  # of others PyTorch takes the elements in the order of memory
        count = x.numel() - (1 if g.chance(0.01) else 0)
        return [x, mask, g.tensor([max(count, 0) + g.choice((0, 3))], x.dtype, 0, 9, plain=1)]
    CASES["aten::masked_scatter" + underscore] = masked_scatter
CASES["aten::nonzero"] = lambda g: [g.tensor(g.shape(0, 4), g.dtype(*DTYPES), -1.2, 1.2)]
CASES["aten::nonzero_numpy"] = lambda g: [g.tensor(g.shape(1, 3), g.dtype(*DTYPES), -1.2, 1.2)]
CASES["aten::argwhere"] = lambda g: [g.tensor(g.shape(0, 4), g.dtype(*DTYPES), -1.2, 1.2)]

# ---- writing to a part


def part(g, x):
    dim = g.randrange(x.dim())
    size = x.shape[dim]
    begin = g.randint(0, size)
    return dim, begin, g.randint(begin, size), g.choice((1, 1, 2))


def slice_scatter(g):
    shape = g.shape(1, 3)
    x = of(g, shape)
    dim, begin, end, step = part(g, x)
    return [x, of(g, list(x[(slice(None),) * dim + (slice(begin, end, step),)].shape), x.dtype), dim, begin, end, step]


CASES["aten::slice_scatter"] = slice_scatter
CASES["aten::select_scatter"] = lambda g: (lambda x, d: [x, of(g, [n for i, n in enumerate(x.shape) if i != d], x.dtype), d, g.randrange(x.shape[d])])(*(lambda x: (x, g.randrange(x.dim())))(of(g, g.shape(1, 3, empty=0))))
CASES["aten::diagonal_scatter"] = lambda g: (lambda x: [x, of(g, list(x.diagonal().shape), x.dtype)])(of(g, g.shape(2, 3)))
CASES["aten::fill_diagonal_"] = lambda g: [g.own(g.shape(2, 2, empty=0)), g.scalar(), *([g.chance(0.5)] if g.chance(0.5) else [])]


def put_(g):
    x = g.own(g.shape(0, 3, empty=0), torch.float32)
    count = g.randint(0, x.numel())
    return [x, positions(g, [count], x.numel(), repeats=False), g.tensor([count]), False]


CASES["aten::put_"] = put_
