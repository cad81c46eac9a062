"""Compiles the zoo for Vulkan and Metal, compares each file with what PyTorch's own passes make, and runs it as the device would.

    /usr/bin/python3 compare.py --petal path/to/cli.js [--set quick|full] [--only NAME] [--form traced|scripted] [--backend vulkan|metal]
                                [--jobs 2] [--report out.json]

PyTorch's passes run by the library of shim/ (see README.md). Per model, form and backend:
- operators: how often each is called, and with which packed weights, each with its class and whole state; names of attributes;
- differences are allowed for the reasons in differences.py alone, and counted;
- the file is run with tensors of the device, and for Vulkan also with CPU tensors that it moves itself: on every input set the outputs are
  the eager model's, and are on the device that they ought to be on.
"""

import argparse
import collections
import copy
import json
import os
import sys
import tempfile

import torch
from torch.jit.mobile import _load_for_lite_interpreter
from torch.utils.mobile_optimizer import optimize_for_mobile

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(FOLDER, "../differential"))

import check as differential  # noqa: E402
import differences  # noqa: E402
import shim  # noqa: E402
import zoo  # noqa: E402
from archive import Archive  # noqa: E402
from values import devices, moved  # noqa: E402

QUICK = {"mobilenet_v2", "resnet18", "mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5", "lraspp_mobilenet_v3_large", "googlenet", "googlenet (logits)"}
BACKENDS = ("vulkan", "metal")
TRANSFER = "vulkan_automatic_gpu_transfer"
# Of these what the files compute is compared, and not how.
OTHER_CODE = {
    # PyTorch's passes keep both answers to what `InstanceNorm2d` asks of ranks, the object of CorrBlock, and ReLUs behind convolutions, which our
    # compiler settles and fuses; they compute a grid of constants, which our compiler leaves to the runtime.
    "raft_small", "raft_large",
    # The object that counts is a constant of the code there, and an attribute here.
    "ClassKept",
    # Hand-written for what PyTorch's passes do not see or do wrongly: layers that are called twice, weights of doubles, dropouts of other kinds,
    # constants of operators that our compiler leaves to the runtime, names of classes.
    "BufferInPlace", "ModuleContainers", "Indexing", "Dtypes", "ConvReLULinear", "OneConvTwoNorms", "CalledTwice", "DoubleNet", "Clamps",
    "Dropouts", "Matmuls", "SharedWeights", "TrainModeBatchNorm", "Old",
}


class Failed(differential.Mismatch):
    """The file could not be run, rather than that it computes something else."""


def part_of(model, selection):
    return selection == "full" or model.name in QUICK or model.family == "sequence"


def compile_with(petal, source, target, backend, block=()):
    status, answer = differential.compile_with(petal, source, target, block, ["--backend", backend])
    if status != 0:
        raise differential.Mismatch(f"refused for {backend}: {(answer.get('error') or {}).get('message', 'no message').strip()}")
    return answer


def upstream(source, target, backend):
    """What PyTorch's own pass makes of the archive; returns why there is nothing."""
    try:
        optimize_for_mobile(torch.jit.load(source), backend=backend)._save_for_lite_interpreter(target)
        try:
            Archive(target)
        except TypeError:
            # Members of enums are written as no pickle has them: PyTorch cannot read the file, either.
            _load_for_lite_interpreter(target)
            raise
        return None
    except Exception as error:  # noqa: BLE001 - whatever stops PyTorch's pass is the answer
        return str(error).strip().split("\n")[0]


def run(target, form, source, inputs, expected, tolerance, where, to_device):
    """Worst error over the input sets that count, checking on which device the results are."""
    try:
        module = _load_for_lite_interpreter(target)
    except RuntimeError as error:
        raise differential.Mismatch(f"does not load: {str(error).strip().splitlines()[0]}")
    worst, counted = 0.0, 0
    for i, (args, wanted) in enumerate(zip(inputs, expected)):
        problem, kind = None, differential.Mismatch
        try:
            with torch.inference_mode():
                result = module(*moved(copy.deepcopy(args), to_device))
            found = devices(result)
            if not found <= where:
                raise differential.Mismatch(f"results are on {', '.join(sorted(found))}")
            with torch.no_grad():
                error = differential.worst_error(moved(result, lambda t: t.cpu()), wanted)
            if error > tolerance:
                problem = f"error {error:.2e} is above {tolerance:.0e}"
        except (RuntimeError, differential.Mismatch) as failure:
            problem, kind = str(failure).strip().splitlines()[0], Failed if isinstance(failure, RuntimeError) else differential.Mismatch
        if problem is None:
            worst, counted = max(worst, error), counted + 1
        elif not (form == "traced" and i > 0 and not generalizes(source, args, wanted, tolerance)):
            raise kind(f"input set {i}: {problem}")
    return worst, counted


