"""Giving modules other methods for a while, in place: no copy of the weights, and the model is as it was afterwards."""
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Tuple

import torch

Methods = Dict[str, Any]


def reclass(changes: List[Tuple[torch.nn.Module, Methods]]) -> None:
    """Makes each module one of a subclass of its class that has the given methods and constants."""
    made: Dict[Any, type] = {}
    for module, methods in changes:
        # One subclass for modules that share class and methods, so that TorchScript gives them one type.
        cls = type(module)
        key = (cls, tuple(sorted((name, id(method)) for name, method in methods.items())))
        if key not in made:
            made[key] = type(cls.__name__, (cls,), {**methods, "__module__": cls.__module__, "__qualname__": cls.__qualname__})
        module.__class__ = made[key]


@contextmanager
def reclassed(changes: List[Tuple[torch.nn.Module, Methods]]) -> Iterator[None]:
    """Inside, `reclass` holds."""
    classes = [(module, type(module)) for module, _ in changes]
    try:
        reclass(changes)
        yield
    finally:
        for module, cls in classes:
            module.__class__ = cls


@contextmanager
def replaced(model: torch.nn.Module, replacements: List[Tuple[torch.nn.Module, torch.nn.Module]]) -> Iterator[None]:
    """Inside, each named module of the model is another one, wherever it occurs."""
    by_id = {id(old): new for old, new in replacements}
    places = [
        (parent, name, child)
        for parent in list(model.modules())
        for name, child in parent._modules.items()
        if child is not None and id(child) in by_id
    ]
    try:
        for parent, name, child in places:
            parent._modules[name] = by_id[id(child)]
        yield
    finally:
        for parent, name, child in places:
            parent._modules[name] = child


def method(function: Callable, **changes: Any) -> Callable:
    """The function, with attributes such as `__signature__` set."""
    for name, value in changes.items():
        setattr(function, name, value)
    return function
