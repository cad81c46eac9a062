"""Converts the models of this folder and prints what came of it, as JSON: run.py [--record] [id …]

Each folder is named after an entry of the catalogue (src/pytorch/diagnostics) and has two modules with a `model` and its
`example_inputs`: before.py, which the conversion refuses, and after.py, which takes the advice. `method` says how: "script"
(without it), "trace", or "run" for what is scripted, but refused when it is called. `# <- here` is where the error must point.
--record writes what PyTorch says into message.txt, for tests and documentation that have no PyTorch.
"""
import importlib.util
import io
import json
import os
import re
import sys
import traceback
import warnings

import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def load(path):
    name = "petal_%s_%s" % (os.path.basename(os.path.dirname(path)).replace("-", "_"), os.path.basename(path)[:-3])
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    torch.manual_seed(1)
    spec.loader.exec_module(module)
    module.model.eval()
    return module


def convert(module):
    method = getattr(module, "method", "script")
    if method == "trace":
        converted = torch.jit.trace(module.model, module.example_inputs)
    else:
        converted = torch.jit.script(module.model)
    torch.jit.save(converted, io.BytesIO())
    if method == "run":
        converted(*module.example_inputs)
    return converted


def same(a, b):
    """Whether two results are equal, to the rounding of a fused operator; numbers and text included."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.allclose(a, b, rtol=1e-5, atol=1e-6)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def attempt(path):
    row = {"file": path}
    try:
        module = load(path)
    except SyntaxError as error:
        return {**row, "syntax": str(error)}
    try:
        converted = convert(module)
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        return {**row, "exception": type(error).__name__, "message": str(error), "line": lines[-1] if lines else None}
    try:
        with torch.no_grad():
            eager, result = module.model(*module.example_inputs), converted(*module.example_inputs)
    except Exception as error:
        return {**row, "run": "%s: %s" % (type(error).__name__, error)}
    return {**row, "same": bool(same(eager, result))}


def record(one, row):
    if "message" not in row:
        return
    text = row["message"].replace(os.path.join(HERE, one) + os.sep, "").replace(HERE + os.sep, "")
    text = re.sub(r"[^\s\"]*[/\\](?:site|dist)-packages[/\\](?=torch|numpy)", "site-packages/", text)
    text = re.sub(r"\b0x[0-9a-f]+", "0x1", text)
    text = re.sub(r"(?m)^run\.py\(.*\n", "", text)
    with open(os.path.join(HERE, one, "message.txt"), "w") as file:
        file.write(text.strip() + "\n")


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What models print is not part of the answer.
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    named = [one for one in sys.argv[1:] if one != "--record"]
    ids = named or sorted(name for name in os.listdir(HERE) if os.path.exists(os.path.join(HERE, name, "before.py")))
    rows = {}
    for one in ids:
        rows[one] = {part: attempt(os.path.join(HERE, one, part + ".py")) for part in ("before", "after")}
        if "--record" in sys.argv:
            record(one, rows[one]["before"])
    out.write(json.dumps(rows))
    out.close()


main()
