"""Example inputs: from their description in an import (an InputSpec) to values, and back."""

import math
from typing import Any, Optional

import torch

from .failures import Refusal

DTYPES = {
    name: getattr(torch, name)
    for name in (
        "float32",
        "float64",
        "float16",
        "bfloat16",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint8",
        "bool",
        "complex64",
    )
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def generator(seed: int = 0) -> torch.Generator:
    """A source of random numbers of its own, so that what a model's code draws does not change the inputs."""
    return torch.Generator().manual_seed(seed)


def make(spec: dict, source: torch.Generator) -> Any:
    """A value of the kind that `spec` describes, its numbers drawn from `source`."""
    kind = spec["kind"]
    if kind == "tensor":
        return _tensor(spec, source)
    if kind in ("tuple", "list"):
        items = [make(item, source) for item in spec["items"]]
        return tuple(items) if kind == "tuple" else items
    return {"int": int, "float": float, "bool": bool}[kind](spec["value"])


def spec_of(value: Any) -> Optional[dict]:
    """
    The InputSpec of a value, with `below` where whole numbers show how large they may be; None for what `input=` cannot
    say, such as a dict or a string.
    """
    if isinstance(value, torch.Tensor):
        if value.dtype not in NAMES:
            return None
        spec = {"kind": "tensor", "dtype": NAMES[value.dtype], "shape": list(value.shape)}
        if not (value.is_floating_point() or value.is_complex()) and value.dtype != torch.bool and value.numel() > 0:
            largest = int(value.max())
            if largest >= 2:
                spec["below"] = largest + 1
        return spec
    if isinstance(value, bool):
        return {"kind": "bool", "value": value}
    if isinstance(value, (int, float)):
        return {"kind": "int" if isinstance(value, int) else "float", "value": value}
    if type(value) in (tuple, list):
        items = [spec_of(item) for item in value]
        return None if None in items else {"kind": type(value).__name__, "items": items}
    return None


def text_of(spec: dict) -> str:
    """A spec as `input=` writes it: `1x3x224x224`, `int64[1x16]<1000`, `(int:10,bool:true)`."""
    kind = spec["kind"]
    if kind == "tensor":
        shape = "x".join(str(size) for size in spec["shape"])
        text = (
            shape if spec["dtype"] == "float32" and shape and "below" not in spec else "%s[%s]" % (spec["dtype"], shape)
        )
        return text + ("<%s" % _number(spec["below"]) if "below" in spec else "")
    if kind in ("tuple", "list"):
        return ("(%s)" if kind == "tuple" else "[%s]") % ",".join(text_of(item) for item in spec["items"])
    return "%s:%s" % (kind, str(spec["value"]).lower() if kind == "bool" else repr(spec["value"]))


def describe(value: Any) -> str:
    """
    A value as `input=` writes it, and in the same spirit where that has no words for it: `{mask: bool[4], name: str}`.
    """
    if type(value) in (tuple, list):
        return ("(%s)" if isinstance(value, tuple) else "[%s]") % ",".join(describe(item) for item in value)
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%s: %s" % (key, describe(item)) for key, item in value.items())
    spec = spec_of(value)
    if spec is not None:
        return text_of({key: part for key, part in spec.items() if key != "below"})
    if isinstance(value, torch.Tensor):
        return "%s[%s]" % (str(value.dtype).replace("torch.", ""), "x".join(str(size) for size in value.shape))
    return "None" if value is None else type(value).__name__


def _tensor(spec: dict, source: torch.Generator) -> torch.Tensor:
    dtype, shape, below = DTYPES[spec["dtype"]], spec["shape"], spec.get("below")
    if dtype.is_complex:
        return torch.rand(shape, generator=source, dtype=dtype)
    if dtype.is_floating_point:
        # Narrow types are drawn wide, as not every release has a narrow rand; a value that rounds up to the limit wraps
        # to 0.
        limit = 1.0 if below is None else float(below)
        values = (torch.rand(shape, generator=source, dtype=torch.float64) * limit).to(dtype)
        return values.masked_fill(values >= limit, 0.0)
    count = (256 if dtype == torch.uint8 else 2) if below is None else max(1, math.ceil(below))
    most = 2 if dtype == torch.bool else torch.iinfo(dtype).max + (dtype != torch.int64)
    if count > most:
        raise Refusal(
            "BAD_INPUT",
            "An input asks for %s values below %s, which the type cannot hold." % (spec["dtype"], _number(below)),
            fix="Give a limit of at most %d, or a wider type." % most,
        )
    return torch.randint(0, count, shape, generator=source, dtype=torch.int64).to(dtype)


def _number(value: Any) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)
