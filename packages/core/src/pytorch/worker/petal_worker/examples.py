"""Example inputs and calibration data that a project's file gives."""

import os
from types import ModuleType
from typing import Any, Iterable, Iterator, List, Optional

import torch

from . import inputs
from .failures import Refusal
from .isolation import seed
from .loaded import Call

FORMS = (
    "Give a tensor, a tuple (one call), a dict (one call by name), a list of tuples (several calls), "
    "or a function that returns one of these."
)


def calls_of_specs(specs: List[dict]) -> List[Call]:
    """The one call that `input=` describes; the same values every time."""
    source = inputs.generator()
    return [Call(tuple(inputs.make(spec, source) for spec in specs), {})]


def calls_of_module(module: Optional[ModuleType], file: str) -> List[Call]:
    """The calls of a file's `example_inputs`; none where it has none."""
    if module is None or getattr(module, "example_inputs", None) is None:
        return []
    seed()
    value = _given(module.example_inputs)
    if not isinstance(value, list):
        return [_call(value, "example_inputs", file)]
    if not value:
        raise Refusal(
            "BAD_EXAMPLE_INPUTS",
            "`example_inputs` in %s is an empty list." % os.path.basename(file),
            fix=FORMS,
            file=file,
        )
    for index, item in enumerate(value):
        if not isinstance(item, (tuple, dict)):
            raise Refusal(
                "BAD_EXAMPLE_INPUTS",
                "`example_inputs[%d]` in %s is %s; a list means several calls, each a tuple or a dict."
                % (index, os.path.basename(file), _kind(item)),
                fix="Write a tuple for one call with several inputs, a list such as [(x,), (y,)] for several calls.",
                file=file,
            )
    return [_call(item, "example_inputs[%d]" % index, file) for index, item in enumerate(value)]


def calibration_of(module: Optional[ModuleType], file: str) -> Optional[Iterable[Call]]:
    """The calls of a file's `calibration_inputs`, each made when it is asked for; None where it has none."""
    if module is None or getattr(module, "calibration_inputs", None) is None:
        return None
    seed()
    value = _given(module.calibration_inputs)
    if isinstance(value, (torch.Tensor, tuple, dict, str)) or not hasattr(value, "__iter__"):
        raise Refusal(
            "BAD_CALIBRATION_INPUTS",
            "`calibration_inputs` in %s is %s." % (os.path.basename(file), _kind(value)),
            fix="Make it an iterable, or a function that returns one, of a tensor, tuple or dict for each call.",
            file=file,
        )
    return _calibration(value, file)


def _calibration(value: Iterable[Any], file: str) -> Iterator[Call]:
    for index, item in enumerate(value):
        yield _call(item, "calibration_inputs[%d]" % index, file)


def _given(value: Any) -> Any:
    return value() if callable(value) and not isinstance(value, torch.nn.Module) else value


def _call(value: Any, name: str, file: str) -> Call:
    if isinstance(value, torch.Tensor):
        return Call((_plain(value, name, file),), {})
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise Refusal(
                    "BAD_EXAMPLE_INPUTS",
                    "`%s` in %s has the key %r; a dict gives the inputs of one call by name."
                    % (name, os.path.basename(file), key),
                    fix="Use the names of forward's parameters, or wrap a dict that is itself an input in a tuple.",
                    file=file,
                )
        return Call((), {key: _plain(item, "%s[%r]" % (name, key), file) for key, item in value.items()})
    if type(value) is tuple:
        return Call(tuple(_plain(item, "%s[%d]" % (name, index), file) for index, item in enumerate(value)), {})
    raise Refusal(
        "BAD_CALIBRATION_INPUTS" if name.startswith("calibration") else "BAD_EXAMPLE_INPUTS",
        "`%s` in %s is %s." % (name, os.path.basename(file), _kind(value)),
        fix=FORMS,
        file=file,
    )


def _plain(value: Any, name: str, file: str) -> Any:
    """
    An input as conversion takes it: tensors on the CPU and out of any gradient; other things must be such as
    TorchScript has.
    """
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {key: _plain(item, "%s[%r]" % (name, key), file) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        items = [_plain(item, "%s[%d]" % (name, index), file) for index, item in enumerate(value)]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    raise Refusal(
        "BAD_EXAMPLE_INPUTS",
        "`%s` in %s is %s, which no TorchScript model takes." % (name, os.path.basename(file), _kind(value)),
        fix="Use torch.from_numpy(…) for it."
        if type(value).__module__ == "numpy"
        else "Give tensors, numbers, and tuples, lists or dicts of them.",
        file=file,
    )


def _kind(value: Any) -> str:
    return (
        "None"
        if value is None
        else "a %s" % inputs.describe(value)
        if isinstance(value, torch.Tensor)
        else "a `%s`" % type(value).__name__
    )
