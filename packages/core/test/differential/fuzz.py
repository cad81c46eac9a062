"""Random programs, compiled with every blocklist and run by PyTorch's lite interpreter or full JIT, against the eager module.

    python3 fuzz.py --petal path/to/dist/cli.js [--format ptl|torchscript] [--seed 1] [--count 150] [--jobs 2] [--keep folder] [--report out.json]

A program is called several times on inputs of several shapes. What it returns, what it does to its inputs, what an app that writes to
returned tensors changes by that in inputs and in later calls: all must be as in eager mode, or, where scripting or tracing itself
differs from that, as torch.jit.load runs the original archive. Closes with "fuzz: N passed, N failed, 0 skipped".
"""

import argparse
import copy
import hashlib
import importlib.util
import json
import math
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from random import Random

import torch
from torch.jit.mobile import _load_for_lite_interpreter

from fuzz_programs import write_program

OPTIMIZATIONS = ("conv_1d_to_2d", "conv_bn_fusion", "insert_fold_prepack_ops", "remove_dropout", "fuse_add_relu", "hoist_conv_packed_params")
SETTINGS = [(), *[(name,) for name in OPTIMIZATIONS], OPTIMIZATIONS]
# PyTorch itself refuses some programs; then the next of the same row is taken. Far fewer attempts are needed.
ATTEMPTS = 60
# Far above what any program needs; only an endless loop gets there.
PROGRAM_SECONDS = 60
# Folded and fused float32 arithmetic rounds differently; programs carry that on.
TOLERANCE = 1e-3


def tensors_in(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def difference(actual, expected, path):
    """What is not the same, in words, or None."""
    if isinstance(expected, Exception) or isinstance(actual, Exception):
        same = isinstance(expected, Exception) and isinstance(actual, Exception)
        return None if same else f"{path}: {brief(actual)} instead of {brief(expected)}"
    if isinstance(expected, torch.Tensor):
        if not isinstance(actual, torch.Tensor) or actual.shape != expected.shape or actual.dtype != expected.dtype:
            return f"{path}: {brief(actual)} instead of {brief(expected)}"
        if not expected.is_floating_point():
            return None if torch.equal(actual, expected) else f"{path}: {brief(actual)} instead of {brief(expected)}"
        finite = expected[expected.isfinite()]
        scale = max(1.0, finite.abs().max().item()) if finite.numel() else 1.0
        if not torch.allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE * min(scale, 1e30), equal_nan=True):
            return f"{path}: {brief(actual)} instead of {brief(expected)}"
        return None
    if isinstance(expected, (list, tuple, dict)):
        if type(actual) is not type(expected) or len(actual) != len(expected) or isinstance(expected, dict) and list(actual) != list(expected):
            return f"{path}: {brief(actual)} instead of {brief(expected)}"
        pairs = [(key, actual[key], expected[key]) for key in expected] if isinstance(expected, dict) else [(i, a, e) for i, (a, e) in enumerate(zip(actual, expected))]
        return next((found for key, a, e in pairs if (found := difference(a, e, f"{path}[{key!r}]"))), None)
    if isinstance(expected, float):
        same = isinstance(actual, float) and (actual == expected or math.isclose(actual, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE) or actual != actual and expected != expected)
    else:
        same = type(actual) is type(expected) and actual == expected
    return None if same else f"{path}: {actual!r} instead of {expected!r}"


def brief(value):
    text = str(value).strip().replace("\n", " ") if not isinstance(value, torch.Tensor) else f"{list(value.shape)} {value.dtype} {value.flatten()[:6].tolist()}"
    return f"{type(value).__name__} {text[:160]}"


def inputs_for(seed, traced):
    """Arguments of successive calls."""
    generator = torch.Generator().manual_seed(seed)

    def randn(*shape):
        return torch.randn(*shape, generator=generator)

    def picture(*shape):
        return randn(*shape).to(memory_format=random.choice([torch.contiguous_format, torch.channels_last]))

    random, calls = Random(seed), []
    for batch, height, width, n, f in [(2, 5, 4, 2, 0.5), (1, 3, 6, -3, -1.25), (3, 6, 2, 5, 2.0), (2, 5, 4, 0, 0.1)]:
        tensors = (randn(4, 4) if random.random() < 0.7 else randn(4, 4).t(), randn(4), torch.randint(-5, 6, (4,), generator=generator), picture(batch, 4, height, width))
        calls.append(tensors if traced else (*tensors, n, f))
    return calls