def generalizes(source, args, wanted, tolerance):
    """Whether a trace is right on inputs that it was not made with."""
    [reference] = differential.outputs(torch.jit.load(source), [args])
    try:
        return not isinstance(reference, Exception) and differential.worst_error(reference, wanted) <= tolerance
    except differential.Mismatch:
        return False


def on_device(backend):
    return (lambda t: t.to("vulkan")) if backend == "vulkan" else torch.ops.petal_gpu.to_metal


def check(model, form, options):
    torch.set_num_threads(1)
    torch.ops.petal_gpu.require_device(True)
    row = {"model": model.name, "form": form, "family": model.family, "status": "passed", "checks": 0, "worst": 0.0, "backends": {}}
    eager = zoo.build(model)
    inputs = model.inputs()
    expected = differential.outputs(copy.deepcopy(eager), inputs)
    with tempfile.TemporaryDirectory() as folder:
        source, ours, theirs = (os.path.join(folder, name) for name in ("model.pt", "ours.ptl", "theirs.ptl"))
        differential.script_module(model, eager, inputs, form).save(source)
        for backend in options.backend or BACKENDS:
            for name in (ours, theirs):
                if os.path.exists(name):
                    os.remove(name)
            block = (TRANSFER,) if backend == "vulkan" else ()
            try:
                answer = compile_with(options.petal, source, ours, backend, block)
                why = upstream(source, theirs, backend)
                entry = row["backends"][backend] = {"upstream": why}
                if why is None:
                    applied, left = differences.compare(Archive(ours), Archive(theirs), backend)
                    entry["differences"] = applied
                    if left and model.name not in OTHER_CODE:
                        raise differential.Mismatch("not as PyTorch's pass has it: " + "; ".join(left))
                # Outputs of Metal files are copied to the CPU; tensors of whole numbers are on the CPU throughout.
                where = {"vulkan", "cpu"} if backend == "vulkan" else {"cpu"}
                row["checks"] += 1
                try:
                    worst, counted = run(ours, form, source, inputs, expected, model.tolerance, where, on_device(backend))
                except Failed as failure:
                    # As PyTorch's own file would: the compiler has to have warned of it.
                    if not any(lint["code"] == "MISSING_OPERATOR" for lint in answer["facts"]["lints"]):
                        raise
                    entry["device"] = str(failure)
                    worst, counted = 0.0, 0
                if backend == "vulkan":
                    compile_with(options.petal, source, ours, backend)
                    again, counted = run(ours, form, source, inputs, expected, model.tolerance, {"cpu"}, lambda t: t)
                    worst = max(worst, again)
                    row["checks"] += 1
                entry.update(worst=worst, shapes=counted)
                row["worst"] = max(row["worst"], worst)
            except differential.Mismatch as mismatch:
                row["status"] = "failed"
                row["problem"] = "; ".join(filter(None, [row.get("problem"), f"{backend}: {mismatch}"]))
                row["backends"].setdefault(backend, {"upstream": None})["problem"] = str(mismatch)
    return row


def summary(row):
    if row.get("problem"):
        return row["problem"]
    used = collections.Counter()
    for entry in row["backends"].values():
        used.update(entry.get("differences") or {})
    notes = [f"{name} {count}" for name, count in sorted(used.items())]
    notes += [f"{backend}: not on the device alone ({entry['device'][:120]})" for backend, entry in row["backends"].items() if "device" in entry]
    notes += [f"{backend}: PyTorch's pass fails ({entry['upstream'][:120]})" for backend, entry in row["backends"].items() if entry["upstream"]]
    return f"error {row['worst']:.1e}" + (f", {', '.join(notes)}" if notes else ", as PyTorch's")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--petal", required=True, help="the built command, dist/cli.js of a packed and installed @petaljs/core")
    parser.add_argument("--set", choices=("quick", "full"), default="quick")
    parser.add_argument("--only", action="append", help="names to check, instead of a set")
    parser.add_argument("--form", choices=zoo.FORMS)
    parser.add_argument("--backend", action="append", choices=BACKENDS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", help="where to write all rows as JSON")
    options = parser.parse_args()
    shim.load()
    models = [m for m in zoo.all_models() if (m.name in options.only if options.only else part_of(m, options.set))]
    tasks = [(m, form) for m in models for form in m.forms if options.form in (None, form)]
    if not tasks:
        sys.exit("no model of that name")
    rows = []
    for row in differential.run_all(tasks, options, check):
        rows.append(row)
        detail = row["problem"] if "backends" not in row else summary(row)
        print(f"{row['status']:>8}  {row['model']} {row['form']} ({row['seconds']} s): {detail}", flush=True)
    if options.report:
        with open(options.report, "w") as out:
            json.dump({"torch": torch.__version__, "set": options.set, "backends": options.backend or list(BACKENDS), "rows": rows}, out, indent=1)
    failed = [row for row in rows if row["status"] == "failed"]
    print(f"gpu: {len(rows) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
