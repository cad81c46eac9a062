"""Loads a file of weights into a model. Nothing in the file is executed."""

import inspect
import os
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import nn

from .failures import Refusal

WRAPPINGS = ("state_dict", "model_state_dict", "model", "net", "weights", "params", "ema")
"""Keys under which training scripts keep the state dict in a checkpoint."""
SHOWN = 5


def load_weights(model: nn.Module, path: str) -> List[dict]:
    """Puts the weights of a file into `model`; all keys and sizes must match. Returns warnings of what was assumed."""
    state, taken = _unwrapped(_read(path), model, path)
    try:
        problems = _problems(model, state)
    except AttributeError:  # a key that is no tensor
        problems = ["entries that are no tensors"]
    if problems:
        raise Refusal(
            "WEIGHTS_DO_NOT_FIT",
            "%s does not fit the model: %s." % (os.path.basename(path), "; ".join(problems)),
            cause="The weights belong to another version of the model, or to one made with other arguments.",
            fix="Make the model as it was when the weights were saved, with `args` or another `entry`.",
        )
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise Refusal(
            "WEIGHTS_DO_NOT_FIT",
            "%s does not fit the model: %s" % (os.path.basename(path), " ".join(str(error).split())),
        )
    return taken


def torch_load(path: str, weights_only: bool) -> Any:
    """torch.load onto the CPU; without `weights_only` the file's pickles may run code."""
    if "weights_only" not in inspect.signature(torch.load).parameters:
        if weights_only:
            raise Refusal(
                "TORCH_TOO_OLD",
                "PyTorch %s can't load weights without running code that a file may hold." % torch.__version__,
                fix="Install PyTorch 1.13 or newer.",
            )
        return torch.load(path, map_location="cpu")
    return torch.load(path, map_location="cpu", weights_only=weights_only)


def _read(path: str) -> Any:
    name = os.path.basename(path)
    if not os.path.isfile(path):
        raise Refusal(
            "WEIGHTS_MISSING", "There is no file %s with weights." % name, fix="Correct the path in `weights`."
        )
    if path.endswith(".safetensors"):
        try:
            from safetensors.torch import load_file
        except ImportError:
            raise Refusal(
                "MODULE_MISSING",
                "Reading %s needs the package safetensors, which this Python does not have." % name,
                fix="Install it, or save the weights with torch.save(model.state_dict(), …).",
            )
        return load_file(path)
    try:
        return torch_load(path, weights_only=True)
    except Refusal:
        raise
    except Exception as error:
        first = str(error).strip().split("\n")[0]
        raise Refusal(
            "BAD_WEIGHTS",
            "%s can't be read as weights: %s" % (name, first),
            cause="It holds more than tensors, such as a whole pickled model, or it is damaged.",
            fix="Save the weights alone: torch.save(model.state_dict(), %r)." % name,
            exception=type(error).__name__,
        )


def _unwrapped(value: Any, model: nn.Module, path: str) -> Tuple[Dict[str, torch.Tensor], List[dict]]:
    """The state dict in a file, out of the wrappings that are usual, and what was taken for granted."""
    candidates: List[Tuple[Any, Optional[str]]] = [(value, None)]
    if isinstance(value, dict):
        candidates += [(value[key], key) for key in WRAPPINGS if isinstance(value.get(key), dict)]
    states = [(state, key) for state, key in candidates if _is_state(state)]
    if not states:
        raise Refusal(
            "BAD_WEIGHTS",
            "%s holds no state dict." % os.path.basename(path),
            cause=_contents(value),
            fix="Save the weights alone: torch.save(model.state_dict(), %r)." % os.path.basename(path),
        )
    expected = set(model.state_dict())
    for state, key in states:
        if set(state) == expected:
            return state, _warnings(path, key)
        for prefix in ("module.", "model.", "_orig_mod."):
            plain = {name[len(prefix) :]: item for name, item in state.items() if name.startswith(prefix)}
            if len(plain) == len(state) and set(plain) == expected:
                return plain, _warnings(path, key, prefix)
    return states[-1][0], []


def _is_state(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(key, str) for key in value)
        and any(isinstance(item, torch.Tensor) for item in value.values())
    )


def _contents(value: Any) -> str:
    if isinstance(value, dict):
        return "It holds a dict with the keys %s." % _some([repr(key) for key in value])
    return "It holds a `%s`." % type(value).__name__


def _problems(model: nn.Module, state: Dict[str, torch.Tensor]) -> List[str]:
    expected = model.state_dict()
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected]
    sizes = [
        "%s is %s where the model has %s" % (key, list(state[key].shape), list(item.shape))
        for key, item in expected.items()
        if key in state and isinstance(item, torch.Tensor) and state[key].shape != item.shape
    ]
    return [
        text
        for text, found in (
            ("it lacks %s" % _some(missing), missing),
            ("the model does not have %s" % _some(unexpected), unexpected),
            (_some(sizes), sizes),
        )
        if found
    ]


def _some(items: List[str]) -> str:
    rest = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (" and %d more" % rest if rest > 0 else "")


def _warnings(path: str, key: Optional[str], prefix: Optional[str] = None) -> List[dict]:
    parts = ["under the key %r" % key if key else "", "without the prefix %r" % prefix if prefix else ""]
    said = " and ".join(part for part in parts if part)
    return (
        [{"category": "UserWarning", "message": "The weights in %s were taken %s." % (os.path.basename(path), said)}]
        if said
        else []
    )