def randomize(module, seed):
    """Random parameters and statistics: with the defaults a wrong fold would go unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for child in module.modules():
            if isinstance(child, (torch.nn.modules.batchnorm._BatchNorm, torch.nn.GroupNorm)):
                for name, low, high in (("running_mean", -0.3, 0.3), ("running_var", 0.5, 1.5), ("weight", 0.6, 1.4), ("bias", -0.2, 0.2)):
                    tensor = getattr(child, name, None)
                    if tensor is not None:
                        tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)
            elif hasattr(child, "kernel_size") or isinstance(child, torch.nn.Linear):
                for tensor in child.parameters():
                    tensor.copy_(torch.rand(tensor.shape, generator=generator) - 0.5)
    return module.eval().requires_grad_(False)


def play(module, calls):
    """Everything an app can see: results and inputs after each call, and what became of them all in the end."""
    seen, kept = [], []
    for number, args in enumerate(copy.deepcopy(calls)):
        try:
            result = module(*args)
            seen.append(copy.deepcopy(result))
        except Exception as error:  # noqa: BLE001 - any failure of the program is a result here
            result = error
            seen.append(error)
        seen.append(copy.deepcopy(list(args)))
        if number in (0, 2) and not isinstance(result, Exception):
            for tensor in tensors_in(result):
                try:
                    tensor.add_(1)
                except RuntimeError:
                    pass  # bool, or more elements than memory
        kept.append([None if isinstance(result, Exception) else list(tensors_in(result)), list(args)])
    return seen + copy.deepcopy(kept)


def raised(error):
    """Whether the program raised the error by a statement of its own, which no compiler may leave out."""
    return isinstance(error, (ValueError, AssertionError)) or "builtins." in str(error) or "AssertionError" in str(error)


def compared(actual, expected):
    """What is not the same, or None. An operation whose result nothing needs need not run, though it would fail; then the rest cannot be compared."""
    for index, (a, e) in enumerate(zip(actual, expected)):
        half = len(expected) * 2 // 3
        path = f"{('result', 'inputs')[index % 2]} of call {index // 2}" if index < half else f"in the end, call {index - half}"
        if isinstance(e, Exception) and not isinstance(a, Exception) and not raised(e):
            return None
        found = difference(a, e, path)
        if found:
            return found
    return None


class Compiler:
    """The compiler, kept running: starting Node takes longer than compiling."""

    def __init__(self, petal, form):
        self.form = form
        driver = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuzz-compile.mjs")
        module = os.path.join(os.path.dirname(os.path.abspath(petal)), "compiler.js")
        self.process = subprocess.Popen(["node", driver, module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def compile(self, source, target, block):
        self.process.stdin.write(json.dumps({"source": source, "target": target, "block": block, "format": self.form}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the compiler ended")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def load(path):
    spec = importlib.util.spec_from_file_location("program", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["program"] = module
    spec.loader.exec_module(module)
    return module.Program()


def captured_by(module):
    """
    What a trace takes as constants: tensors that are neither parameters nor buffers. Where the traced run writes to them there is nothing to
    compare with: the trace starts from what it wrote itself, and PyTorch's loader drops the writes.
    """
    return [value.clone() for value in vars(module).values() if isinstance(value, torch.Tensor)]


def prepare(seed, folder):
    """The first program of this seed that PyTorch accepts: its row, eager module, calls and archive."""
    for attempt in range(ATTEMPTS):
        text, traced = write_program(f"{seed}.{attempt}")
        path = os.path.join(folder, "program.py")
        with open(path, "w") as file:
            file.write(text)
        calls = inputs_for(seed, traced)
        try:
            eager = randomize(load(path), seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if traced:
                    example = copy.deepcopy(eager)
                    captured = captured_by(example)
                    script = torch.jit.trace(example, copy.deepcopy(calls[0]), check_trace=False)
                    if not all(map(torch.equal, captured, captured_by(example))):
                        continue
                else:
                    script = torch.jit.script(copy.deepcopy(eager))
            source = os.path.join(folder, "program.pt")
            script.save(source)
            torch.jit.load(source)
        except Exception:  # noqa: BLE001 - what PyTorch refuses is no program
            continue
        return {"name": f"seed {seed}", "seed": seed, "attempt": attempt, "form": "traced" if traced else "scripted"}, eager, calls, source
    raise RuntimeError(f"PyTorch refuses all programs of seed {seed}")


# What runs a file of a format.
LOADERS = {"ptl": _load_for_lite_interpreter, "torchscript": torch.jit.load}


def check(seed, compiler, folder):
    row, eager, calls, source = prepare(seed, folder)
    expected = play(eager, calls)
    reference = None
    answers = {}
    for block in SETTINGS:
        where = f"with {', '.join(block) or 'nothing'} blocked: "
        target = os.path.join(folder, "program.ptl")
        answer = compiler.compile(source, target, block)
        if "code" in answer:
            try:
                torch.jit.load(source)._save_for_lite_interpreter(target)
                theirs = compared(play(_load_for_lite_interpreter(target), calls), play(torch.jit.load(source), calls))
            except Exception as error:  # noqa: BLE001
                theirs = brief(error)
            if theirs is None:
                return dict(row, status="failed", problem=f"{where}refused, though PyTorch can: {answer['code']} {answer['message']}")
            return dict(row, status="refused", why=answer["message"].split("\n")[0], pytorch=theirs)
        with open(target, "rb") as file:
            digest = hashlib.sha256(file.read()).digest()
        if digest in answers:
            continue
        seen = play(LOADERS[compiler.form](target), calls)
        problem = compared(seen, expected)
        if problem:
            reference = reference or play(torch.jit.load(source), calls)
            problem = compared(seen, reference)
        answers[digest] = problem
        if problem:
            return dict(row, status="failed", problem=where + problem)
    return dict(row, status="passed", files=len(answers), errors=sum(isinstance(item, Exception) for item in expected), deviates=reference is not None)


def work(options):
    """A worker: the seeds come as lines of the input, rows go out as lines, each announced before its program runs."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    # The oracle must not optimize: PyTorch's own passes are not free of errors.
    torch._C._set_graph_executor_optimize(False)
    compiler = Compiler(options.petal, options.format)
    for seed in map(int, sys.stdin.read().split()):
        print(json.dumps({"start": seed}), file=out, flush=True)
        signal.alarm(PROGRAM_SECONDS)
        with tempfile.TemporaryDirectory() as folder:
            try:
                row = check(seed, compiler, folder)
            except Exception as error:  # noqa: BLE001
                row = {"name": f"seed {seed}", "seed": seed, "status": "failed", "problem": f"{type(error).__name__}: {error}"}
            if options.keep and row["status"] != "passed":
                os.makedirs(options.keep, exist_ok=True)
                for end in ("py", "pt", "ptl"):
                    if os.path.exists(f"{folder}/program.{end}"):
                        shutil.copy(f"{folder}/program.{end}", f"{options.keep}/{seed}.{end}")
        print(json.dumps(row), file=out, flush=True)
    compiler.close()


