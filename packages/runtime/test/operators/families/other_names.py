"""Operators that do what others do by another name, and those that are seldom met."""
import torch

from families import dense, indexing, making, norms, pointwise, reductions, scalars, sequences, views
from record import Call, Typed

KNOWN = {}
for family in (dense, indexing, making, norms, pointwise, reductions, scalars, sequences, views):
    KNOWN.update(family.CASES)

SAME = """
special_expit sigmoid|arcsin asin|arcsin_ asin_|arccos acos|arccos_ acos_|arctan atan|arctan_ atan_|arcsinh asinh|arcsinh_ asinh_|arccosh acosh|arccosh_ acosh_|arctanh atanh|arctanh_ atanh_
special_exp2 exp2|special_erf erf|special_erfc erfc|special_erfinv erfinv|special_gammaln lgamma|special_digamma digamma|special_i0 i0|special_sinc sinc|special_log1p log1p|special_expm1 expm1
not_equal_.Tensor ne_.Tensor|not_equal_.Scalar ne_.Scalar|less_.Tensor lt_.Tensor|less_.Scalar lt_.Scalar|less_equal_.Tensor le_.Tensor|less_equal_.Scalar le_.Scalar
greater_.Tensor gt_.Tensor|greater_.Scalar gt_.Scalar|greater_equal_.Tensor ge_.Tensor|greater_equal_.Scalar ge_.Scalar|logaddexp2 logaddexp|rrelu relu_|special_softmax softmax.int|special_log_softmax log_softmax.int
_cast_Long _cast_Float|lift_fresh_copy detach|detach_copy detach|lift detach|zero zero_|range.step range|_grid_sampler_2d_cpu_fallback grid_sampler_2d
_index_put_impl _index_put_impl_|put put_|_stack stack|row_stack vstack|native_channel_shuffle channel_shuffle|nested_to_padded_tensor to_padded_tensor
sym_size size|sym_stride stride|sym_numel numel|sym_storage_offset storage_offset|_shape_as_tensor size|split split.sizes
matrix_H mT|mH mT|adjoint mT|numpy_T.a numpy_T|mT.a mT|mH.a mT|matrix_H.a mT|swapaxes_ transpose.int|swapdims_ transpose.int|special_logit logit|nanquantile quantile|nanquantile.scalar quantile.scalar
nanmedian.dim median.dim|index.Tensor_hacked_twin take|ldexp.Tensor bitwise_and.Tensor|gcd bitwise_and.Tensor|lcm bitwise_and.Tensor|gcd_ bitwise_and_.Tensor|lcm_ bitwise_and_.Tensor
"""
CASES = {}
for row in SAME.replace("\n", "|").split("|"):
    if row:
        name, other = row.split()
        CASES["aten::" + name] = KNOWN.get("aten::" + other, KNOWN.get("aten::" + other + ".default"))
CASES = {name: generate for name, generate in CASES.items() if generate}

# ---- elements

CASES["aten::conj_physical"] = CASES["aten::conj_physical_"] = lambda g: [g.own()]
CASES["aten::rrelu"] = CASES["aten::rrelu_"] = lambda g: [g.own(), *([] if g.chance(0.4) else [0.1, 0.3, False])]
for name in ("bitwise_left_shift.Scalar_Tensor", "bitwise_right_shift.Scalar_Tensor"):
    CASES["aten::" + name] = lambda g: [g.randint(0, 99), g.tensor(None, g.dtype(torch.int64, torch.int32), 0, 5)]
for name in ("gcd", "lcm", "gcd_", "lcm_"):
    CASES["aten::" + name] = lambda g, own=name[-1] == "_": pointwise.operands(g, own, (torch.int64, torch.int32), -20, 20, same=1)
