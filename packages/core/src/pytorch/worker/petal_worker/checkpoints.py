"""Models that are pickled whole. Loading one can run any code that is in the file."""

import os
import re
import sys
from typing import Any, List, Optional, Tuple

import torch
from torch import nn

from .failures import Refusal
from .weights import torch_load

WRAPPINGS = ("ema", "model", "module", "net", "network")
"""Keys under which training scripts keep the module in a checkpoint; an averaged copy is what they evaluate."""


def load_checkpoint(file: str, entry: str, trust: bool) -> Tuple[nn.Module, List[dict]]:
    """The module that is pickled in a file, with warnings. `entry` names a key where the file holds a dict."""
    require_trust(file, trust, "is a pickled model")
    sys.path.insert(0, os.path.dirname(file))
    try:
        value = torch_load(file, weights_only=False)
    except (AttributeError, ModuleNotFoundError) as error:
        raise _unknown_class(file, error)
    except (RuntimeError, EOFError, ValueError, OSError, KeyError) as error:
        raise Refusal(
            "BAD_CHECKPOINT",
            "%s can't be read: %s" % (os.path.basename(file), str(error).strip().split("\n")[0]),
            cause="The file is damaged, or was not written by torch.save.",
            exception=type(error).__name__,
        )
    except Exception as error:
        if type(error).__name__ != "UnpicklingError":
            raise
        raise Refusal(
            "BAD_CHECKPOINT", "%s can't be read: %s" % (os.path.basename(file), error), exception="UnpicklingError"
        )
    model = _module_in(value, file, entry)
    if any(item.dtype in (torch.float16, torch.bfloat16) for item in model.parameters()):
        model = model.float()
        name = os.path.basename(file)
        return model, [
            {
                "category": "UserWarning",
                "message": "%s was saved in half precision, and is converted in float32." % name,
            }
        ]
    return model, []


def require_trust(file: str, trust: bool, what: str) -> None:
    """Refuses a file that can run code on loading, unless the import says that it is trusted."""
    if not trust:
        raise Refusal(
            "UNTRUSTED",
            "%s %s, and loading it can run any code that is in it." % (os.path.basename(file), what),
            fix="Add `trust` to the import if you know where it comes from; "
            "else ask for a TorchScript file, or for the model's .py and its weights.",
        )


def _module_in(value: Any, file: str, entry: str) -> nn.Module:
    name = os.path.basename(file)
    if isinstance(value, dict) and entry:
        if isinstance(value.get(entry), nn.Module):
            return value[entry]
        raise Refusal(
            "ENTRY_MISSING",
            "%s has no model under the key `%s`." % (name, entry),
            cause="Its keys are: %s." % ", ".join(str(key) for key in value),
            fix="Correct `entry`.",
        )
    if isinstance(value, nn.Module):
        return value
    if isinstance(value, dict):
        modules = {key: item for key, item in value.items() if isinstance(item, nn.Module)}
        for key in (*WRAPPINGS, *(modules if len(modules) == 1 else ())):
            if key in modules:
                return modules[key]
        nested = [item for item in value.values() if isinstance(item, dict)]
        if any(isinstance(item, torch.Tensor) for group in (value, *nested) for item in group.values()):
            raise Refusal(
                "WEIGHTS_ONLY",
                "%s holds weights, not a model." % name,
                cause="A state dict has the tensors of a model and nothing of its code.",
                fix="Import the .py that defines the model, with weights=./%s." % name,
            )
    raise Refusal("NOT_A_MODEL", "%s holds a `%s`, not an nn.Module." % (name, type(value).__name__))


def _unknown_class(file: str, error: Exception) -> Refusal:
    name, missing = os.path.basename(file), _missing(error)
    if missing is None:
        raise error
    owner, attribute = missing
    if owner == "__main__":
        return Refusal(
            "CLASS_MISSING",
            "%s holds a model of the class `%s`, which was defined in the script that saved it." % (name, attribute),
            cause="A pickled model has no code in it: its class must be in a module that can be imported.",
            fix="Import the .py that defines the class, with the weights alone: torch.save(model.state_dict(), …).",
            exception=type(error).__name__,
        )
    what = "`%s` of the module `%s`" % (attribute, owner) if attribute else "the module `%s`" % owner
    return Refusal(
        "CLASS_MISSING",
        "%s needs %s, which this Python does not find." % (name, what),
        cause="A pickled model has no code in it, and refers to classes by the names they had when it was saved.",
        fix='Put the module beside the file or install its package: "%s" -m pip install %s'
        % (sys.executable, owner.split(".")[0]),
        exception=type(error).__name__,
    )


def _missing(error: Exception) -> Optional[Tuple[str, str]]:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return error.name, ""
    found = re.search(r"Can't get attribute '([^']+)' on <module '([^']+)'", str(error))
    return (found.group(2), found.group(1)) if found else None
