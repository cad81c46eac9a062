"""Writes the zoo for other engines: for each model and form a folder with what a runtime needs to be compared with eager PyTorch.

    python3 export.py --petal path/to/cli.js --folder DIR [--set some|quick|full] [--only NAME] [--form traced|scripted]

    model.ptl    compiled by petal
    raw.ptl      PyTorch's own file of the same module, not optimized
    case.json    every input set and what the eager model answers, with tensors as ranges of tensors.bin
    tensors.bin

One line of JSON per case on standard output, as soon as it is written. At most `--ahead` cases wait at a time: who reads them answers each
with a line (and removes it when it likes), so that the disk never holds the whole zoo. Models are those of the compiler's own
differential tests, and detection models.
"""

import argparse
import copy
import json
import os
import re
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../core/test/differential"))

import torch
from torch import Tensor
from torch.jit.mobile import _load_for_lite_interpreter

import check
import zoo
from detection import detection_models


def all_models():
    return zoo.all_models() + detection_models()


class Encoder:
    """TorchScript values as JSON: numbers tagged with their type, tensors as ranges of one binary file."""

    def __init__(self, file):
        self.file = file
        self.offset = 0

    def tensor(self, value):
        value = value.detach().contiguous()
        data = (value.view(torch.int16) if value.dtype == torch.bfloat16 else value.resolve_conj() if value.is_complex() else value).numpy().tobytes()
        range_ = {"tensor": str(value.dtype)[6:], "dims": list(value.shape), "offset": self.offset, "bytes": len(data)}
        self.file.write(data)
        # Typed arrays over the file need aligned ranges.
        padding = -len(data) % 8
        self.file.write(b"\0" * padding)
        self.offset += len(data) + padding
        return range_

    def value(self, value):
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int):
            return {"int": str(value)}
        if isinstance(value, float):
            return {"float": repr(value)}
        if isinstance(value, Tensor):
            return self.tensor(value)
        if isinstance(value, dict):
            return {"dict": [[self.value(k), self.value(v)] for k, v in value.items()]}
        if isinstance(value, (list, tuple)):
            return {"list" if isinstance(value, list) else "tuple": [self.value(v) for v in value]}
        raise TypeError(f"no encoding for {type(value)}")


def generalizes(source, inputs, expected, tolerance):
    """Which input sets a trace stands for: the first, and those on which the archive itself answers as the eager model does."""
    results = check.outputs(torch.jit.load(source), inputs)
    counts = [True]
    for result, wanted in list(zip(results, expected))[1:]:
        try:
            counts.append(not isinstance(result, Exception) and check.worst_error(result, wanted) <= tolerance)
        except check.Mismatch:
            counts.append(False)
    return counts


def save_raw(source, target, inputs):
    """PyTorch's own lite file; why there is none, or none that PyTorch itself could run. None when there is."""
    try:
        torch.jit.load(source)._save_for_lite_interpreter(target)
    except Exception as error:  # noqa: BLE001
        return str(error).strip().split("\n")[0]
    try:
        result = check.outputs(_load_for_lite_interpreter(target), inputs[:1])[0]
        if isinstance(result, Exception):
            raise result
    except Exception as error:  # noqa: BLE001
        os.remove(target)
        return str(error).strip().split("\n")[0]
    return None


def export(model, form, folder, petal):
    torch.set_num_threads(1)
    os.makedirs(folder, exist_ok=True)
    eager = zoo.build(model)
    inputs = model.inputs()
    expected = check.outputs(copy.deepcopy(eager), inputs)
    for wanted in expected:
        if isinstance(wanted, Exception):
            raise wanted
    source = os.path.join(folder, "model.pt")
    check.script_module(model, eager, inputs, form).save(source)
    del eager
    case = {"model": model.name, "form": form, "family": model.family, "tolerance": model.tolerance, "files": {}, "refused": {}}
    status, answer = check.compile_with(os.path.abspath(petal), source, os.path.join(folder, "model.ptl"), ())
    if status == 0:
        case["files"]["optimized"] = "model.ptl"
    elif status != 1:
        raise RuntimeError(f"petal ended with exit code {status}: {answer}")
    else:
        case["refused"]["optimized"] = (answer.get("error") or {}).get("message", "no message").strip().split("\n")[0]
    why = save_raw(source, os.path.join(folder, "raw.ptl"), inputs)
    if why is None:
        case["files"]["raw"] = "raw.ptl"
    else:
        case["refused"]["raw"] = why
    counts = generalizes(source, inputs, expected, model.tolerance) if form == "traced" and len(inputs) > 1 else [True] * len(inputs)
    os.remove(source)
    with open(os.path.join(folder, "tensors.bin"), "wb") as file:
        encoder = Encoder(file)
        case["sets"] = [{"inputs": [encoder.value(v) for v in args], "expected": encoder.value(wanted), "counts": count}
                        for args, wanted, count in zip(inputs, expected, counts)]
    with open(os.path.join(folder, "case.json"), "w") as file:
        json.dump(case, file)


def folder_of(model, form):
    return f"{re.sub('[^0-9A-Za-z_.-]+', '_', model.name)}-{form}"


def export_forked(model, form, folder, petal):
    """In a process of its own: memory is given back, and a crash is one failed case. None, or the problem."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)
        os.dup2(devnull, 2)
        try:
            export(model, form, folder, petal)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001
            os.write(writer, f"{type(error).__name__}: {error}\n{traceback.format_exc()}"[:8000].encode())
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        problem = pipe.read().decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    return None if status == 0 else problem or f"the process ended with signal {status & 127}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True, help="the built command, dist/cli.js of @petaljs/core")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--set", choices=("some", "quick", "full"), default="quick")
    parser.add_argument("--only", action="append", help="names, instead of a set")
    parser.add_argument("--form", choices=zoo.FORMS)
    parser.add_argument("--ahead", type=int, default=2)
    options = parser.parse_args()
    tasks = [(m, form) for m in all_models() if (m.name in options.only if options.only else m.part_of(options.set))
             for form in m.forms if options.form in (None, form)]
    if not tasks:
        sys.exit("no model of that name")
    waiting = 0
    for model, form in tasks:
        if waiting == options.ahead:
            if not sys.stdin.readline():
                return
            waiting -= 1
        folder = os.path.join(options.folder, folder_of(model, form))
        start = time.monotonic()
        row = {"model": model.name, "form": form, "family": model.family, "folder": folder, "sets": [s for s in ("some", "quick", "full") if model.part_of(s)]}
        problem = export_forked(model, form, folder, options.petal)
        print(json.dumps(dict(row, problem=problem, seconds=round(time.monotonic() - start, 1))), flush=True)
        waiting += 1


if __name__ == "__main__":
    main()
