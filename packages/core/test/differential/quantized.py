"""Compiles quantized models with the packed command and compares each emitted file, run by PyTorch's lite interpreter, with the eager model: to the last bit.

    python3 quantized.py --petal path/to/petal.js [--set quick|full] [--engine ENGINE] [--only NAME] [--form traced|scripted] [--jobs 2] [--report out.json]

Every engine that this PyTorch has is checked: file and eager model run on the same. Every model, form and engine is a process of its own.
A second input set counts for a traced model only where the trace itself generalizes to it.
"""

import argparse
import copy
import json
import os
import struct
import sys
import tempfile
import time
import traceback

import torch
import torch.backends.xnnpack
from torch.jit.mobile import _load_for_lite_interpreter

from check import Mismatch, compile_with, describe, outputs, script_module, worst_error
from quantized_models import ENGINES, quantized_models
from zoo import FORMS

# Float layers that XNNPACK computes: other bits, as it sums in another order.
FLOAT = ("insert_fold_prepack_ops", "conv_bn_fusion")
TOLERANCE = 0.1
SECONDS = 600


def bits(tensor):
    """The memory of a tensor's elements, as integers."""
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    as_int = {torch.float32: torch.int32, torch.float64: torch.int64, torch.float16: torch.int16, torch.bfloat16: torch.int16}
    return tensor.detach().contiguous().view(as_int[tensor.dtype]) if tensor.dtype in as_int else tensor


def same(actual, expected, path="output"):
    """Raises Mismatch where anything differs: a bit of a float, a quantized value, a scale, a zero point, a type."""
    if isinstance(expected, torch.Tensor):
        if not isinstance(actual, torch.Tensor) or actual.shape != expected.shape or actual.dtype != expected.dtype:
            raise Mismatch(f"{path}: {describe(actual)} instead of {describe(expected)}")
        if expected.is_quantized:
            if actual.qscheme() != expected.qscheme():
                raise Mismatch(f"{path}: {actual.qscheme()} instead of {expected.qscheme()}")
            if expected.qscheme() == torch.per_tensor_affine:
                same((actual.q_scale(), actual.q_zero_point()), (expected.q_scale(), expected.q_zero_point()), f"{path}, quantization")
            else:
                same((actual.q_per_channel_scales(), actual.q_per_channel_zero_points(), actual.q_per_channel_axis()),
                     (expected.q_per_channel_scales(), expected.q_per_channel_zero_points(), expected.q_per_channel_axis()), f"{path}, quantization")
            same(actual.int_repr(), expected.int_repr(), f"{path}, quantized values")
            return same(actual.dequantize(), expected.dequantize(), f"{path}, dequantized")
        if not torch.equal(bits(actual), bits(expected)):
            count = int((bits(actual) != bits(expected)).sum())
            raise Mismatch(f"{path}: {count} of {expected.numel()} {expected.dtype} values differ")
    elif isinstance(expected, (list, tuple)):
        if not isinstance(actual, (list, tuple)) or len(actual) != len(expected):
            raise Mismatch(f"{path}: {describe(actual)} instead of {describe(expected)}")
        for i, (a, e) in enumerate(zip(actual, expected)):
            same(a, e, f"{path}[{i}]")
    elif isinstance(expected, dict):
        if not isinstance(actual, dict) or list(actual) != list(expected):
            raise Mismatch(f"{path}: {describe(actual)} instead of {describe(expected)}")
        for key in expected:
            same(actual[key], expected[key], f"{path}[{key!r}]")
    elif type(actual) is not type(expected) or (struct.pack("d", actual) != struct.pack("d", expected) if isinstance(expected, float) else actual != expected):
        raise Mismatch(f"{path}: {actual!r} instead of {expected!r}")


def near(actual, expected):
    error = worst_error(actual, expected)
    if error > TOLERANCE:
        raise Mismatch(f"error {error:.2e}")


def compare(target, source, form, inputs, expected, judge):
    """How many input sets agree; those count that the saved module itself runs as the eager one does."""
    results = outputs(_load_for_lite_interpreter(target), inputs)
    reference = outputs(torch.jit.load(source), inputs)
    counted = 0
    for i, (result, wanted, saved) in enumerate(zip(results, expected, reference)):
        if i > 0 and form == "traced":
            try:
                if isinstance(saved, Exception):
                    continue
                same(saved, wanted)
            except Mismatch:
                continue
        if isinstance(result, Exception):
            raise Mismatch(f"input set {i}: {str(result).strip().splitlines()[0]}")
        try:
            judge(result, wanted)
        except Mismatch as mismatch:
            raise Mismatch(f"input set {i}: {mismatch}") from None
        counted += 1
    return counted


def saved_by_pytorch(source, inputs, expected):
    """Whether PyTorch itself can save this archive for the lite interpreter and run it to the same bits. Returns None, or why not."""
    try:
        with tempfile.NamedTemporaryFile(suffix=".ptl") as file:
            torch.jit.load(source)._save_for_lite_interpreter(file.name)
            for result, wanted in zip(outputs(_load_for_lite_interpreter(file.name), inputs[:1]), expected):
                if isinstance(result, Exception):
                    raise result
                same(result, wanted)
    except Exception as error:  # noqa: BLE001
        return str(error).strip().split("\n")[0]
    return None


