"""Other inputs than the example's, on which a trace must do what the model does."""
from typing import Callable, Iterator, List, NamedTuple, Optional, Tuple

import torch

from .inputs import describe, generator
from .loaded import Call
from .running import mapped, tensors


class Variant(NamedTuple):
    """One call to compare on."""

    name: str
    """`negated`, `batch of 2: 2x3x64x64`."""
    call: Call
    asked: str = ""
    """Who named it, if the user did: `check=` or `example inputs`. Then the model must take it."""
    times: int = 1
    """How often it is made before outputs are compared: what a call leaves behind shows in the next."""


SCALES = (("negated", -1.0), ("10 times as large", 10.0), ("-10 times as large", -10.0), ("-0.1 times as large", -0.1))


def variants(call: Call, specs: Optional[List[dict]] = None) -> Iterator[Variant]:
    """
    Other values of the same shapes, then other batches. `specs` are the InputSpecs of `call.args`, where the import gave them: their
    ranges are kept to, as they say what the model is for; otherwise values of any sign and size, and whole numbers among those seen.
    """
    source = generator(1)
    ranges = _ranges(call, specs)
    yield Variant("fresh random values", _each(call, ranges, lambda tensor, limits: _fresh(tensor, limits, source)))
    if any(_free(tensor, limits) for tensor, limits in zip(tensors(call), ranges)):
        for name, factor in SCALES:
            yield Variant(name, _each(call, ranges, lambda tensor, limits: tensor * factor if _free(tensor, limits) else tensor))
    bounded = [limits for tensor, limits in zip(tensors(call), ranges) if limits is not None and tensor.numel() > 0]
    if any(high > low for low, high in bounded):
        for name, end in (("lowest values", 0), ("highest values", 1)):
            fill: Callable = lambda tensor, limits: tensor if limits is None else torch.full_like(tensor, limits[end])
            yield Variant(name, _each(call, ranges, fill))
    if any(tensor.dtype == torch.bool and bool(tensor.any()) for tensor in tensors(call)):
        cleared: Callable = lambda tensor, limits: torch.zeros_like(tensor) if tensor.dtype == torch.bool else tensor
        yield Variant("all booleans false", _each(call, ranges, cleared))
    yield from _batches(call, ranges, source)


def _batches(call: Call, ranges: List, source: torch.Generator) -> Iterator[Variant]:
    batched = [tensor for tensor in tensors(call) if tensor.dim() > 0]
    count = batched[0].shape[0] if batched else 0
    if count == 0:
        return
    for other in (2, 3) if count == 1 else (1, count + 1):
        rows = torch.arange(other) % count

        def resize(tensor: torch.Tensor, limits: Optional[Tuple]) -> torch.Tensor:
            return _fresh(tensor[rows], limits, source) if tensor.dim() > 0 and tensor.shape[0] == count else tensor

        resized = _each(call, ranges, resize)
        yield Variant("batch of %d: %s" % (other, described(resized)), resized)


def described(call: Call) -> str:
    """A call's inputs as `input=` writes them."""
    named = ["%s %s" % (name, describe(value)) for name, value in call.kwargs.items()]
    return "; ".join([describe(value) for value in call.args] + named)


def _each(call: Call, ranges: List, change: Callable) -> Call:
    limits = iter(ranges)
    return Call(*mapped(lambda tensor: change(tensor, next(limits)), (tuple(call.args), dict(call.kwargs))))


def _free(tensor: torch.Tensor, limits: Optional[Tuple]) -> bool:
    """Whether a tensor may take values of any sign and size."""
    return limits is None and (tensor.is_floating_point() or tensor.is_complex()) and bool(torch.isfinite(tensor).all())


def _fresh(tensor: torch.Tensor, limits: Optional[Tuple], source: torch.Generator) -> torch.Tensor:
    """Random values like those of `tensor`. Booleans stay, and masks with infinities, as most patterns make no sense as a mask."""
    if tensor.numel() == 0 or tensor.dtype == torch.bool:
        return tensor
    if tensor.is_complex():
        return torch.randn(tensor.shape, generator=source, dtype=torch.complex64).to(tensor.dtype)
    if tensor.is_floating_point():
        if not bool(torch.isfinite(tensor).all()):
            return tensor
        low, high = (float(tensor.min()), float(tensor.max())) if limits is None else limits
        low, high = (low, high) if high > low else (low - 1.0, low + 1.0)
        return (torch.rand(tensor.shape, generator=source, dtype=torch.float64) * (high - low) + low).to(tensor.dtype)
    if limits is None:
        return tensor
    return torch.randint(int(limits[0]), int(limits[1]) + 1, tensor.shape, generator=source).to(tensor.dtype)


def _ranges(call: Call, specs: Optional[List[dict]]) -> List[Optional[Tuple]]:
    """The lowest and the highest value of each tensor that has such limits, in the order of `tensors`."""
    stated = [spec.get("below") for spec in _tensor_specs(specs or [])]
    found = tensors(call)
    belows = stated + [None] * (len(found) - len(stated))
    return [_range(tensor, below) for tensor, below in zip(found, belows)]


def _range(tensor: torch.Tensor, below: Optional[float]) -> Optional[Tuple]:
    if tensor.dtype == torch.bool or tensor.is_complex() or tensor.numel() == 0:
        return None
    if tensor.is_floating_point():
        return None if below is None else (0.0, float(torch.nextafter(torch.tensor(float(below)), torch.tensor(0.0))))
    return (int(tensor.min()), int(tensor.max())) if below is None else (0, max(0, int(-(-below // 1)) - 1))


def _tensor_specs(specs: List[dict]) -> Iterator[dict]:
    for spec in specs:
        if spec["kind"] == "tensor":
            yield spec
        yield from _tensor_specs(spec.get("items", []))