CASES["aten::ldexp.Tensor"] = lambda g: (lambda s: [g.tensor(s[0]), g.tensor(s[1], torch.float32, -5, 5).round()])(g.broadcast())
CASES["aten::xlogy.Scalar_Other"] = lambda g: [g.tensor(None, g.real(), 0, 4), g.scalar(0.5, 4)]
CASES["aten::xlogy_.Scalar_Other"] = lambda g: [g.own(None, g.real(), 0, 4), g.scalar(0.5, 4)]
CASES["aten::xlogy.Scalar_Self"] = lambda g: [g.scalar(0, 4), g.tensor(None, g.real(), 0, 4)]
CASES["aten::float_power.Tensor_Tensor"] = lambda g: pointwise.operands(g, False, (torch.float32, torch.int64, torch.float64), 0.2, 4)
CASES["aten::float_power.Scalar"] = lambda g: [g.scalar(0.3, 4), g.tensor()]


def inside(g):
    dtype = g.dtype(torch.int64, torch.float32)
    return g.tensor(None, dtype, -4, 4).round(), g.tensor(g.shape(0, 2), dtype, -4, 4).round(), g.chance(0.5)


CASES["aten::isin.Tensor_Tensor"] = lambda g: (lambda a, b, invert: [a, b, False, invert])(*inside(g))
CASES["aten::isin.Tensor_Scalar"] = lambda g: (lambda a, b, invert: [a, g.randint(-4, 4), False, invert])(*inside(g))
CASES["aten::isin.Scalar_Tensor"] = lambda g: (lambda a, b, invert: [g.randint(-4, 4), b, False, invert])(*inside(g))

# ---- copies

CASES["aten::copy_.Tensor"] = lambda g: views.copy_into(g)
CASES["aten::copy_.int"] = lambda g: [g.own(None, g.dtype(torch.float32, torch.int64)), g.randint(-9, 9)]
CASES["aten::copy_.float"] = lambda g: [g.own(None, g.dtype(torch.float32, torch.float64)), g.uniform(-9, 9)]
CASES["aten::fill.Tensor"] = lambda g: [g.tensor(None, g.dtype()), g.tensor([], torch.int64, 0, 9)]
CASES["prim::NumToTensor.Scalar"] = lambda g: [g.choice((g.randint(-9, 9), g.uniform(-9, 9)))]
CASES["prim::NumToTensor.bool"] = lambda g: [g.chance(0.5)]
CASES["prim::index"] = lambda g: [torch.device("cpu")]

# ---- layers

CASES["aten::linalg_multi_dot"] = lambda g: (lambda n: [[g.tensor([n[i], n[i + 1]]) for i in range(len(n) - 1)]])([g.size() for _ in range(g.randint(3, 5))])
for name in ("sym_size.int", "sym_stride.int"):
    CASES["aten::" + name] = lambda g: (lambda x: [x, g.randrange(x.dim())])(g.tensor(g.shape(1), g.dtype()))
CASES["aten::addmv_"] = lambda g: (lambda args: [args[0].contiguous().clone(), *args[1:]])(dense.addmv(g))
CASES["aten::_cdist_forward"] = lambda g: dense.cdist(g)
CASES["aten::_embedding_bag"] = CASES["aten::_embedding_bag_forward_only"] = lambda g: sequences.embedding_bag(g, 0)[:8]


