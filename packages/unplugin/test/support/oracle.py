"""Runs compiled models in PyTorch's lite interpreter and compares them with eager models; one JSON text per line.

A request: {root, module, entry, weights, calls, file, plain}: the eager model is `entry` of `module`, imported from `root`, with
the state dict `weights`; `calls` is a Python expression of tuples of inputs, in which the module's names, `torch` and
`random` (a seeded `torch.rand`) are known; `file` is the compiled model. With `quantize`, the eager model is quantized
dynamically; with `plain`, the model of that file is what is compared with instead. The answer: {errors}, one for each
call, relative to the largest magnitude, or {problem}.
"""

import importlib
import json
import os
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import torch  # noqa: E402
from torch.jit.mobile import _load_for_lite_interpreter  # noqa: E402

torch.set_num_threads(1)
torch.backends.quantized.engine = "qnnpack"


def eager(request: dict, module) -> torch.nn.Module:
    model = getattr(module, request["entry"])
    model = model if isinstance(model, torch.nn.Module) else model()
    if request.get("weights"):
        model.load_state_dict(torch.load(Path(request["root"], request["weights"]), map_location="cpu"))
    if request.get("quantize"):
        kinds = {torch.nn.Linear, torch.nn.GRU, torch.nn.LSTM}
        return torch.ao.quantization.quantize_dynamic(model.eval(), kinds, dtype=torch.qint8)
    return model.eval()


def load(request: dict):
    root = Path(request["root"])
    for name in [name for name, module in sys.modules.items() if str(getattr(module, "__file__", None)).find("petal-app-") >= 0
                 or str(getattr(module, "__path__", None)).find("petal-app-") >= 0]:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.path[:] = [str(root), *(path for path in sys.path if "petal-app-" not in path)]
    sys.dont_write_bytecode = True
    return importlib.import_module(request["module"])


def flat(value) -> list:
    return [part for item in value for part in flat(item)] if isinstance(value, (tuple, list)) else [value]


def difference(expected, actual) -> float:
    worst = 0.0
    expected, actual = flat(expected), flat(actual)
    if len(expected) != len(actual):
        raise ValueError(f"{len(actual)} results instead of {len(expected)}")
    for one, other in zip(expected, actual):
        one, other = torch.as_tensor(one), torch.as_tensor(other)
        if one.shape != other.shape or one.dtype != other.dtype:
            raise ValueError(f"{other.dtype}{list(other.shape)} instead of {one.dtype}{list(one.shape)}")
        if one.numel() == 0:
            continue
        if not torch.isfinite(other.double()).all():
            raise ValueError("results that are no finite numbers")
        scale = max(one.double().abs().max().item(), 1e-12)
        worst = max(worst, (one.double() - other.double()).abs().max().item() / scale)
    return worst


def answer(request: dict):
    module = load(request)
    torch.manual_seed(11)
    calls = eval(request["calls"], {**vars(module), "torch": torch, "random": torch.rand})
    model = _load_for_lite_interpreter(request["plain"]) if request.get("plain") else eager(request, module)
    compiled = _load_for_lite_interpreter(request["file"])
    with torch.no_grad():
        return [difference(model(*call), compiled(*call)) for call in calls]


for line in sys.stdin:
    try:
        result = {"errors": answer(json.loads(line))}
    except Exception as error:
        result = {"problem": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(result) + "\n")
