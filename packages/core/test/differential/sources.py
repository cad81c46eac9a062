"""The side of PyTorch where the zoo is imported as Python source: one process that answers requests, one line of JSON each.

    python3 sources.py

`prepare` writes a row's Python source and what the eager model gives on all its inputs, in the PyTorch that will convert: two releases
initialize some layers differently. `compare` runs a compiled file against that. `plain` traces or scripts with nothing but PyTorch,
which tells whether a refusal is right.
"""

import copy
import json
import os
import sys
import tempfile
import warnings

import torch
from torch.jit.mobile import _load_for_lite_interpreter

import zoo
from check import Mismatch, outputs, script_module, worst_error

SOURCE = '''import sys

sys.path.insert(0, {folder!r})

import zoo

entry = zoo.named({name!r})
model = zoo.build(entry)
example_inputs = entry.inputs()[0]
'''


def prepare(name, folder):
    entry = zoo.named(name)
    with open(os.path.join(folder, "net.py"), "w") as file:
        file.write(SOURCE.format(folder=os.path.dirname(os.path.abspath(__file__)), name=name))
    inputs = entry.inputs()
    expected = outputs(zoo.build(entry), inputs)
    for wanted in expected:
        if isinstance(wanted, Exception):
            raise wanted
    torch.save((inputs, expected), os.path.join(folder, "expected.pt"))
    return {}


def compare(file, folder):
    """For each input set the error, or what went wrong in words; `load` says why the file does not load."""
    inputs, expected = torch.load(os.path.join(folder, "expected.pt"), **UNPICKLE)
    try:
        module = _load_for_lite_interpreter(file)
    except Exception as error:  # noqa: BLE001 - any failure is a result here
        return {"load": brief(error)}
    return {"sets": [judged(*pair) for pair in zip(outputs(module, inputs), expected)]}


def plain(name, form, folder, tolerance):
    """PyTorch's own trace or script: `failure` says why there is none, `diverges` names the inputs on which it gives other numbers than the model."""
    entry = zoo.named(name)
    inputs = entry.inputs()
    eager = zoo.build(entry)
    try:
        module = script_module(entry, copy.deepcopy(eager), inputs, form)
    except Exception as error:  # noqa: BLE001
        return {"failure": brief(error)}
    module.save(os.path.join(folder, "plain.pt"))
    sets = {f"input set {i}": args for i, args in enumerate(inputs)}
    sets.update(further(inputs[0]))
    diverges = {}
    for label, args in sets.items():
        wanted = outputs(copy.deepcopy(eager), [args])[0]
        if not isinstance(wanted, Exception):
            found = judged(outputs(copy.deepcopy(module), [args])[0], wanted)
            if isinstance(found, str) or found > tolerance:
                diverges[label] = found
    return {"diverges": diverges}


def further(args):
    """Variations of one call's inputs that a trace ought to take."""
    def every(change):
        return tuple(change(value) if isinstance(value, torch.Tensor) else value for value in args)

    def floats(change):
        return every(lambda value: change(value) if value.is_floating_point() else value)

    generator = torch.Generator().manual_seed(13)
    return {
        "fresh random values": floats(lambda value: torch.randn(value.shape, generator=generator).to(value.dtype)),
        "negated": floats(torch.neg),
        "scaled": floats(lambda value: value * 10),
        "zeros": floats(torch.zeros_like),
        "batch of 2": every(lambda value: torch.cat([value[:1]] * 2) if value.dim() else value),
        "batch of 3": every(lambda value: torch.cat([value[:1]] * 3) if value.dim() else value),
        "batch of 1": every(lambda value: value[:1] if value.dim() else value),
    }


def lite(file, folder):
    """Whether PyTorch itself can make a lite file of the archive that `plain` saved, and run it rightly: nothing, or `failure`."""
    inputs, expected = torch.load(os.path.join(folder, "expected.pt"), **UNPICKLE)
    try:
        with tempfile.NamedTemporaryFile(suffix=".ptl") as out:
            torch.jit.load(file)._save_for_lite_interpreter(out.name)
            results = outputs(_load_for_lite_interpreter(out.name), inputs)
    except Exception as error:  # noqa: BLE001
        return {"failure": brief(error)}
    return {"sets": [judged(*pair) for pair in zip(results, expected)]}


# What is read is what `prepare` wrote; releases from 2.6 on have to be told.
UNPICKLE = {} if torch.__version__.startswith("1.") else {"weights_only": False}


def judged(result, wanted):
    if isinstance(result, Exception):
        return brief(result)
    try:
        return worst_error(result, wanted)
    except Mismatch as mismatch:
        return str(mismatch)


def brief(error):
    """The line of PyTorch's message that says most: the first, or the last where the first says no more than that the model failed."""
    lines = [line.strip() for line in str(error).strip().split("\n") if line.strip()] or [""]
    return f"{type(error).__name__}: {lines[-1 if lines[0].startswith('The following operation failed') else 0]}"[:400]


ACTIONS = {"prepare": prepare, "compare": compare, "plain": plain, "lite": lite}


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(json.dumps({"torch": torch.__version__}), file=out, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = ACTIONS[request.pop("action")](**request)
        except Exception as error:  # noqa: BLE001
            answer = {"error": brief(error)}
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main()
