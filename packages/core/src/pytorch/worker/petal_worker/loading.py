"""From a source to a model that is ready to be converted, with its example inputs."""

import os
from typing import Any, Dict

import torch

from .checkpoints import load_checkpoint
from .entry import find_model
from .examples import calibration_of, calls_of_module, calls_of_specs
from .failures import Refusal
from .isolation import seed
from .loaded import Loaded
from .modules import import_file
from .programs import load_program
from .weights import load_weights


def load(params: Dict[str, Any]) -> Loaded:
    """Loads what a ConversionJob names. Raises a Refusal, or whatever the project's code raises."""
    kind, file = params["source"]["kind"], os.path.abspath(params["source"]["file"])
    module, calls, warnings = None, [], []
    if kind == "python":
        module = import_file(file, params["root"])
        seed()
        model = find_model(module, file, params["entry"], params["args"])
    else:
        if params["args"]:
            raise Refusal(
                "BAD_ARGS", "%s holds a ready model, so there is nothing to pass `args` to." % os.path.basename(file)
            )
        if kind == "checkpoint":
            model, warnings = load_checkpoint(file, params["entry"], params["trust"])
        else:
            model, calls = load_program(file, params["trust"])
    if params["weights"]:
        warnings = [*warnings, *load_weights(model, params["weights"])]
    ready(model)
    specs = params["input"] or None
    if specs:
        calls = calls_of_specs(specs)
    elif module is not None:
        calls = calls_of_module(module, file)
    return Loaded(model, calls, specs, module, calibration_of(module, file), warnings)


def ready(model: torch.nn.Module) -> None:
    """Puts a model in the state in which it is used: on the CPU, in eval mode, out of any gradient."""
    model.cpu()
    model.eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
