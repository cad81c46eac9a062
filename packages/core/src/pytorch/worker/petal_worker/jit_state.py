"""
The names that TorchScript gives to classes and functions depend on what a process compiled before: a name that is taken
gets a running number. So that a model's archive does not depend on the jobs before it, each job compiles into a unit of
its own.
"""

import sys
from typing import Any, Callable

import torch
from torch.jit import _recursive, _state, _trace


class _Overloads(dict):
    """
    Overloads of functions by name, which PyTorch drops once they are compiled, as their compiled forms are kept then.
    Here they stay.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._compiled: dict = {}

    def __delitem__(self, name: str) -> None:
        self._compiled[name] = self[name]
        super().__delitem__(name)

    def renew(self) -> None:
        """Puts back what was dropped, less the functions of modules that are gone."""
        everything = {**self._compiled, **self}
        self._compiled = {}
        self.clear()
        for name, functions in everything.items():
            living = [function for function in functions if _lives(function)]
            if living:
                self[name] = living


def renew() -> None:
    """Forgets everything that was compiled in this process, and all names with it."""
    internal = torch._jit_internal
    if not isinstance(internal._overloaded_fns, _Overloads):
        internal._overloaded_fns = _Overloads(internal._overloaded_fns)
    internal._overloaded_fns.renew()
    _forget_methods(internal)
    unit = torch._C.CompilationUnit()
    old = _state._python_cu
    for module in (_state, _recursive, _trace):
        if getattr(module, "_python_cu", None) is old:
            module._python_cu = unit
    for function in vars(_trace).values():
        _replace_default(function, old, unit)
    _recursive.concrete_type_store = _recursive.ConcreteTypeStore()
    _state._clear_class_state()
    _state._jit_caching_layer.clear()
    _state._jit_function_overload_caching.clear()


def _forget_methods(internal: Any) -> None:
    """Overloaded methods of classes whose modules are gone: imported again, they would be there twice."""
    for name, classes in list(internal._overloaded_methods.items()):
        for owner, methods in list(classes.items()):
            if not all(_lives(method) for method in methods):
                del classes[owner]
                internal._overloaded_method_class_fileno.pop((name, owner), None)
        if not classes:
            del internal._overloaded_methods[name]


def _lives(function: Callable) -> bool:
    module = sys.modules.get(function.__module__)
    return module is not None and vars(module) is function.__globals__


def _replace_default(function: Any, old: Any, new: Any) -> None:
    """The tracing functions hold the unit as the default of a parameter."""
    defaults = getattr(function, "__defaults__", None)
    if defaults and any(value is old for value in defaults):
        function.__defaults__ = tuple(new if value is old else value for value in defaults)
