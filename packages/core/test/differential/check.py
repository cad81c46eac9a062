"""Compiles the zoo with the packed command and compares each emitted file, run by PyTorch's lite interpreter, with the eager model.

    python3 check.py --petal path/to/petal.js [--set quick|full] [--only NAME] [--form traced|scripted] [--blocked] [--jobs 2] [--report out.json]
                     [--source python [--python EXECUTABLE]]    the models as Python source, see check_sources.py

Every model and form is checked in a process of its own, so a crash of the runtime is one failed row. The oracle is always the
original eager model. A second input set counts for a traced model only where the trace itself generalizes to it.
"""

import argparse
import copy
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import traceback
import warnings

import torch
from torch.jit.mobile import _load_for_lite_interpreter
from torch.utils.mobile_optimizer import optimize_for_mobile

import check_sources
import zoo

OPTIMIZATIONS = ("conv_1d_to_2d", "conv_bn_fusion", "insert_fold_prepack_ops", "remove_dropout", "fuse_add_relu", "hoist_conv_packed_params")
# Generous: the largest models take some ten seconds on a slow machine.
COMPILE_SECONDS = 300
MODEL_SECONDS = 1500


class Mismatch(Exception):
    pass


def worst_error(actual, expected, path="output"):
    """Largest difference relative to the expected tensor's largest magnitude; raises Mismatch where structures differ."""
    if isinstance(expected, torch.Tensor):
        if not isinstance(actual, torch.Tensor) or actual.shape != expected.shape or actual.dtype != expected.dtype:
            raise Mismatch(f"{path}: {describe(actual)} instead of {describe(expected)}")
        if expected.numel() == 0:
            return 0.0
        if not (expected.is_floating_point() or expected.is_complex()):
            if not torch.equal(actual, expected):
                raise Mismatch(f"{path}: different {expected.dtype} values")
            return 0.0
        wide = torch.complex128 if expected.is_complex() else torch.float64
        actual, expected = actual.detach().to(wide), expected.detach().to(wide)
        if not torch.equal(torch.isnan(actual.abs()), torch.isnan(expected.abs())) or not torch.equal(torch.isinf(actual.abs()), torch.isinf(expected.abs())):
            raise Mismatch(f"{path}: NaN or infinity in different places")
        finite = torch.isfinite(expected.abs())
        if not finite.any():
            return 0.0
        scale = expected[finite].abs().max().item()
        error = (actual[finite] - expected[finite]).abs().max().item()
        return error / scale if scale > 0 else error
    if isinstance(expected, (list, tuple)):
        if not isinstance(actual, (list, tuple)) or len(actual) != len(expected):
            raise Mismatch(f"{path}: {describe(actual)} instead of {describe(expected)}")
        return max((worst_error(a, e, f"{path}[{i}]") for i, (a, e) in enumerate(zip(actual, expected))), default=0.0)
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or list(actual) != list(expected):
            raise Mismatch(f"{path}: {describe(actual)} instead of {describe(expected)}")
        return max((worst_error(actual[k], expected[k], f"{path}[{k!r}]") for k in expected), default=0.0)
    if isinstance(expected, float) and not isinstance(expected, bool):
        if not isinstance(actual, float) or not (actual == expected or math.isclose(actual, expected, rel_tol=1e-6) or (actual != actual and expected != expected)):
            raise Mismatch(f"{path}: {actual!r} instead of {expected!r}")
        return 0.0
    if type(actual) is not type(expected) or actual != expected:
        raise Mismatch(f"{path}: {actual!r} instead of {expected!r}")
    return 0.0


def describe(value):
    if isinstance(value, torch.Tensor):
        return f"{value.dtype} tensor of shape {list(value.shape)}"
    return f"{type(value).__name__} of {len(value)}" if isinstance(value, (list, tuple, dict)) else repr(value)


def outputs(module, inputs):
    """Runs all input sets in order on one module, as an app would: state carries over."""
    results = []
    with torch.no_grad():
        for args in inputs:
            try:
                results.append(copy.deepcopy(module(*copy.deepcopy(args))))
            except Exception as error:  # noqa: BLE001 - any failure of the model is a result here
                results.append(error)
    return results


def script_module(model, eager, inputs, form):
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if form == "scripted":
            return torch.jit.script(eager)
        return torch.jit.trace(copy.deepcopy(eager), copy.deepcopy(inputs[0]), check_trace=False, strict=False)


