"""Quantizing on request: 8-bit weights, and with calibration data 8-bit activations, for the engine that phones have."""
import copy
import os
import re
import tempfile
import warnings
from typing import Any, Callable, Dict, NamedTuple

import torch
from torch import nn

from .attention import make_plain
from .checking import first_line
from .comparing import largest_error
from .failures import Refusal
from .loaded import Call, Loaded
from .running import State, run

ENGINE = "qnnpack"

DYNAMIC = (nn.Linear, nn.LSTM, nn.GRU, nn.LSTMCell, nn.GRUCell, nn.RNNCell)


# What runs as one quantized operator, where it follows one another in an nn.Sequential; longest first.
FUSED = (
    (nn.Conv2d, nn.BatchNorm2d, nn.ReLU), (nn.Conv1d, nn.BatchNorm1d, nn.ReLU), (nn.Conv2d, nn.BatchNorm2d), (nn.Conv1d, nn.BatchNorm1d),
    (nn.Conv2d, nn.ReLU), (nn.Conv1d, nn.ReLU), (nn.Linear, nn.ReLU),
)


class Unreadable(Refusal):
    """FX cannot quantize this model; its own stubs may tell how to."""


class Quantized(NamedTuple):
    """A quantized eager model and its QuantizationFact, to which the caller adds sizes, as it is the one to convert."""

    model: nn.Module
    fact: Dict[str, Any]


def quantize(loaded: Loaded, mode: str, report: Callable[[str, float], None]) -> Quantized:
    """
    A quantized copy of the model, with the quantized engine of phones set from here on. `mode` is `dynamic` or `static`.
    Raises Refusal NO_QNNPACK, NOTHING_TO_QUANTIZE, CALIBRATION_MISSING, CALIBRATION_FAILED or QUANTIZATION_FAILED.
    """
    if ENGINE not in torch.backends.quantized.supported_engines:
        raise Refusal(
            "NO_QNNPACK", "This PyTorch (%s) has no %s, the quantized engine of phones." % (torch.__version__, ENGINE),
            "Builds for some machines leave it out.", "Convert with a PyTorch from pytorch.org, or leave quantize= out.",
        )
    report("quantizing", 0.3)
    # Packed weights are tied to the engine that packed them: the job that changes this puts it back when it ends.
    torch.backends.quantized.engine = ENGINE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = {"dynamic": _dynamic, "static": _static}[mode](loaded)
    # For good, in this copy: PyTorch's fused attention fails on layers whose weights are quantized.
    make_plain(model)
    modules = _counted(model)
    if not modules:
        kinds = "Linear, LSTM and GRU" if mode == "dynamic" else "convolutions and Linear"
        raise Refusal(
            "NOTHING_TO_QUANTIZE", "quantize=%s finds nothing to quantize in the model." % mode,
            "It quantizes modules such as %s of torch.nn, and the model has none." % kinds, "Leave quantize= out.",
        )
    fact: Dict[str, Any] = {"mode": mode, "engine": ENGINE, "modules": modules}
    if loaded.calls:
        fact["drift"] = _drift(loaded, model)
    return Quantized(model, fact)


