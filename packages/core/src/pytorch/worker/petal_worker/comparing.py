"""How far the output of a converted model is from that of the model itself."""
import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Iterator, List, Tuple, Union

import torch

# Largest error that rounding explains, relative to the tensor's largest magnitude: another order of the same sums, not another model.
TOLERANCES = {torch.float64: 1e-7, torch.complex128: 1e-7, torch.float16: 2e-2, torch.bfloat16: 1e-1}
TOLERANCE = 1e-4

Mismatch = str


def difference(expected: Any, actual: Any) -> Union[float, Mismatch]:
    """
    The largest error of `actual`, relative to the largest magnitude of the same tensor in `expected` and divided by what its dtype
    tolerates: 1 and less is rounding. A sentence instead where the two are not of the same structure, dtypes and shapes.
    """
    worst = 0.0
    for name, left, right in _pairs("the output", expected, actual):
        if isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor):
            if left.dtype != right.dtype:
                return "%s is %s instead of %s" % (name, _dtype(right), _dtype(left))
            if left.shape != right.shape:
                return "%s has the shape %s instead of %s" % (name, _shape(right), _shape(left))
            worst = max(worst, relative_error(left, right) / TOLERANCES.get(left.dtype, TOLERANCE))
        elif isinstance(left, Exception):
            return str(left)
        elif not _same(left, right):
            return "%s is %s instead of %s" % (name, _value(right), _value(left))
    return worst


def largest_error(expected: Any, actual: Any) -> float:
    """The largest relative error over all tensors, of two outputs of the same structure."""
    pairs = [pair for pair in _pairs("", expected, actual) if isinstance(pair[1], torch.Tensor)]
    return max([relative_error(left, right) for _, left, right in pairs], default=0.0)


def relative_error(expected: torch.Tensor, actual: torch.Tensor) -> float:
    """Largest difference relative to the largest finite magnitude of `expected`; infinite where NaN or infinities are at other places."""
    left, right = _wide(expected), _wide(actual)
    if left.numel() == 0:
        return 0.0
    finite = torch.isfinite(left)
    if not torch.equal(finite, torch.isfinite(right)):
        return math.inf
    odd = left[~finite]
    if odd.numel() > 0 and not torch.equal(torch.nan_to_num(odd, nan=0.5), torch.nan_to_num(right[~finite], nan=0.5)):
        return math.inf
    left, right = left[finite], right[finite]
    if left.numel() == 0:
        return 0.0
    return float((left - right).abs().max()) / (float(left.abs().max()) or 1.0)


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    return torch.view_as_real(tensor.to(torch.complex128)) if tensor.is_complex() else tensor.to(torch.float64)


def _pairs(name: str, expected: Any, actual: Any) -> Iterator[Tuple[str, Any, Any]]:
    """The leaves of two outputs side by side, each with its name; where their structures part, an exception that says so."""
    left, right = _parts(expected), _parts(actual)
    if left is None and right is None:
        yield name, expected, actual
    elif left is None or right is None:
        yield name, ValueError("%s is %s instead of %s" % (name, _value(actual), _value(expected))), None
    elif [key for key, _ in left] != [key for key, _ in right]:
        yield name, ValueError("%s has the parts %s instead of %s" % (name, _keys(right), _keys(left))), None
    else:
        for (key, one), (_, other) in zip(left, right):
            yield from _pairs("%s[%r]" % (name, key), one, other)


def _parts(value: Any) -> Union[List[Tuple[Any, Any]], None]:
    """What a container holds, by key; None for a leaf. Tuples, lists and named tuples are alike, as a trace does not tell them apart."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, (tuple, list)):
        return list(enumerate(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    return None


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-6) or (math.isnan(left) and math.isnan(right))
    return type(left) is type(right) and bool(left == right)


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).replace("torch.", "")


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(str(size) for size in tensor.shape) or "of a scalar"


def _keys(parts: List[Tuple[Any, Any]]) -> str:
    return ", ".join(str(key) for key, _ in parts) or "none"


def _value(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return "a %s tensor" % _dtype(value)
    return repr(value) if value is None or isinstance(value, (bool, int, float, str)) else "a %s" % type(value).__name__
