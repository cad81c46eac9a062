"""Runs our Vulkan files with PyTorch 1.13's own Vulkan kernels, on a driver that computes on the CPU, and compares with eager models.

    /usr/bin/python3 run.py --petal path/to/cli.js [--set quick|full] [--only NAME] [--jobs 1] [--report out.json]

Each model is compiled twice: with automatic transfer it is given CPU tensors and has to return CPU tensors; without, Vulkan tensors both
ways, which may fail for want of an operator when the compiler has warned of it. Inputs are batches of one image: Vulkan's convolutions know
no others. Models with tensors in tuples, lists and dicts are in models.py.
"""

import argparse
import copy
import json
import os
import sys
import tempfile

import torch
from torch.jit.mobile import _load_for_lite_interpreter

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(FOLDER, "../../differential"), os.path.join(FOLDER, "..")]

import check as differential  # noqa: E402
import driver  # noqa: E402
import models  # noqa: E402
import zoo  # noqa: E402
from values import devices, moved  # noqa: E402

TRANSFER = "vulkan_automatic_gpu_transfer"
QUICK = ("mobilenet_v2", "resnet18", "squeezenet1_1", "mobilenet_v3_small", "googlenet", "efficientnet_b0", "shufflenet_v2_x0_5", "nn.TransformerEncoderLayer")
FULL = (*QUICK, "nn.LSTM", "nn.GRU", "nn.RNN", "nn.MultiheadAttention", "alexnet", "densenet121", "inception_v3", "lraspp_mobilenet_v3_large", "mnasnet0_5", "regnet_x_400mf", "resnet50", "vgg11_bn")
# Sums are made in another order than on the CPU, and lavapipe's exponentials are less exact.
TOLERANCE = 1e-5


def zoo_model(name):
    model = zoo.named(name)

    def make():
        # One image each; two shapes are enough to show that none is built in.
        inputs = [tuple(t[:1] for t in args) for args in model.inputs()]
        return zoo.build(model), [inputs[0], inputs[-1]]

    return name, "traced", make


def container_model(name):
    kind, inputs = models.CONTAINERS[name]

    def make():
        torch.manual_seed(0)
        return zoo.randomize(kind(), 1), models.sets(inputs)

    return name, "scripted", make


class Task:
    """As check.py's run_all wants a model."""

    def __init__(self, name, form, make):
        self.name, self.make, self.form, self.family = name, make, form, "vulkan"


def check(model, form, options):
    row = {"model": model.name, "form": form, "family": model.family, "status": "passed", "checks": 0, "worst": 0.0}
    eager, inputs = model.make()
    expected = differential.outputs(copy.deepcopy(eager), inputs)
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "model.pt"), os.path.join(folder, "model.ptl")
        differential.script_module(model, eager, inputs, form).save(source)
        for block, device, where in (((), "cpu", {"cpu"}), ((TRANSFER,), "vulkan", {"vulkan"})):
            status, answer = differential.compile_with(options.petal, source, target, block, ["--backend", "vulkan"])
            if status != 0:
                raise differential.Mismatch(f"refused: {(answer.get('error') or {}).get('message', 'no message').strip()}")
            module = _load_for_lite_interpreter(target)
            for i, (args, wanted) in enumerate(zip(inputs, expected)):
                label = f"given {device} tensors, input set {i}"
                try:
                    with torch.inference_mode():
                        result = module(*moved(copy.deepcopy(args), lambda t: t.to(device)))
                except RuntimeError as error:
                    reason = str(error).strip().splitlines()[0][:120]
                    # Without transfer what Vulkan lacks fails, as in PyTorch's own files; the compiler has to have warned of it.
                    if not block or not any(lint["code"] == "MISSING_OPERATOR" for lint in answer["facts"]["lints"]):
                        raise differential.Mismatch(f"{label}: {reason}")
                    row["warned"] = reason
                    break
                if devices(result) != where:
                    raise differential.Mismatch(f"{label}: results on {', '.join(sorted(devices(result)))}")
                with torch.no_grad():
                    error = differential.worst_error(moved(result, lambda t: t.cpu()), wanted)
                if not error <= TOLERANCE:
                    raise differential.Mismatch(f"{label}: error {error:.2e}")
                row["worst"] = max(row["worst"], error)
                row["checks"] += 1
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--petal", required=True, help="the built command, dist/cli.js of a packed and installed @petaljs/core")
    parser.add_argument("--set", choices=("quick", "full"), default="quick")
    parser.add_argument("--only", action="append", help="names to run, instead of a set")
    parser.add_argument("--jobs", type=int, default=1, help="the driver takes all processors anyway")
    parser.add_argument("--report", help="where to write all rows as JSON")
    options = parser.parse_args()
    driver.load()
    tasks = [container_model(name) for name in models.CONTAINERS] + [zoo_model(name) for name in (QUICK if options.set == "quick" else FULL)]
    if options.only:
        known = {name: container_model(name) for name in models.CONTAINERS}
        tasks = [known.get(name) or zoo_model(name) for name in options.only]
    rows = []
    for row in differential.run_all([(Task(*task), task[1]) for task in tasks], options, check):
        rows.append(row)
        detail = row.get("problem") or f"error {row['worst']:.1e}, {row['checks']} runs" + (f"; fails without transfer, as warned: {row['warned']}" if "warned" in row else "")
        print(f"{row['status']:>8}  {row['model']} {row['form']} ({row['seconds']} s): {detail}", flush=True)
    if options.report:
        with open(options.report, "w") as out:
            json.dump({"torch": torch.__version__, "set": options.set, "rows": rows}, out, indent=1)
    failed = [row for row in rows if row["status"] == "failed"]
    print(f"vulkan: {len(rows) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