def compile_with(petal, source, target, block, more=()):
    command = ["node", petal, "optimize", source, "-o", target, "--json", *more]
    if block:
        command += ["--block", ",".join(block)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS)
    try:
        answer = json.loads(done.stdout or done.stderr)
    except ValueError:
        return done.returncode, {"error": {"message": (done.stdout + done.stderr)[-2000:], "code": "NO_JSON"}}
    return done.returncode, answer


def oracle_works(source, inputs, expected, tolerance):
    """Whether PyTorch itself can save this archive for the lite interpreter and run it rightly. Returns None, or why not."""
    try:
        with tempfile.NamedTemporaryFile(suffix=".ptl") as file:
            torch.jit.load(source)._save_for_lite_interpreter(file.name)
            results = outputs(_load_for_lite_interpreter(file.name), inputs)
        for result, wanted in zip(results, expected):
            if isinstance(result, Exception):
                return str(result).strip().split("\n")[0]
            if worst_error(result, wanted) > tolerance:
                return "PyTorch's own lite file gives other numbers"
    except Exception as error:  # noqa: BLE001
        return str(error).strip().split("\n")[0]
    return None


def upstream_error(source, inputs, expected):
    """What PyTorch's own optimize_for_mobile makes of the same archive: its relative error on the first inputs, or why there is none."""
    try:
        with tempfile.NamedTemporaryFile(suffix=".ptl") as file:
            optimize_for_mobile(torch.jit.load(source))._save_for_lite_interpreter(file.name)
            result = outputs(_load_for_lite_interpreter(file.name), inputs[:1])[0]
        if isinstance(result, Exception):
            raise result
        return worst_error(result, expected[0])
    except Exception as error:  # noqa: BLE001
        return str(error).strip().split("\n")[0]


def compare(target, source, form, inputs, expected, tolerance):
    """What `judge` says of a file for the lite interpreter."""
    return judge(outputs(_load_for_lite_interpreter(target), inputs), source, form, inputs, expected, tolerance)


def judge(results, source, form, inputs, expected, tolerance):
    """Worst error over the input sets that count, and how many of them do. Raises Mismatch where one is too large."""
    worst, counted, reference = 0.0, 0, None
    for i, (result, wanted) in enumerate(zip(results, expected)):
        problem = None
        if isinstance(result, Exception):
            problem = f"input set {i}: {str(result).strip().splitlines()[0]}"
        else:
            try:
                error = worst_error(result, wanted)
                if error > tolerance:
                    problem = f"input set {i}: error {error:.2e} is above {tolerance:.0e}"
            except Mismatch as mismatch:
                problem = f"input set {i}: {mismatch}"
        if problem is None:
            worst, counted = max(worst, error), counted + 1
            continue
        if form == "traced" and i > 0:
            reference = reference or outputs(torch.jit.load(source), inputs)
            if isinstance(reference[i], Exception):
                continue
            try:
                if worst_error(reference[i], wanted) > tolerance:
                    continue
            except Mismatch:
                continue
        raise Mismatch(problem)
    return worst, counted


def check(model, form, options):
    torch.set_num_threads(1)
    row = {"model": model.name, "form": form, "family": model.family, "status": "failed", "checks": 0}
    eager = zoo.build(model)
    inputs = model.inputs()
    expected = outputs(copy.deepcopy(eager), inputs)
    for wanted in expected:
        if isinstance(wanted, Exception):
            raise wanted
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "model.pt")
        script_module(model, eager, inputs, form).save(source)
        del eager
        variants = [()]
        if options.blocked and model.blocked:
            variants += [(name,) for name in OPTIMIZATIONS] + [OPTIMIZATIONS]
        for block in variants:
            target = os.path.join(folder, "model.ptl")
            if os.path.exists(target):
                os.remove(target)
            status, answer = compile_with(os.path.abspath(options.petal), source, target, block)
            where = f"with {', '.join(block)} blocked: " if block else ""
            if status != 0:
                message = (answer.get("error") or {}).get("message", "no message").strip()
                if os.path.exists(target):
                    return dict(row, problem=f"{where}refused, but a file was written: {message}")
                why = oracle_works(source, inputs, expected, model.tolerance)
                if status != 1 or why is None:
                    return dict(row, problem=f"{where}refused (exit {status}), though PyTorch can: {message}")
                return dict(row, status="refused", why=message.split("\n")[0], pytorch=why, checks=row["checks"] + 1)
            try:
                worst, counted = compare(target, source, form, inputs, expected, model.tolerance)
            except Mismatch as mismatch:
                why = oracle_works(source, inputs, expected, model.tolerance)
                note = "" if why is None else f" (PyTorch cannot either: {why})"
                return dict(row, problem=f"{where}{mismatch}{note}")
            row["checks"] += 1
            if not block:
                operators = answer["facts"]["operators"]
                row.update(worst=worst, shapes=counted, before=sum(operators["before"].values()), after=sum(operators["after"].values()),
                           bytes=[os.path.getsize(source), os.path.getsize(target)])
            else:
                row["worst"] = max(row["worst"], worst)
        if options.upstream:
            row["upstream"] = upstream_error(source, inputs, expected)
    row["status"] = "passed"
    return row


