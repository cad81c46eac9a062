"""Compiles the zoo to archives for torch.jit.load and compares what these give with the eager models.

    python3 torchscript.py --petal path/to/petal.js [--set brief|some|quick|full] [--only NAME] [--form traced|scripted] [--other PYTHON ...]
                           [--jobs 2] [--report out.json]

In this Python, which has XNNPACK, the archive is fully optimized, and what it gives must also be, to the last bit, what the lite
interpreter makes of the same model compiled to a .ptl. Every `--other` Python runs an archive without packed weights.
Closes with "torchscript: N passed, N failed, 0 skipped".
"""

import argparse
import concurrent.futures
import copy
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import traceback

import torch
from torch.jit.mobile import _load_for_lite_interpreter

import check
import torchscript_run
import zoo


class Runner:
    """A process of another Python that runs archives; started anew when it dies."""

    def __init__(self, python):
        self.python = python
        self.process = None

    def run(self, model, inputs, folder):
        if self.process is None or self.process.poll() is not None:
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torchscript_run.py")
            self.process = subprocess.Popen([self.python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        paths = {"model": model, "inputs": os.path.join(folder, "inputs"), "outputs": os.path.join(folder, "outputs")}
        torch.save(inputs, paths["inputs"])
        self.process.stdin.write(json.dumps(paths) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise check.Mismatch(f"the process that ran the file ended with {self.process.wait()}")
        problem = json.loads(line).get("problem")
        if problem is not None:
            raise check.Mismatch(problem)
        return [RuntimeError(each["problem"]) if "problem" in each else each["value"] for each in torch.load(paths["outputs"])]


# Beside the language, what of it a minute is enough for.
BRIEF = {"mobilenet_v3_small", "resnet18", "nn.LSTM", "nn.TransformerEncoderLayer", "fasterrcnn (tiny)"}

runners = {}


def chosen(model, options):
    if options.only:
        return model.name in options.only
    return model.family == "language" or model.name in BRIEF if options.set == "brief" else model.part_of(options.set)


def compiled(options, source, target, form, block=()):
    """Whether there is a file; else why the model was refused."""
    command = ["node", os.path.abspath(options.petal), "optimize", source, "-o", target, "--format", form, "--json"]
    done = subprocess.run([*command, *(["--block", ",".join(block)] if block else [])], capture_output=True, text=True, timeout=check.COMPILE_SECONDS)
    if done.returncode == 0:
        return None
    try:
        return json.loads(done.stdout or done.stderr)["error"]["message"].strip()
    except (ValueError, KeyError, TypeError):
        return (done.stdout + done.stderr)[-2000:]


def same_bits(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and (a.is_quantized or torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same_bits, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same_bits(a[key], b[key]) for key in a)
    return a == b or a != a


def check_model(model, form, options):
    torch.set_num_threads(1)
    row = {"model": model.name, "form": form, "family": model.family, "status": "failed"}
    start = time.monotonic()
    try:
        eager = zoo.build(model)
        inputs = model.inputs()
        expected = torchscript_run.plain(check.outputs(copy.deepcopy(eager), inputs))
        with tempfile.TemporaryDirectory() as folder:
            source, full, portable, lite = (os.path.join(folder, name) for name in ("model.pt", "full.pt", "portable.pt", "model.ptl"))
            check.script_module(model, eager, inputs, form).save(source)
            del eager
            why = compiled(options, source, full, "torchscript")
            if why is not None:
                row["problem"] = why
                return row
            results = runners.setdefault(sys.executable, Runner(sys.executable)).run(full, inputs, folder)
            row["worst"], row["shapes"] = check.judge(results, source, form, inputs, expected, model.tolerance)
            if compiled(options, source, lite, "ptl") is None:
                mobile = torchscript_run.plain(check.outputs(_load_for_lite_interpreter(lite), inputs))
                for i, (ours, theirs) in enumerate(zip(results, mobile)):
                    if not isinstance(theirs, Exception) and not same_bits(ours, theirs):
                        raise check.Mismatch(f"input set {i}: other bits than from the .ptl")
                row["lite"] = True
            for python in options.other:
                why = compiled(options, source, portable, "torchscript", ["insert_fold_prepack_ops"])
                if why is not None:
                    raise check.Mismatch(f"without packed weights: {why}")
                results = runners.setdefault(python, Runner(python)).run(portable, inputs, folder)
                check.judge(results, source, form, inputs, expected, options.tolerance or 10 * model.tolerance)
        row["status"] = "passed"
    except check.Mismatch as mismatch:
        row["problem"] = str(mismatch)
    except Exception as error:  # noqa: BLE001
        row.update(problem=f"{type(error).__name__}: {error}", trace=traceback.format_exc())
    finally:
        row["seconds"] = round(time.monotonic() - start, 1)
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True, help="the built command, dist/cli.js of a packed and installed @petaljs/core")
    parser.add_argument("--set", choices=("brief", "some", "quick", "full"), default="some")
    parser.add_argument("--only", action="append", help="names to check, instead of a set")
    parser.add_argument("--form", choices=zoo.FORMS)
    parser.add_argument("--other", action="append", default=[], help="a further Python with PyTorch")
    parser.add_argument("--tolerance", type=float, help="of other Pythons; ten times the model's when left out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", help="where to write all rows as JSON")
    options = parser.parse_args()
    models = [m for m in zoo.all_models() if chosen(m, options)]
    tasks = [(m.name, form) for m in models for form in m.forms if options.form in (None, form)]
    if not tasks:
        sys.exit("no model of that name")
    rows = []
    known = {m.name: m for m in models}
    with concurrent.futures.ProcessPoolExecutor(options.jobs, multiprocessing.get_context("fork"), lambda: globals().update(known=known, options=options)) as pool:
        for done in concurrent.futures.as_completed([pool.submit(named, name, form) for name, form in tasks]):
            row = done.result()
            rows.append(row)
            detail = row.get("problem") or f"error {row['worst']:.1e}, {row['shapes']} shapes{'' if row.get('lite') else ', no .ptl'}"
            print(f"{row['status']:>8}  {row['model']} {row['form']} ({row['seconds']} s): {detail}", flush=True)
    rows.sort(key=lambda row: (row["family"], row["model"], row["form"]))
    if options.report:
        with open(options.report, "w") as out:
            json.dump({"torch": torch.__version__, "set": options.set, "rows": rows}, out, indent=1)
    failed = [row for row in rows if row["status"] == "failed"]
    print(f"torchscript: {len(rows) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    sys.exit(1 if failed else 0)


def named(name, form):
    return check_model(known[name], form, options)  # noqa: F821 - set where the process starts


if __name__ == "__main__":
    main()
