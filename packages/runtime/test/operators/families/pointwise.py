"""Math on each element: unary and binary operators, comparisons, bits, activations, clamps."""
import torch

from gen import FLOATS, INTS
from record import Call

CASES = {}


def both(name, generate, inplace=True):
    """An operator, and the one that writes into its first argument."""
    CASES["aten::" + name] = lambda g: generate(g, False)
    base, dot, overload = name.partition(".")
    if inplace:
        CASES["aten::" + base + "_" + dot + overload] = lambda g: generate(g, True)


def first(g, inplace, shape, dtype, low=-4.0, high=4.0, special=0.15):
    return g.tensor(shape, dtype, low, high, special, expand=not inplace)


# ---- unary

# Range of the inputs.
FLOAT_UNARY = {
    "exp": (-12, 12), "exp2": (-12, 12), "expm1": (-6, 6), "log": (-0.2, 50), "log2": (-0.2, 50), "log10": (-0.2, 50), "log1p": (-1.1, 20), "sin": (-25, 25),
    "cos": (-25, 25), "tan": (-7, 7), "asin": (-1.1, 1.1), "acos": (-1.1, 1.1), "atan": (-30, 30), "sinh": (-8, 8), "cosh": (-8, 8), "tanh": (-10, 10),
    "asinh": (-30, 30), "acosh": (0.8, 30), "atanh": (-1.1, 1.1), "erf": (-5, 5), "erfc": (-5, 5), "erfinv": (-1.1, 1.1), "sqrt": (-0.5, 50),
    "rsqrt": (-0.5, 50), "reciprocal": (-9, 9), "sigmoid": (-30, 30), "lgamma": (0.1, 30), "digamma": (0.1, 30), "sinc": (-4, 4), "deg2rad": (-400, 400),
    "rad2deg": (-7, 7), "i0": (-5, 5),
}
ANY_UNARY = {"abs": (-9, 9), "neg": (-9, 9), "sign": (-3, 3), "square": (-9, 9), "sgn": (-3, 3), "floor": (-9, 9), "ceil": (-9, 9), "round": (-9, 9),
             "trunc": (-9, 9), "fix": (-9, 9), "nan_to_num": (-9, 9), "negative": (-9, 9), "absolute": (-9, 9), "positive": (-9, 9)}
FLOAT_ONLY_UNARY = {"frac": (-9, 9)}


def unary(low, high, dtypes):
    def generate(g, inplace):
        dtype = g.dtype(*dtypes) if not inplace or g.chance(0.03) else g.dtype(*[one for one in dtypes if one in FLOATS])
        return [first(g, inplace, g.shape(), dtype, low, high)]
    return generate


def any_unary(low, high, dtypes):
    return lambda g, inplace: [first(g, inplace, g.shape(), g.dtype(*dtypes), low, high)]


ALL = (*FLOATS, *INTS, torch.bool)
for name, (low, high) in FLOAT_UNARY.items():
    both(name, unary(low, high, ALL))
for name, (low, high) in ANY_UNARY.items():
    both(name, any_unary(low, high, (*FLOATS, *INTS)), inplace=name != "positive")
for name, (low, high) in FLOAT_ONLY_UNARY.items():
    both(name, any_unary(low, high, FLOATS))
both("logical_not", any_unary(-2, 2, ALL))
both("bitwise_not", any_unary(-99, 99, (*INTS, torch.bool)))
both("round.decimals", lambda g, inplace: [first(g, inplace, g.shape(), g.real(), -9, 9, 0), g.randint(-1, 3)])
both("nan_to_num", lambda g, inplace: [first(g, inplace, g.shape(), g.dtype(*FLOATS, torch.int64), special=0.8), g.maybe(1.5), g.maybe(7.0), g.maybe(-2.25)])
both("logit", lambda g, inplace: [first(g, inplace, g.shape(), g.real(), -0.05, 1.05), g.maybe(lambda: g.choice((1e-6, 0.1, 0.4)))])
for name in ("isnan", "isinf", "isfinite", "isneginf", "isposinf", "signbit"):
    both(name, lambda g, _: [first(g, False, g.shape(), g.dtype(), special=0.7)], inplace=False)

# ---- activations