def native_group_norm(g):
    x, groups, weight, bias, eps, *_ = norms.group_norm(g)
    n, c = x.shape[:2]
    return [x.contiguous(), weight, bias, n, c, x.numel() // max(n * c, 1), groups, eps]


CASES["aten::native_group_norm"] = native_group_norm
CASES["aten::frobenius_norm"] = lambda g: [g.tensor(None, g.real())]
CASES["aten::norm.ScalarOpt_dtype"] = lambda g: [g.tensor(g.shape(empty=0.02)), g.choice((2, 1, 3)), g.choice((torch.float32, torch.float64))]


def unpool3d(g):
    x = norms.image(g, 3, low=4, top=6, unbatched=0)
    values, indices = torch.nn.functional.max_pool3d(x, 2, return_indices=True)
    return [values, indices, list(x.shape[2:]), [2, 2, 2], [0, 0, 0]]


CASES["aten::max_unpool3d"] = unpool3d

# ---- shapes

CASES["aten::_pad_circular"] = lambda g: (lambda d: [g.tensor([1, 2, *(g.randint(3, 6) for _ in range(d))]), [g.randint(0, 3) for _ in range(2 * d)]])(g.randint(1, 3))
CASES["aten::_pad_enum"] = lambda g: (lambda d: [g.tensor([1, 2, *(g.randint(4, 6) for _ in range(d))]), [g.randint(0, 3) for _ in range(2 * d)], g.randint(1, 3)])(g.randint(1, 3))
CASES["aten::diagflat"] = lambda g: [g.tensor(g.shape(0, 2, limit=20)), g.randint(-3, 3)]
CASES["aten::narrow.Tensor"] = lambda g: (lambda x, d, b, n: [x, d, torch.tensor(b), n])(*views.narrow(g))
CASES["aten::narrow_copy"] = lambda g: views.narrow(g)
CASES["aten::tensor_split.tensor_indices_or_sections"] = lambda g: (lambda x, d, n: [x, torch.tensor(g.randint(1, 4)) if g.chance(0.5) else torch.tensor([1, 3]), d])(*views.split(g))
for name, low in (("hsplit", 1), ("vsplit", 2), ("dsplit", 3)):
    CASES["aten::" + name + ".array"] = lambda g, low=low: [views.any_tensor(g, low), [g.randint(0, 3), g.randint(3, 5)]]
for name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    CASES["aten::" + name + ".Sequence"] = lambda g: [[g.tensor(g.shape(0, 4, limit=50)) for _ in range(g.randint(1, 3))]]
CASES["aten::as_strided_"] = lambda g: views.as_strided(g)
CASES["aten::_reshape_from_tensor"] = lambda g: (lambda x, s: [x, torch.tensor(s, dtype=torch.int64)])(*views.reshape(g))
CASES["aten::unique_dim_consecutive"] = lambda g: (lambda x: [x, g.randrange(-x.dim(), x.dim()), g.chance(0.7), g.chance(0.7)])(g.tensor(g.shape(1, 2, empty=0), torch.int64, 0, 1))

# ---- indices

CASES["aten::index.Tensor_hacked_twin"] = lambda g: (lambda x: [x, [indexing.positions(g, [g.randint(0, 5)], n, negative=True) for n in x.shape[:1]]])(g.tensor(g.shape(1, empty=0)))
for name in ("index_put.hacked_twin", "index_put_.hacked_twin"):
    CASES["aten::" + name] = lambda g: (lambda x: [x, [indexing.positions(g, [g.randint(0, x.shape[0])], x.shape[0], repeats=False)], g.tensor([]), False])(g.own(g.shape(1, 3, empty=0)))
CASES["aten::_index_put_impl_.hacked_twin"] = CASES["aten::index_put_.hacked_twin"]
for name in ("index_reduce", "index_reduce_"):
    CASES["aten::" + name] = lambda g: indexing.index_write(g, True, True, True)[:4] + [g.choice(("prod", "mean", "amax", "amin")), g.chance(0.5)]

# ---- lists of tensors


def members(g):
    """A list, and a tensor that is in it every other time."""
    tensors = [g.tensor(g.shape(0, 1, limit=3), torch.float32, plain=1) for _ in range(g.randint(1, 4))]
    return tensors, g.choice(tensors).clone() if g.chance(0.6) else torch.tensor(99.0)


def alike(g):
    """Tensors of one shape: others cannot be compared."""
    shape = [] if g.chance(0.5) else [2]
    tensors = [g.tensor(shape, torch.float32, plain=1) for _ in range(g.randint(1, 4))]
    return tensors, g.choice(tensors).clone() if g.chance(0.6) else torch.full(shape, 99.0)


for name in ("index.list_Tensor", "count.Tensor"):
    CASES["aten::" + name] = lambda g: list(alike(g))
for name in ("eq.Tensor_list", "ne.Tensor_list"):
    CASES["aten::" + name] = lambda g: (lambda tensors, _: [tensors, [one.clone() for one in tensors]] if g.chance(0.5) else [tensors, tensors[1:]])(*alike(g))
CASES["aten::sorted.Tensor"] = lambda g: [[torch.tensor(g.uniform(-9, 9)) for _ in range(g.randint(0, 5))]]

LINEAR = {"aten::addmv_", "aten::linalg_multi_dot"}
