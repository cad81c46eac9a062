"""Runs archives in this Python's full JIT, for torchscript.py: a line of JSON each, {"model", "inputs", "outputs"}, answered by {} or {"problem"}.

`inputs` holds a list of argument tuples and `outputs` gets what one module makes of them in turn, both as torch.save writes them.
Works with every PyTorch that has torch.jit.load.
"""

import copy
import enum
import json
import sys
import warnings

import torch

try:
    import torchvision  # noqa: F401 - brings operators such as nms
except ImportError:
    pass


def plain(value):
    """Without the classes that only the module knows."""
    if isinstance(value, (list, tuple)):
        return (list if isinstance(value, list) else tuple)(plain(each) for each in value)
    if isinstance(value, dict):
        return {plain(key): plain(each) for key, each in value.items()}
    return value.value if isinstance(value, enum.Enum) else value


def load(path):
    try:
        return torch.load(path, weights_only=False)
    except TypeError:
        return torch.load(path)


def results(model, inputs):
    module = torch.jit.load(model)
    module.eval()
    found = []
    for args in inputs:
        try:
            found.append({"value": plain(copy.deepcopy(module(*copy.deepcopy(args))))})
        except Exception as error:  # noqa: BLE001 - whatever the model does wrong is its result
            found.append({"problem": str(error).strip()})
    return found


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    # What models print would be among the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    with torch.no_grad():
        for line in sys.stdin:
            request = json.loads(line)
            try:
                torch.save(results(request["model"], load(request["inputs"])), request["outputs"])
                answer = {}
            except Exception as error:  # noqa: BLE001
                answer = {"problem": str(error).strip()}
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