def archive_size(module: torch.jit.ScriptModule) -> int:
    """Bytes of the module's TorchScript archive."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "archive.pt")
        module.save(path)
        return os.path.getsize(path)


def _dynamic(loaded: Loaded) -> nn.Module:
    from torch.ao.quantization import quantize_dynamic

    try:
        return quantize_dynamic(loaded.model, set(DYNAMIC), dtype=torch.qint8).eval()
    except Exception as error:
        raise _failed("dynamic", error) from error


def _static(loaded: Loaded) -> nn.Module:
    if loaded.calibration is None:
        raise Refusal(
            "CALIBRATION_MISSING", "quantize=static needs calibration data, and the file gives none.",
            "The ranges of activations are measured while the model runs on typical inputs.",
            "Add `calibration_inputs = [...]` to the file, a list of typical inputs (a hundred will do), or use quantize=dynamic.",
        )
    try:
        return _static_graph(loaded)
    except Unreadable:
        if not _has_stubs(loaded.model):
            raise
        return _static_eager(loaded)


def _static_eager(loaded: Loaded) -> nn.Module:
    """A model that says itself where it is quantized, with QuantStub and DeQuantStub."""
    from torch.ao.quantization import convert, get_default_qconfig, prepare

    try:
        model = copy.deepcopy(loaded.model).eval()
        _fuse(model)
        if not any(getattr(module, "qconfig", None) for module in model.modules()):
            model.qconfig = get_default_qconfig(ENGINE)
        prepare(model, inplace=True)
    except Exception as error:
        raise _failed("static", error) from error
    _calibrate(model, loaded)
    try:
        return convert(model, inplace=True)
    except Exception as error:
        raise _failed("static", error) from error


def _fuse(model: nn.Module) -> None:
    from torch.ao.quantization import fuse_modules

    for module in list(model.modules()):
        if type(module) is not nn.Sequential:
            continue
        names, index = list(module._modules), 0
        while index < len(names):
            kinds = [type(module._modules[name]) for name in names[index:]]
            length = next((len(one) for one in FUSED if tuple(kinds[:len(one)]) == one), 1)
            if length > 1:
                fuse_modules(module, [names[index:index + length]], inplace=True)
            index += length


def _static_graph(loaded: Loaded) -> nn.Module:
    """Any model whose graph FX can read: convolutions, batch norms and ReLUs are fused first."""
    try:
        from torch.ao.quantization import get_default_qconfig_mapping
        from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
    except ImportError:
        raise Unreadable(
            "QUANTIZATION_FAILED", "PyTorch %s has no FX graph mode to quantize with." % torch.__version__,
            "It came with PyTorch 1.13.", "Convert with a newer PyTorch, or place QuantStub and DeQuantStub in the model.",
        )
    examples = loaded.calls[0].args if loaded.calls else ()
    try:
        prepared = prepare_fx(copy.deepcopy(loaded.model).eval(), get_default_qconfig_mapping(ENGINE), examples)
    except Exception as error:
        raise Unreadable(
            "QUANTIZATION_FAILED", "quantize=static cannot read the model's graph: %s" % first_line(error),
            "FX runs the model without values, so `forward` may not decide by the values or shapes of tensors.",
            "Take the decision out of `forward`, place QuantStub and DeQuantStub in the model yourself, or use quantize=dynamic.",
            exception=type(error).__name__,
        ) from error
    _calibrate(prepared, loaded)
    try:
        return convert_fx(prepared).eval()
    except Exception as error:
        raise _failed("static", error) from error


def _calibrate(model: nn.Module, loaded: Loaded) -> None:
    count = 0
    for given in loaded.calibration or []:
        call = given if isinstance(given, Call) else Call(given if isinstance(given, tuple) else (given,), {})
        try:
            with torch.no_grad():
                model(*call.args, **call.kwargs)
        except Exception as error:
            raise Refusal(
                "CALIBRATION_FAILED", "The model does not take calibration input %d: %s" % (count + 1, first_line(error)),
                "`calibration_inputs` holds the inputs of one call per item.", "Give items of the shapes and types of the example inputs.",
                exception=type(error).__name__,
            ) from error
        count += 1
    if count == 0:
        raise Refusal(
            "CALIBRATION_MISSING", "`calibration_inputs` holds no inputs.",
            "The ranges of activations are measured while the model runs on typical inputs.",
            "Put typical inputs into it; a hundred will do.",
        )


def _counted(model: nn.Module) -> Dict[str, int]:
    """How many modules are quantized, by the class that they were: `{"Conv2d": 5, "Linear": 1}`."""
    counts: Dict[str, int] = {}
    for module in model.modules():
        if ".quantized" in type(module).__module__ and hasattr(module, "_get_name") and _weighty(module):
            name = re.sub("^(Conv|Linear)ReLU", r"\1", type(module).__name__)
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def _weighty(module: nn.Module) -> bool:
    """Whether a quantized module has weights: what it is replaced for. Activations and dropouts among them have none."""
    return any(hasattr(module, name) for name in ("weight", "_all_weight_values", "_packed_weight_ih"))


def _drift(loaded: Loaded, model: nn.Module) -> float:
    """Largest relative difference from the float model on the example inputs."""
    before, after = State(loaded.model), State(model)
    return max([largest_error(run(loaded.model, before, call), run(model, after, call)) for call in loaded.calls], default=0.0)


def _has_stubs(model: nn.Module) -> bool:
    from torch.ao.quantization import QuantStub

    return any(isinstance(module, QuantStub) for module in model.modules())


def _failed(mode: str, error: Exception) -> Refusal:
    return Refusal(
        "QUANTIZATION_FAILED", "quantize=%s failed: %s" % (mode, first_line(error)),
        "PyTorch cannot quantize one of the model's modules.", "Leave quantize= out, or quantize in the Python file.",
        exception=type(error).__name__,
    )
