"""Runs eager and compiled models for the specs; one JSON text per line.

`{"eager": …, "to": file}` runs an eager model and writes its inputs and results: {root, module, entry, weights, quantize,
calls}. It is `entry` of `module`, imported from `root`, with the state dict `weights`, quantized dynamically with
`quantize`; `calls` is a Python expression of tuples of inputs, in which the module's names, `torch` and `random`
(`torch.rand`, seeded) are known. `{"plain": model, "calls": file, "to": file}` does it with a compiled model and
the inputs of another run.

`{"compiled": model, "expected": file}` runs a compiled model in the lite interpreter and answers {errors}: for each call the
largest difference, relative to the largest magnitude. What fails answers {problem}.
"""

import copy
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


def is_of_app(module) -> bool:
    """Modules of an earlier app may have the same names. Looked up without `getattr`, which some of torch's answer oddly."""
    known = vars(module)
    return "petal-app-" in f"{known.get('__file__')} {known.get('__path__')}"


def load(request: dict):
    root = Path(request["root"])
    for name in [name for name, module in sys.modules.items() if is_of_app(module)]:
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


def run_eager(request: dict, to: str) -> None:
    module = load(request)
    torch.manual_seed(11)
    calls = eval(request["calls"], {**vars(module), "torch": torch, "random": torch.rand})
    run(eager(request, module), calls, to)


def run(model, calls: list, to: str) -> None:
    with torch.no_grad():
        torch.save({"calls": calls, "results": [model(*copy.deepcopy(call)) for call in calls]}, to)


def answer(request: dict) -> dict:
    if "eager" in request:
        run_eager(request["eager"], request["to"])
        return {}
    if "plain" in request:
        run(_load_for_lite_interpreter(request["plain"]), torch.load(request["calls"])["calls"], request["to"])
        return {}
    expected = torch.load(request["expected"])
    compiled = _load_for_lite_interpreter(request["compiled"])
    with torch.no_grad():
        pairs = zip(expected["results"], expected["calls"])
        return {"errors": [difference(result, compiled(*call)) for result, call in pairs]}


for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as error:
        result = {"problem": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(result) + "\n")