ACTIVATIONS = {
    "relu": (), "relu6": (), "silu": (), "mish": (), "hardsigmoid": (), "hardswish": (), "selu": (),
    "leaky_relu": (lambda g: g.choice((0.01, 0.2, 0, 1, -0.5)),),
    "elu": (lambda g: g.choice((1, 0.5, 1.7)), lambda g: g.choice((1, 1.5)), lambda g: g.choice((1, 0.7))),
    "celu": (lambda g: g.choice((1.0, 0.5, 2, 1.3)),),
    "hardtanh": (lambda g: g.choice((-1, -2.5, 0)), lambda g: g.choice((1, 2.5, 6))),
    "gelu": (lambda g: g.choice(("none", "tanh")),),
}
OUT_OF_PLACE = {
    "softplus": (lambda g: g.choice((1, 0.5, 3)), lambda g: g.choice((20, 4, 1.5))),
    "softshrink": (lambda g: g.choice((0.5, 1, 0)),),
    "hardshrink": (lambda g: g.choice((0.5, 1, 0)),),
    "log_sigmoid": (),
}


def activation(extra, integers=False, special=0.15):
    def generate(g, inplace):
        dtypes = (*FLOATS, torch.int64, torch.int32) if integers else FLOATS
        args = [first(g, inplace, g.shape(), g.dtype(*dtypes), *g.choice(((-8, 8), (-4, 4), (-1, 1), (-40, 40))), special)]
        for make in extra:
            if g.chance(0.25):
                break
            args.append(make(g))
        return args
    return generate


for name, extra in ACTIVATIONS.items():
    both(name, activation(extra, name in ("relu", "relu6", "hardtanh"), 0 if name == "gelu" else 0.15))
for name, extra in OUT_OF_PLACE.items():
    both(name, activation(extra, special=0), inplace=False)  # releases differ in what becomes of NaN
# Releases round the threshold of float16 differently.
both("threshold", lambda g, inplace: [first(g, inplace, g.shape(), g.dtype(torch.float32, torch.float64, torch.int64)), g.scalar(-2, 2), g.scalar(-9, 9)])
both("glu", lambda g, _: (lambda shape, dim: [g.tensor([size * 2 if i == dim % len(shape) else size for i, size in enumerate(shape)], g.real()), dim])(
    *(lambda shape: (shape, g.randrange(-len(shape), len(shape))))(g.shape(1))), inplace=False)


def prelu(g, _):
    shape = g.shape(1)
    count = 1 if len(shape) < 2 or g.chance(0.4) else shape[1]
    dtype = g.real()
    return [g.tensor(shape, dtype), g.tensor([count], dtype, -1, 1)]


both("prelu", prelu, inplace=False)
CASES["aten::_prelu_kernel"] = lambda g: (lambda shapes: [g.tensor(shapes[0]), g.tensor(shapes[1])])(g.broadcast(wrong=0))


def dropout(g, inplace):
    return [first(g, inplace, g.shape(), g.floating()), g.choice((0.0, 0.5, 0.1)), False]


for name in ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"):
    both(name, dropout)

# ---- binary

KINDS = ("int", "float", "float", "bool")


def operands(g, inplace, dtypes=None, low=-4.0, high=4.0, special=0.12, zero=True, same=0.5):
    """Two tensors that broadcast; of equal element types every other time."""
    dtypes = dtypes or (*FLOATS, *INTS, torch.bool)
    shapes = g.broadcast()
    if inplace and g.chance(0.97):
        shapes[0] = list(torch.broadcast_shapes(*shapes)) if fits(shapes) else shapes[0]
    one = g.dtype(*dtypes)
    other = one if g.chance(same) else g.dtype(*dtypes)
    a = first(g, inplace, shapes[0], one, low, high, special)
    b = first(g, False, shapes[1], other, low, high, special)
    if not zero and not other.is_floating_point:
        b = b + (b == 0).to(b.dtype)
    return [a, a if g.chance(0.03) else b]


def fits(shapes):
    try:
        torch.broadcast_shapes(*shapes)
    except RuntimeError:
        return False
    return True


def with_scalar(g, inplace, dtypes=None, low=-4, high=4, kinds=KINDS, zero=True, special=0.12):
    tensor = first(g, inplace, g.shape(), g.dtype(*(dtypes or (*FLOATS, *INTS, torch.bool))), low, high, special)
    scalar = g.scalar(low, high, kinds)
    return [tensor, scalar if zero or scalar != 0 else 2]


