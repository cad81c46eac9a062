"""Running a model so that runs can be compared: equal random numbers, no gradients, and nothing left behind in the model."""
import copy
import os
import random
import sys
import tempfile
import warnings
from typing import Any, Callable, List, Mapping, Tuple

import torch

from .failures import Refusal
from .loaded import Call


class State:
    """What running a model may change: buffers, and in an eager model the attributes of its modules. `restore` puts all of it back."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._buffers: List[Tuple[torch.nn.Module, str, torch.Tensor, torch.Tensor]] = [
            (module, name, buffer, buffer.detach().clone())
            for module in model.modules()
            for name, buffer in module.named_buffers(recurse=False)
        ]
        # A ScriptModule keeps its attributes in C++; those that a run sets are its buffers.
        eager = [module for module in model.modules() if not isinstance(module, torch.jit.ScriptModule)]
        self._attributes = [(module, dict(module.__dict__)) for module in eager]
        values = [value for module in eager for value in module.__dict__.values()]
        self._containers = [(value, copy.copy(value)) for value in values if type(value) in (list, dict)]

    def restore(self) -> None:
        for module, attributes in self._attributes:
            module.__dict__.clear()
            module.__dict__.update(attributes)
        for container, items in self._containers:
            if isinstance(container, list):
                container[:] = items
            else:
                container.clear()
                container.update(items)
        for module, name, buffer, values in self._buffers:
            if isinstance(module, torch.jit.ScriptModule):
                setattr(module, name, buffer)
            else:
                module._buffers[name] = buffer
            with torch.no_grad():
                if buffer.shape == values.shape:
                    buffer.copy_(values)
                else:
                    buffer.set_(values.clone())


class Copies:
    """
    A TorchScript module whose runs leave nothing behind in it, as scripted code may set any attribute and change any list: each is on a
    copy, out of the archive that ships. Copying the object itself would take tensors that share memory for one. `restore` ends a run.
    """

    def __init__(self, module: torch.jit.ScriptModule, calling: Callable[[torch.jit.ScriptModule], Callable[..., Any]]) -> None:
        self._module, self._calling = module, calling
        self._folder: Any = None
        self._copy: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._folder is None:
            # A file, as a model in memory once more may be one too many. It goes with this object.
            self._folder = tempfile.TemporaryDirectory(prefix="petal-")
            _save(self._module, self._path())
        if self._copy is None:
            self._copy = self._calling(torch.jit.load(self._path()))
        return self._copy(*args, **kwargs)

    def _path(self) -> str:
        return os.path.join(self._folder.name, "archive.pt")

    def restore(self) -> None:
        self._copy = None


def _save(module: torch.jit.ScriptModule, path: str) -> None:
    try:
        torch.jit.save(module, path)
    except RuntimeError as error:
        # What runs in Python may still be unknown to an archive, such as a torch.autograd.Function.
        raise Refusal("SCRIPT_FAILED", str(error), exception=type(error).__name__) from error


def seed(number: int) -> None:
    """Starts every random number generator that a model may use at the same place."""
    torch.manual_seed(number)
    random.seed(number)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(number)


def run(model: Callable[..., Any], state: State, call: Call, number: int = 0, times: int = 1) -> Any:
    """
    The output of one call, or of the last of several equal ones, after which the model is as it was. Inputs are copied, as a model may
    write into them.
    """
    seed(number)
    try:
        with torch.no_grad(), torch.jit.optimized_execution(False), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(times):
                inputs = copied(call)
                output = model(*inputs.args, **inputs.kwargs)
            return mapped(lambda tensor: tensor.detach().clone(), output)
    finally:
        state.restore()


def copied(call: Call) -> Call:
    """The same inputs in tensors of their own."""
    return Call(*mapped(lambda tensor: tensor.detach().clone(), (tuple(call.args), dict(call.kwargs))))


def mapped(change: Callable[[torch.Tensor], Any], value: Any) -> Any:
    """`value` with every tensor in its tuples, lists and dicts changed; other values as they are."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, tuple):
        items = [mapped(change, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, list):
        return [mapped(change, item) for item in value]
    if isinstance(value, Mapping):
        changed = copy.copy(value)
        for key, item in value.items():
            changed[key] = mapped(change, item)
        return changed
    return value


def tensors(value: Any) -> List[torch.Tensor]:
    """Every tensor in tuples, lists and dicts, in order."""
    found: List[torch.Tensor] = []
    mapped(found.append, value)
    return found