def check(model, form, engine, options):
    torch.set_num_threads(1)
    torch.backends.quantized.engine = engine
    row = {"model": model.name, "form": form, "engine": engine, "family": "quantized", "status": "failed", "checks": 0}
    eager = model.make(engine)
    inputs = model.inputs()
    expected = outputs(copy.deepcopy(eager), inputs)
    if isinstance(expected[0], Exception):
        raise expected[0]
    # Builds without XNNPACK cannot load what is packed for it.
    always = () if torch.backends.xnnpack.enabled else FLOAT
    variants = [(always, same)] if model.exact or always else [((), near), (FLOAT, same)]
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "model.pt"), os.path.join(folder, "model.ptl")
        script_module(model, eager, inputs, form).save(source)
        del eager
        for block, judge in variants:
            status, answer = compile_with(os.path.abspath(options.petal), source, target, block)
            where = f"with {', '.join(block)} blocked: " if block else ""
            if status != 0:
                message = (answer.get("error") or {}).get("message", "no message").strip()
                why = saved_by_pytorch(source, inputs, expected)
                if status != 1 or why is None:
                    return dict(row, problem=f"{where}refused (exit {status}), though PyTorch can: {message}")
                return dict(row, status="refused", why=message.split("\n")[0], pytorch=why, checks=row["checks"] + 1)
            try:
                counted = compare(target, source, form, inputs, expected, judge)
            except Mismatch as mismatch:
                why = saved_by_pytorch(source, inputs, expected)
                note = "" if why is None else f" (PyTorch cannot either: {why})"
                return dict(row, problem=f"{where}{mismatch}{note}")
            operators = answer["facts"]["operators"]
            row.update(checks=row["checks"] + 1, shapes=counted, before=sum(operators["before"].values()), after=sum(operators["after"].values()),
                       operators=operators["after"], bytes=[os.path.getsize(source), os.path.getsize(target)])
    return dict(row, status="passed")


def start(task, options):
    """A process that writes the row of a task to a file, so that a crash of the runtime is one failed row."""
    model, form, engine = task
    file = tempfile.NamedTemporaryFile("r", suffix=".json")
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            try:
                row = check(model, form, engine, options)
            except BaseException as error:  # noqa: BLE001
                row = failed(task, f"{type(error).__name__}: {error}", trace=traceback.format_exc())
            with open(file.name, "w") as out:
                json.dump(row, out)
        finally:
            os._exit(0)
    return pid, (task, file, time.monotonic())


def failed(task, problem, **more):
    model, form, engine = task
    return {"model": model.name, "form": form, "engine": engine, "family": "quantized", "status": "failed", "checks": 0, "problem": problem, **more}


def rows_of(tasks, options):
    """Rows in the order they finish, `--jobs` at a time."""
    waiting, running = list(reversed(tasks)), {}
    while waiting or running:
        while waiting and len(running) < options.jobs:
            pid, entry = start(waiting.pop(), options)
            running[pid] = entry
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            for child, (_, _, begin) in running.items():
                if time.monotonic() - begin > SECONDS:
                    os.kill(child, 9)
            time.sleep(0.01)
            continue
        task, file, begin = running.pop(pid)
        text = file.read()
        row = json.loads(text) if text else failed(task, f"the process that ran the file ended with signal {status & 127}")
        yield dict(row, seconds=round(time.monotonic() - begin, 1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True, help="the built command, dist/cli.js of a packed and installed @petaljs/core")
    parser.add_argument("--set", choices=("quick", "full"), default="quick")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="engines to check, instead of all that PyTorch has")
    parser.add_argument("--only", action="append", help="names to check, instead of a set")
    parser.add_argument("--form", choices=FORMS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", help="where to write all rows as JSON")
    options = parser.parse_args()
    there = [engine for engine in ENGINES if engine in torch.backends.quantized.supported_engines and engine in (options.engine or ENGINES)]
    models = [m for m in quantized_models().values() if (m.name in options.only if options.only else options.set == "full" or m.quick)]
    tasks = [(m, form, engine) for m in models for engine in there if engine in m.engines for form in m.forms if options.form in (None, form)]
    if not there:
        print(f"quantized: SKIPPED, as this PyTorch has {', '.join(torch.backends.quantized.supported_engines)} only")
    elif not tasks:
        sys.exit("no model of that name for these engines")
    rows = []
    for row in rows_of(tasks, options):
        rows.append(row)
        detail = row.get("problem") or row.get("why") or f"{row['shapes']} shapes, operators {row['before']} -> {row['after']}"
        print(f"{row['status']:>8}  {row['model']} {row['form']} {row['engine']} ({row['seconds']} s): {detail}", flush=True)
    rows.sort(key=lambda row: (row["model"], row["form"], row["engine"]))
    if options.report:
        with open(options.report, "w") as out:
            json.dump({"torch": torch.__version__, "set": options.set, "rows": rows}, out, indent=1)
    failures = sum(row["status"] == "failed" for row in rows)
    print(f"quantized: {len(rows) - failures} passed, {failures} failed, 0 skipped")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