for name in ("add", "sub", "subtract", "rsub"):
    def alpha(g, make):
        args = make
        if g.chance(0.3):
            args.append(g.choice((1, 2, -1, 0.5)) if all(not isinstance(one, torch.Tensor) or one.is_floating_point() for one in args) else g.choice((1, 2, 3)))
        return args
    both(name + ".Tensor", lambda g, inplace: alpha(g, operands(g, inplace)), inplace=name != "rsub")
    both(name + ".Scalar", lambda g, inplace: alpha(g, with_scalar(g, inplace)), inplace=name != "rsub")
for name in ("mul", "multiply"):
    both(name + ".Tensor", operands)
    both(name + ".Scalar", with_scalar)
for name in ("div", "divide", "true_divide"):
    both(name + ".Tensor", operands)
    both(name + ".Scalar", with_scalar)
    if name != "true_divide":
        both(name + ".Tensor_mode", lambda g, inplace: [*operands(g, inplace, zero=g.chance(0.05)), g.choice((None, "trunc", "floor"))])
        both(name + ".Scalar_mode", lambda g, inplace: [*with_scalar(g, inplace, zero=g.chance(0.05)), g.choice((None, "trunc", "floor"))])
NUMBERS = (*FLOATS, *INTS)
CASES["aten::floor_divide"] = lambda g: operands(g, False, NUMBERS, -9, 9, zero=g.chance(0.05))
CASES["aten::floor_divide_.Tensor"] = lambda g: operands(g, True, NUMBERS, -9, 9, zero=g.chance(0.05))
both("floor_divide.Scalar", lambda g, inplace: with_scalar(g, inplace, NUMBERS, -9, 9, ("int", "float"), zero=g.chance(0.05)))
for name in ("fmod", "remainder"):
    both(name + ".Tensor", lambda g, inplace: operands(g, inplace, NUMBERS, -9, 9, zero=g.chance(0.05)))
    both(name + ".Scalar", lambda g, inplace: with_scalar(g, inplace, NUMBERS, -9, 9, ("int", "float"), zero=g.chance(0.05)))
both("remainder.Scalar_Tensor", lambda g, _: [g.scalar(-9, 9), operands(g, False, NUMBERS, -9, 9, zero=False)[1]], inplace=False)
for name in ("maximum", "minimum", "max.other", "min.other"):
    both(name, lambda g, _: operands(g, False, special=0.4), inplace=False)
for name in ("fmax", "fmin"):
    both(name, lambda g, _: operands(g, False, special=0.4), inplace=False)
for name in ("atan2", "arctan2", "hypot", "copysign.Tensor"):
    both(name, lambda g, inplace: operands(g, inplace, FLOATS if inplace else (*FLOATS, torch.int64)))
both("copysign.Scalar", lambda g, inplace: with_scalar(g, inplace, FLOATS))
both("xlogy.Tensor", lambda g, inplace: operands(g, inplace, FLOATS, -0.5, 9))
both("logaddexp", lambda g, _: operands(g, False, (torch.float32, torch.float64), -20, 20), inplace=False)
both("heaviside", lambda g, inplace: operands(g, inplace, (torch.float32,), -2, 2, same=1))

# ---- powers


def power(g, inplace):
    integers = g.chance(0.25)
    dtypes = INTS if integers else FLOATS if inplace else (*FLOATS, torch.int64)
    args = operands(g, inplace, dtypes, *((0, 5) if integers else (-3, 3) if g.chance(0.4) else (0.1, 4)))
    return args


def power_scalar(g, inplace):
    dtype = g.dtype(*FLOATS, *(() if inplace else INTS))
    whole = g.choice((0, 1, 2, 3, 4, 5)) if g.chance(0.9) or dtype in FLOATS else -1
    return [first(g, inplace, g.shape(), dtype, *((-4, 4) if g.chance(0.6) else (0.05, 9))), whole if g.chance(0.5) else g.choice((2.0, 0.5, -0.5, -1.0, -2.0, 3.0, 1.7, -2, 0.0))]


CASES["aten::pow.Tensor_Tensor"] = lambda g: power(g, False)
CASES["aten::pow_.Tensor"] = lambda g: power(g, True)
CASES["aten::pow.Tensor_Scalar"] = lambda g: power_scalar(g, False)
CASES["aten::pow_.Scalar"] = lambda g: power_scalar(g, True)
CASES["aten::pow.Scalar"] = lambda g: [g.choice((2, 0.5, 3, 1, 1.0, 10.0, 0.1)), g.tensor(None, g.dtype(*FLOATS, torch.int64), 0, 4)]
CASES["aten::float_power.Tensor_Scalar"] = lambda g: power_scalar(g, False)

