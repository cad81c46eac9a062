"""Numbers, strings, lists and dicts of TorchScript: arguments follow from the schema's types."""
import torch

from record import Call, Typed, ir_type, schema_of

CASES = {}

# ---- values by type

WORDS = ("", "a", "b", "ab", "abc", "aab", "Hello World", "hello", "x y  z", " padded ", "\ttab\n", "one,two,,three", "123", "-4.5", "a_b1", "UPPER", "Title Case", "a\nb\r\nc", "aaaa", ",", "%", "0")
INFINITE = (float("nan"), float("inf"), float("-inf"))


def an_int(g):
    return g.randint(-2 ** 62, 2 ** 62) if g.chance(0.08) else g.randint(-12, 12)


def a_float(g):
    return g.choice(INFINITE) if g.chance(0.06) else g.choice((0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 1e-7, 1e16, 1e22, 123456.789)) if g.chance(0.2) else g.uniform(-9, 9)


def a_str(g):
    return g.choice(WORDS) if g.chance(0.7) else "".join(g.choice("ab ,.xyZ1_") for _ in range(g.randint(0, 9)))


MAKE = {"int": an_int, "float": a_float, "str": a_str, "bool": lambda g: g.chance(0.5), "Scalar": lambda g: an_int(g) if g.chance(0.5) else a_float(g), "Device": lambda g: torch.device("cpu")}
# Keys and items come from few values, so that they are found now and then.
FEW = {"int": lambda g: g.randint(-2, 3), "float": lambda g: g.choice((0.5, 1.0, -2.0, 3.25)), "str": lambda g: g.choice(("a", "b", "c", "key", "")), "bool": lambda g: g.chance(0.5)}


def value(g, type, few=False):
    if type.endswith("?"):
        return g.maybe(lambda: value(g, type[:-1], few), 0.6)
    if type.endswith("[]"):
        return [value(g, type[:-2], True) for _ in range(g.choice((0, 1, 2, 3, 4, 7)))]
    if type.startswith("Dict("):
        key, item = type[5:-1].split(", ", 1)
        return {FEW[key](g): value(g, item) for _ in range(g.randint(0, 4))}
    if type.startswith("("):
        return tuple(value(g, one, few) for one in type[1:-1].split(", "))
    return (FEW if few and type in FEW else MAKE)[type](g)


def bound(g, type, variable):
    return variable if type in ("t", "tVal") else type.replace("t[]", variable + "[]") if type == "t[]" else type.replace(" t)", " " + variable + ")").replace(" tVal)", " " + variable + ")") if type[0] in "D(" else type


def by_schema(name, ranges=None, few=False, shorten=0.3):
    """Arguments of the schema's types; numbers from `ranges`, by position, where only these make sense."""
    def generate(g):
        schema = schema_of(name)
        variable = g.choice(("int", "int", "float", "str", "bool", "int[]"))
        args = []
        keyed = any(ir_type(one.type).startswith("Dict") for one in schema.arguments)
        for i, formal in enumerate(schema.arguments):
            if formal.has_default_value() and g.chance(shorten):
                break
            type = bound(g, ir_type(formal.type), variable)
            if ranges and i < len(ranges) and ranges[i] is not None:
                made = ranges[i](g) if callable(ranges[i]) else g.choice(ranges[i]) if isinstance(ranges[i], (list, str)) else number(g, type, *ranges[i])
            else:
                made = value(g, type, few or keyed and i == 1)
            args.append(Typed(made, type) if isinstance(made, (list, dict, tuple)) or type.endswith("?") else made)
        return args
    return generate


def number(g, type, low, high):
    if type.startswith("int") or type == "Scalar" and g.chance(0.4):
        return g.randint(int(low), int(high))
    return g.choice(INFINITE) if g.chance(0.05) else g.uniform(low, high)


def add(names, ranges=None, **options):
    for name in names.split():
        name = name if "::" in name else "aten::" + name
        CASES[name] = by_schema(name, ranges, **options)


def spread(names, overloads):
    """`add` and `int float` give add.int and add.float; `-` stands for no overload."""
    return " ".join(name if overload == "-" else name + "." + overload for name in names.split() for overload in overloads.split())


# ---- numbers

