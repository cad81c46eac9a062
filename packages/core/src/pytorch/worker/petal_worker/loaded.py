"""What loading a source gives: the values that pass from loading to conversion."""

from types import ModuleType
from typing import TYPE_CHECKING, Any, Iterable, List, NamedTuple, Optional

if TYPE_CHECKING:
    import torch


class Call(NamedTuple):
    """The inputs of one call of the model: real values, as `model(*args, **kwargs)` takes them."""

    args: tuple
    kwargs: dict


class Loaded(NamedTuple):
    """A model and what its file says of its inputs."""

    model: "torch.nn.Module"
    """On the CPU, in eval mode, float, with its weights; no parameter requires a gradient."""
    calls: List[Call]
    """Example inputs; empty where neither the import nor the file gives any."""
    specs: Optional[List[dict]] = None
    """The InputSpecs of `calls[0].args` where `input=` gave them; then there is one call."""
    module: Optional[ModuleType] = None
    """The project's module that the model came from; None for a checkpoint and an exported program."""
    calibration: Optional[Iterable[Any]] = None
    """Calls from `calibration_inputs` in the file, made one by one while this is iterated; None where it has none."""
    warnings: List[dict] = []
    """RawWarnings of loading, which the server adds to those of the conversion."""