# ---- bits

BITS = (*INTS, torch.bool)
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    both(name + ".Tensor", lambda g, inplace: operands(g, inplace, BITS, -99, 99))
    both(name + ".Scalar", lambda g, inplace: with_scalar(g, inplace, BITS, -99, 99, ("int", "bool")))
    both(name + ".Scalar_Tensor", lambda g, _: with_scalar(g, False, BITS, -99, 99, ("int", "bool"))[::-1], inplace=False)
for name in ("__and__", "__or__", "__xor__", "__iand__", "__ior__", "__ixor__"):
    inplace = name.startswith("__i")
    both(name + ".Tensor", lambda g, _, inplace=inplace: operands(g, inplace, BITS, -99, 99), inplace=False)
    both(name + ".Scalar", lambda g, _, inplace=inplace: with_scalar(g, inplace, BITS, -99, 99, ("int", "bool")), inplace=False)


def shift(g, inplace):
    dtype, shapes = g.integral(), g.broadcast(wrong=0)
    if inplace:
        shapes[0] = list(torch.broadcast_shapes(*shapes))
    return [first(g, inplace, shapes[0], dtype, -99 if dtype is not torch.int8 else -3, 99 if dtype is not torch.int8 else 3), g.tensor(shapes[1], dtype, 0, 5)]


def shift_scalar(g, inplace):
    return [first(g, inplace, g.shape(), g.dtype(torch.int64, torch.int32, torch.uint8), -99, 99), g.randint(0, 6)]


for name in ("bitwise_left_shift", "bitwise_right_shift"):
    both(name + ".Tensor", shift)
    both(name + ".Tensor_Scalar", shift_scalar)
for name in ("__lshift__", "__rshift__", "__ilshift__", "__irshift__"):
    inplace = name.startswith("__i")
    both(name + ".Tensor", lambda g, _, inplace=inplace: shift(g, inplace), inplace=False)
    both(name + ".Scalar", lambda g, _, inplace=inplace: shift_scalar(g, inplace), inplace=False)
for name in ("logical_and", "logical_or", "logical_xor"):
    both(name, lambda g, inplace: operands(g, inplace, low=-1, high=1, special=0.3))

# ---- comparisons

for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    both(name + ".Tensor", lambda g, inplace: operands(g, inplace, low=-2, high=2, special=0.3))
    both(name + ".Scalar", lambda g, inplace: with_scalar(g, inplace, low=-2, high=2, special=0.3))
for alias in ("greater", "less", "not_equal", "greater_equal", "less_equal"):
    both(alias + ".Tensor", lambda g, inplace: operands(g, inplace, low=-2, high=2), inplace=False)
    both(alias + ".Scalar", lambda g, inplace: with_scalar(g, inplace, low=-2, high=2), inplace=False)
both("equal", lambda g, _: (lambda a: [a, a.clone() if g.chance(0.5) else g.tensor(a.shape, a.dtype, 0, 1)])(g.tensor(g.shape(0, 2), g.dtype(torch.float32, torch.int64), 0, 1)), inplace=False)
for name in ("isclose", "allclose"):
    def close(g, _):
        shapes = g.broadcast(wrong=0)
        a = g.tensor(shapes[0], g.real(), special=0.3)
        b = a + g.choice((0, 1e-9, 1e-3)) if g.chance(0.6) else g.tensor(shapes[1], a.dtype)
        return [a, b, g.choice((1e-5, 1e-2)), g.choice((1e-8, 1e-4)), a.shape == b.shape and g.chance(0.5)]
    both(name, close, inplace=False)

# ---- three operands


def clamp(g, inplace):
    dtype = g.dtype(*FLOATS, *(one for one in INTS if one is not torch.uint8))
    kinds = ("int", "float") if dtype.is_floating_point or not inplace else ("int",)
    low, high = g.scalar(-3, 1, kinds), g.scalar(-1, 3, kinds)
    choice = g.random()
    return [first(g, inplace, g.shape(), dtype), *([low, high] if choice < 0.5 else [low] if choice < 0.7 else [low, None] if choice < 0.75 else [None, high])]