UNARY = "int float Scalar"
BINARY = "int float int_float float_int -"
add(spread("neg fabs", UNARY))
add(spread("prim::abs", UNARY))
add(spread("floor ceil round", UNARY), [(-1e6, 1e6)])
add(spread("sqrt log", UNARY), [(-1, 1e6)])
add(spread("log10 log1p lgamma", UNARY), [(-3, 50)])
add(spread("exp expm1 sinh cosh", UNARY), [(-20, 20)])
add(spread("sin cos tan atan asinh radians degrees angle tanh", UNARY), [(-40, 40)])
add(spread("asin acos atanh", UNARY), [(-1.2, 1.2)])
add(spread("acosh gamma", UNARY), [(0, 15)])
add(spread("erf erfc", UNARY), [(-4, 4)])
add(spread("add sub mul eq ne lt le gt ge", BINARY))
add(spread("prim::min prim::max", BINARY))
add("div div.int div.float " + spread("floordiv remainder fmod", BINARY) + " " + spread("divmod", "int float int_float float_int"))
add(spread("mathremainder copysign", BINARY))
# Division of an int by 0 ends some releases of PyTorch.
add("remainder.int __round_to_zero_floordiv.int", [None, lambda g: g.choice((1, 2, 3, 5, 7, -1, -2, -3, -10))])
add("gcd.int")
add("atan2.int atan2.float atan2.int_float atan2.float_int atan2.Scalar_Scalar", [(-9, 9), (-9, 9)])
add("log.int_int log.float_float log.int_float log.float_int log.Scalar_Scalar", [(1, 1000), (2, 20)])
add("pow.int pow.float pow.int_float pow.float_int pow.Scalar_Scalar", [(2, 9), (-3, 9)])
add("factorial.int", [(0, 15)])
add("ldexp frexp modf", [None, (-20, 20)])
add("isnan.float isinf.float isfinite.float")
add("__lshift__.int __rshift__.int", [(-999, 999), (0, 30)])
add("__and__.int __or__.int __xor__.int __and__.bool __or__.bool __xor__.bool __not__ eq.bool ne.bool")
add("Bool.int Bool.float Float.bool Int.bool")
add("Float.int", [(-9e6, 9e6)])  # by way of float32
add("Int.float Int.Scalar Float.Scalar", [lambda g: g.uniform(-1e6, 1e6) if g.chance(0.6) else an_int(g) * 1.0 if abs(an_int(g)) < 1e6 else 3.0])
CASES["aten::Int.Scalar"] = CASES["aten::Float.Scalar"] = lambda g: [g.randint(-10 ** 6, 10 ** 6) if g.chance(0.5) else g.uniform(-1e6, 1e6)]
add("Int.str", [["1", "-5", "0", "123456789", "+7", "x", "", "12a", " 3"]])
add("Float.str", [["1", "-5.5", "0.1", "1e5", "1e-3", "inf", "-inf", "nan", ".5", "x", ""]])
add("hex oct bin")
add("chr", [(0, 120)])
add("ord", [list("aZ0 ~") + ["ab"]])
add("__range_length", [(-20, 20), (-20, 20), (-4, 4)])
add("__derive_index", [(0, 30), (-20, 20), (-4, 4)])
add("eq.device ne.device")
add("device", [["cpu", "cpu:0"]])
CASES["prim::type"] = lambda g: [torch.device("cpu")]

# ---- strings

add("add.str eq.str ne.str lt.str le.str gt.str ge.str upper lower capitalize title swapcase len.str list")
add("isalnum isalpha isdigit isdecimal isnumeric isspace islower isupper istitle isidentifier isprintable")
PART = ["a", "b", "ab", "", " ", "l", ",", "World", "x"]
add("find rfind index.str rindex startswith endswith", [None, PART, (-6, 9), (-6, 12)])
add("count", [None, [part for part in PART if part], (-6, 9), (-6, 12)])  # PyTorch counts an empty string for ever
add("replace", [None, [part for part in PART if part], ["", "#", "ab", "aa"], (-1, 3)])
add("split.str", [None, lambda g: g.choice((None, " ", ",", "a", "ab", "  ")), (-1, 3)])
add("rsplit", [None, [" ", ",", "a", "ab"], (-1, 3)])
add("partition rpartition", [None, ["a", " ", ",", "ab"]])
add("strip lstrip rstrip", [None, [" ", "a", "ab", " \n\t", ""]])
add("join", [[",", "", " ", "--"], lambda g: [a_str(g) for _ in range(g.randint(0, 4))]])
add("splitlines")
add("expandtabs", [None, (0, 9)])
add("zfill", [None, (0, 12)])
add("ljust rjust center", [None, (0, 14), ["*", " ", "0"]])
add("__getitem__.str prim::StringIndex", [None, (-6, 6)])
add("slice.str", [None, lambda g: g.maybe(lambda: g.randint(-9, 9)), lambda g: g.maybe(lambda: g.randint(-9, 9)), [1, 1, 1, 2, 3, -1, -2]])