def run_all(tasks, options, check=check):
    """One forked process per task, `--jobs` at a time; yields rows in the order they finish."""
    waiting, running = list(reversed(tasks)), {}
    while waiting or running:
        while waiting and len(running) < options.jobs:
            model, form = waiting.pop()
            sys.stdout.flush()
            file = tempfile.NamedTemporaryFile("r", suffix=".json")
            pid = os.fork()
            if pid == 0:
                try:
                    devnull = os.open(os.devnull, os.O_WRONLY)
                    os.dup2(devnull, 1)
                    os.dup2(devnull, 2)
                    try:
                        row = check(model, form, options)
                    except BaseException as error:  # noqa: BLE001
                        row = {"model": model.name, "form": form, "family": model.family, "status": "failed", "checks": 0,
                               "problem": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
                    with open(file.name, "w") as out:
                        json.dump(row, out)
                finally:
                    os._exit(0)
            running[pid] = (model, form, file, time.monotonic())
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            for child, (_, _, _, start) in running.items():
                if time.monotonic() - start > MODEL_SECONDS:
                    os.kill(child, 9)
            time.sleep(0.02)
            continue
        model, form, file, start = running.pop(pid)
        text = file.read()
        row = json.loads(text) if text else {"model": model.name, "form": form, "family": model.family, "status": "failed", "checks": 0,
                                             "problem": f"the process that ran the file ended with signal {status & 127}"}
        row["seconds"] = round(time.monotonic() - start, 1)
        yield row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True, help="the built command, dist/cli.js of a packed and installed @petaljs/core")
    parser.add_argument("--source", choices=("archive", "python"), default="archive", help="what is built: a TorchScript archive, or a Python file")
    parser.add_argument("--python", default=sys.executable, help="with PyTorch, for what converts Python files")
    parser.add_argument("--set", choices=("some", "quick", "full"), default="quick")
    parser.add_argument("--only", action="append", help="names to check, instead of a set")
    parser.add_argument("--form", choices=zoo.FORMS)
    parser.add_argument("--blocked", action="store_true", help="also with optimizations blocked")
    parser.add_argument("--upstream", action="store_true", help="also measure PyTorch's own optimize_for_mobile")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", help="where to write all rows as JSON")
    options = parser.parse_args()
    models = [m for m in zoo.all_models() if (m.name in options.only if options.only else m.part_of(options.set))]
    tasks = [(m, form) for m in models for form in m.forms if options.form in (None, form)]
    if not tasks:
        sys.exit("no model of that name")
    rows = []
    for row in (check_sources.run_all if options.source == "python" else run_all)(tasks, options):
        rows.append(row)
        detail = row.get("problem") or row.get("why") or f"error {row['worst']:.1e}, {row['shapes']} shapes, operators {row['before']} -> {row['after']}"
        print(f"{row['status']:>8}  {row['model']} {row['form']} ({row['seconds']} s): {detail}", flush=True)
    rows.sort(key=lambda row: (row["family"], row["model"], row["form"]))
    if options.report:
        with open(options.report, "w") as out:
            json.dump({"torch": torch.__version__, "source": options.source, "set": options.set, "rows": rows}, out, indent=1)
    failed = [row for row in rows if row["status"] == "failed"]
    print(f"differential: {len(rows) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