def rows_of(seeds, options):
    """Rows of a share of the seeds, from a process of its own; a crash is one failed row, and another process goes on after it."""
    left = list(seeds)
    command = [sys.executable, os.path.abspath(__file__), "--petal", options.petal, "--format", options.format, "--worker"] + (["--keep", options.keep] if options.keep else [])
    while left:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            process.stdin.write(" ".join(map(str, left)))
            process.stdin.close()
            current = None
            for line in process.stdout:
                row = json.loads(line)
                current = row.get("start", current)
                if "status" in row:
                    left.remove(row["seed"])
                    current = None
                    yield row
        if left:
            current = left[0] if current is None else current
            left.remove(current)
            yield {"name": f"seed {current}", "seed": current, "status": "failed", "problem": f"the process ended with {process.returncode}"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True, help="the built command; the compiler beside it is run")
    parser.add_argument("--format", choices=("ptl", "torchscript"), default="ptl", help="of the compiled files")
    parser.add_argument("--seed", type=int, default=1, help="of the first program; the others follow")
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", help="a folder for programs that do not pass")
    parser.add_argument("--report", help="where to write all rows as JSON")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(options)
    start = time.monotonic()
    seeds = range(options.seed, options.seed + options.count)
    shares = [seeds[i :: options.jobs] for i in range(min(options.jobs, len(seeds)))]
    rows = []
    for row in merged([rows_of(share, options) for share in shares]):
        rows.append(row)
        if row["status"] != "passed":
            print(f"{row['status']:>8}  {row['name']}: {row.get('problem') or row.get('why')}", flush=True)
    rows.sort(key=lambda row: row["seed"])
    if options.report:
        with open(options.report, "w") as out:
            json.dump({"torch": torch.__version__, "rows": rows}, out, indent=1)
    failed = sum(row["status"] == "failed" for row in rows)
    print(f"{sum(row.get('files', 0) for row in rows)} files, {sum(row.get('errors', 0) for row in rows)} calls that raise, {round(time.monotonic() - start)} s")
    print(f"fuzz: {len(rows) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


def merged(generators):
    """Items of all generators as they come, each generator in a thread of its own."""
    items, done = queue.Queue(), object()

    def drain(generator):
        try:
            for item in generator:
                items.put(item)
        finally:
            items.put(done)

    for generator in generators:
        threading.Thread(target=drain, args=(generator,), daemon=True).start()
    for _ in generators:
        while (item := items.get()) is not done:
            yield item


if __name__ == "__main__":
    main()