def any_value(g):
    kind = g.choice(("int", "float", "float", "bool", "str", "int[]", "float[]", "str[]", "None", "Tensor", "Dict(str, int)", "bool[]", "(int, float)"))
    if kind == "None":
        return None
    if kind == "Tensor":
        return g.tensor(g.shape(1, 2, limit=30), g.dtype(torch.float32, torch.int64, torch.bool), *g.choice(((-4, 4), (-400, 400))))
    made = value(g, kind)
    return Typed(made, kind) if isinstance(made, (list, dict, tuple)) else made


CASES["aten::str"] = lambda g: [any_value(g)]


def formatted(g):
    values = [any_value(g) for _ in range(g.randint(0, 3))]
    text = "".join(g.choice(("", "a", " x=", ", ")) + "{}" for _ in values) + g.choice(("", "!", " end"))
    return [text + ("{}" if g.chance(0.03) else ""), *values]


def percent(g):
    kinds = [g.choice(("d", "s", "f", "i", "%")) for _ in range(g.randint(0, 3))]
    made = {"d": an_int, "i": an_int, "s": a_str, "f": lambda g: g.uniform(-9, 9)}
    values = [made[kind](g) for kind in kinds if kind in made]
    return [" ".join("%" + kind for kind in kinds), *values]


CASES["aten::format"] = formatted
CASES["aten::percentFormat"] = percent

# ---- lists

add("add.t add_.t len.t list.t copy.t extend.t append.t reverse.t clear.t")
add("insert.t", [None, (-5, 6)])
add("pop.t __getitem__.t select.t Delete.t _set_item.t", [None, (-4, 4)])
add("slice.t", [None, lambda g: g.maybe(lambda: g.randint(-9, 9)), lambda g: g.maybe(lambda: g.randint(-9, 9)), [1, 1, 1, 2, 3]])
add("mul.left_t mul_.t", [None, (-1, 3)])
add("mul.right_", [(-1, 3)])
KINDS = "int float bool str"
add(spread("remove count", KINDS), few=True)
add("index.list_int index.list_float index.list_bool index.list_str __contains__.int_list __contains__.float_list __contains__.str_list", few=True)
add(spread("sort sorted", KINDS))
add("sum.int sum.float sum.bool " + spread("any all", "int float bool") + " any.str")
add(spread("eq ne", "int_list float_list bool_list str_list"))
add(spread("prim::min prim::max", "int_list float_list bool_list self_int self_float self_bool"))
add("prim::rangelist", [(-1, 9)])
add("_infer_size prim::infer_squeeze_size _size_if_not_equal Size")
add("__is__ __isnot__ _unwrap_optional prim::unchecked_unwrap_optional")
CASES["prim::unchecked_cast"] = lambda g: [any_value(g)]
CASES["aten::sort.any"] = CASES["aten::sorted.any"] = lambda g: [Typed([(g.randint(0, 3), a_str(g)) for _ in range(g.randint(0, 5))], "(int, str)[]")]


def same(g, wrapped=False):
    made = g.choice((None, an_int(g), 1.5, True))
    return [made, None if g.chance(0.5) else made]


CASES["aten::__is__"] = CASES["aten::__isnot__"] = same
CASES["aten::_unwrap_optional"] = CASES["prim::unchecked_unwrap_optional"] = lambda g: [Typed(g.maybe(lambda: an_int(g), 0.8), "int?")]


def tensor_list(g):
    return [g.tensor(g.shape(0, 2, limit=20)) for _ in range(g.randint(1, 4))]


# ---- dicts

DICTS = "str int float bool"
add(spread("keys values items clear popitem", DICTS))
add(spread("len copy __getitem__ __delitem__ Delete", "Dict_str Dict_int Dict_float Dict_bool"))
add(spread("get setdefault update __contains__ _set_item dict", DICTS))
add(spread("get", "default_str default_int default_float default_bool"))
add(spread("pop", "Dict_str Dict_int Dict_float Dict_bool Dict_default_str Dict_default_int Dict_default_float Dict_default_bool"))
add(spread("dict", "Dict_str Dict_int Dict_float Dict_bool"))
CASES.pop("aten::__delitem__.Dict_str"), CASES.pop("aten::__delitem__.Dict_int"), CASES.pop("aten::__delitem__.Dict_float"), CASES.pop("aten::__delitem__.Dict_bool")
CASES["aten::dict"] = lambda g: []