def clamp_tensors(g, inplace):
    shapes, dtype = g.broadcast(count=3), g.number()
    if inplace:
        shapes[0] = list(torch.broadcast_shapes(*shapes)) if fits(shapes) else shapes[0]
    low = g.tensor(shapes[1], dtype, -3, 1, 0.1)
    high = g.tensor(shapes[2], dtype, -1, 3, 0.1)
    return [first(g, inplace, shapes[0], dtype), *g.choice(([low, high], [low, None], [None, high]))]


for name in ("clamp", "clip"):
    both(name, clamp)
    both(name + ".Tensor", clamp_tensors)
for name in ("clamp_min", "clamp_max"):
    both(name, lambda g, inplace: with_scalar(g, inplace, (torch.float32, torch.float64), -3, 3, ("int", "float")) if g.chance(0.7)
         else with_scalar(g, inplace, (*FLOATS, *INTS), -3, 3, ("int", "float") if not inplace else ("int",)))
    both(name + ".Tensor", lambda g, inplace: operands(g, inplace, (*FLOATS, *INTS), same=1, special=0.3))


def three(g, inplace, dtypes=(torch.float32, torch.float64, torch.int64), positive=False):
    shapes, dtype = g.broadcast(count=3), g.dtype(*dtypes)
    if inplace:
        shapes[0] = list(torch.broadcast_shapes(*shapes)) if fits(shapes) else shapes[0]
    return [first(g, inplace, shapes[0], dtype), g.tensor(shapes[1], dtype), g.tensor(shapes[2], dtype, 0.3 if positive else -4, 4)]


def value_of(g, args):
    return args + ([] if g.chance(0.4) else [g.choice((2, 3, -1)) if not args[0].is_floating_point() else g.choice((0.5, 2, -1.5))])


both("addcmul", lambda g, inplace: value_of(g, three(g, inplace)))
both("addcdiv", lambda g, inplace: value_of(g, three(g, inplace, (torch.float32, torch.float64), True)))
both("lerp.Tensor", lambda g, inplace: three(g, inplace, (torch.float32, torch.float64)))
both("lerp.Scalar", lambda g, inplace: [*operands(g, inplace, (g.real(),), same=1), g.scalar(-1, 2)])


def where(g, a, b):
    shapes = g.broadcast(count=3)
    dtypes = (*FLOATS, torch.int64, torch.int32, torch.uint8, torch.bool)
    one = g.dtype(*dtypes)
    return [g.tensor(shapes[0], torch.bool), g.tensor(shapes[1], one, special=0.2) if a else g.scalar(),
            g.tensor(shapes[2], one if g.chance(0.7) or not a else g.dtype(*dtypes)) if b else g.scalar()]


CASES["aten::where.self"] = lambda g: where(g, True, True)
CASES["aten::where.ScalarSelf"] = lambda g: where(g, False, True)
CASES["aten::where.ScalarOther"] = lambda g: where(g, True, False)
CASES["aten::where.Scalar"] = lambda g: where(g, False, False)
CASES["aten::where"] = lambda g: [g.tensor(None, g.dtype(torch.bool, torch.float32, torch.int64), -1, 1)]


def add_relu(g, inplace):
    args = operands(g, inplace, (torch.float32,), same=1, special=0)
    return args + ([g.choice((1, 2, 0.5))] if g.chance(0.3) else [])


both("_add_relu.Tensor", add_relu)
both("_add_relu.Scalar", lambda g, inplace: [first(g, inplace, g.shape(), torch.float32, special=0), g.scalar()])


def masked_fill(g, inplace, value):
    shapes = g.broadcast()
    if inplace:
        shapes[0] = list(torch.broadcast_shapes(*shapes)) if fits(shapes) else shapes[0]
    dtype = g.dtype()
    return [first(g, inplace, shapes[0], dtype), g.tensor(shapes[1], torch.bool), value(dtype)]


both("masked_fill.Scalar", lambda g, inplace: masked_fill(g, inplace, lambda dtype: g.choice((0, 1, True)) if not dtype.is_floating_point else g.choice(
    (0, -1.5, float("-inf"), float("nan"), 2, True, -1e4))))
both("masked_fill.Tensor", lambda g, inplace: masked_fill(g, inplace, lambda dtype: g.tensor([], dtype if g.chance(0.8) else torch.int64)))
