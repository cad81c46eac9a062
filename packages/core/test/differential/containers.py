"""Compiles models into every form of the mobile file with the packed command and runs each with PyTorch's lite interpreter.

    python3 containers.py --petal path/to/petal.js [--set quick|full] [--only NAME] [--jobs 2] [--report out.json]
                          [--release 1.9=path/to/python …]    old releases: files made for them are run by them

Every version of bytecode and the flatbuffer give exactly what version 8 gives, which gives what the eager model gives; a file with code
gives the same in torch.jit.load. What calls pass is what PyTorch's own backport of the file passes. Debug records lead from the
instruction that fails to the line of Python that PyTorch's own records lead to.
"""

import argparse
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import warnings
import zipfile
from dataclasses import dataclass
from typing import Dict, List, Optional

import torch
from torch import nn
from torch.jit.mobile import _load_for_lite_interpreter

import zoo
from check import Mismatch, run_all, script_module, worst_error
from quantized import same

TOLERANCE = 1e-4
SECONDS = 300
VERSIONS = (4, 5, 6, 7, 9)
# Before version 8 they are operators, which PyTorch calls with all arguments and says that they have those without a default.
PROMOTED = ("prim::RaiseException", "prim::TupleIndex", "prim::tolist", "aten::format", "prim::Print")
# Newer releases replace them by functions of all arguments, and fail where PyTorch has left some out.
REPLACED = ("aten::linspace", "aten::logspace")


class Language(nn.Module):
    """Every operator that is an instruction since version 8, arguments with defaults before out arguments, and what has changed its meaning."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3))
        self.names = ["a", "b"]
        self.table = {"x": 1.5}

    def forward(self, x: torch.Tensor, n: int = 2, s: Optional[str] = None):
        numbers: List[float] = x.tolist()
        table: Dict[str, int] = {"a": 1, "b": n}
        if n > 100:
            raise ValueError("too many: {}".format(n))
        total = 0
        for i in range(n):
            total += i * table["a"]
        text = "v{}{}".format(n, total)
        y = torch.add(x, self.weight, out=torch.zeros_like(x))
        z = torch.nn.functional.gelu(y) + torch.linspace(0, 1, 3) + torch.mean(y, dim=[0], keepdim=True) + torch.full([3], 2.0) / 3
        mixed = (z, n)
        return (z, table["b"]), text, x.dim(), x.dtype, len(numbers), not (n > 3), torch.tensor(n), s is None, self.names, len(self.table), mixed[1], x.is_cuda

    @staticmethod
    def inputs():
        return [(torch.tensor([1.0, -2.0, 3.0]), 4), (torch.rand(3),), (torch.rand(3), 3, "given")]


class State(nn.Module):
    """Attributes that methods write, two of them on one memory: in a flatbuffer it could only be read."""

    def __init__(self):
        super().__init__()
        self.calls = 0
        self.register_buffer("sums", torch.zeros(4))
        self.first = self.sums[:2]

    def forward(self, x: torch.Tensor):
        self.calls += 1
        self.sums.add_(x)
        return self.first * self.calls, self.sums.clone()

    @staticmethod
    def inputs():
        return [(torch.arange(4.0),), (torch.ones(4),)]


class Quantized(nn.Module):
    """Quantized constants, by tensor and by channel, and numbers of all kinds."""

    def __init__(self):
        super().__init__()
        self.by_tensor = torch.quantize_per_tensor(torch.randn(3), 0.1, 2, torch.quint8)
        self.by_channel = torch.quantize_per_channel(torch.randn(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8)
        self.half = torch.tensor([1.5, -0.0, float("inf")], dtype=torch.float16)

    def forward(self, x: torch.Tensor):
        return x + self.by_tensor.dequantize() + self.by_channel.dequantize(), self.half.to(torch.float32), 1 << 40, float("-inf"), 3 + 4j

    @staticmethod
    def inputs():
        return [(torch.rand(3),)]


class Convolutions(nn.Module):
    """Packed weights, two views of one memory among them."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)
        self.linear = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor):
        return self.linear(torch.relu(self.up(torch.relu(self.convolution(x)))).mean([2, 3]))

    @staticmethod
    def inputs():
        return [(torch.rand(2, 3, 8, 8),), (torch.rand(1, 3, 5, 7),)]


OWN = {"Language": (Language, "scripted"), "State": (State, "scripted"), "Quantized": (Quantized, "scripted"), "Convolutions": (Convolutions, "traced")}
READ_ONLY = ("State",)
# Of the zoo, by the set that they are part of.
ZOO = {"quick": ["squeezenet1_1"], "full": ["squeezenet1_1", "mobilenet_v3_small", "resnet18", "shufflenet_v2_x1_0", "efficientnet_b0", "densenet121", "googlenet"]}


def build(name):
    """A module in the form that it is compiled in, as an archive, and its input sets."""
    torch.manual_seed(0)
    if name in OWN:
        model, form = OWN[name]
        eager, inputs = model().eval(), model.inputs()
    else:
        found = next(each for each in zoo.all_models() if each.name == name)
        form, eager, inputs = found.forms[0], zoo.build(found), found.inputs()
    return eager, script_module(None, eager, inputs, form), inputs


def run(module, inputs):
    with torch.no_grad():
        return [module(*[each.clone() if isinstance(each, torch.Tensor) else each for each in args]) for args in inputs]


class Compiler:
    def __init__(self, petal, folder, source):
        self.petal, self.folder, self.source, self.count = petal, folder, source, 0

    def __call__(self, *options):
        """The file, and the facts of it. A refusal is an exception with its code first."""
        self.count += 1
        target = os.path.join(self.folder, f"{self.count}.ptl")
        command = ["node", self.petal, "optimize", self.source, "-o", target, "--json", "--check", "none", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        answer = json.loads(done.stdout or done.stderr)
        if done.returncode != 0:
            raise Mismatch(f"{answer['error']['code']}: {answer['error'].get('message')}")
        return target, answer["facts"]


class Reader(pickle.Unpickler):
    """Tuples and texts as they are; what needs a class is a list of its arguments."""

    def find_class(self, module, name):
        class Made(list):
            def __init__(self, *given):
                super().__init__(given)

            def __setstate__(self, state):
                self.append(state)

        return Made

    def persistent_load(self, given):
        return given


def record(content, name):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = [each for each in archive.namelist() if each.split("/", 1)[1] == name]
        return Reader(io.BytesIO(archive.read(found[0]))).load() if found else None


def operators(content):
    """By method, what calls of each operator pass, and how often each is called."""
    table = record(content, "bytecode.pkl")
    methods = {}
    for name, code, *_ in table[1:]:
        code = dict(code)
        counts = {}
        for op, x, _ in code["instructions"]:
            if op in ("OP", "OPN"):
                operator = code["operators"][x]
                key = operator[:2] if operator[0] in PROMOTED + REPLACED or len(operator) < 3 else tuple(operator)
                counts[key] = counts.get(key, 0) + 1
        methods[name.split(".")[-1]] = counts
    return table[0], methods


def read(path):
    with open(path, "rb") as file:
        return file.read()


def backport(content, version):
    """PyTorch's own file of an older version, made from one with code."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "source.ptl"), os.path.join(folder, "target.ptl")
        with open(source, "wb") as file:
            file.write(content)
        if not torch._C._backport_for_mobile(source, target, version):
            raise Mismatch(f"PyTorch cannot make version {version} of it")
        return read(target)


def check_versions(compiler, expected, inputs, refused):
    """Checks made; `refused` versions cannot hold the model."""
    baseline, facts = compiler()
    if facts["bytecodeVersion"] != 8:
        raise Mismatch(f"version {facts['bytecodeVersion']} without being asked for")
    reference = run(_load_for_lite_interpreter(baseline), inputs)
    for result, wanted in zip(reference, expected):
        error = worst_error(result, wanted)
        if error > TOLERANCE:
            raise Mismatch(f"version 8 is off by {error:.1e}")
    with_code, _ = compiler("--code")
    for result, wanted in zip(run(_load_for_lite_interpreter(with_code), inputs), reference):
        same(result, wanted, "with code")
    for result, wanted in zip(run(torch.jit.load(with_code), inputs), reference):
        same(result, wanted, "in torch.jit.load")
    checks = 3
    for version in VERSIONS:
        if version in refused:
            expect_refusal(lambda: compiler("--bytecode", str(version)), "FLATBUFFER_READ_ONLY")
            checks += 1
            continue
        target, facts = compiler("--bytecode", str(version))
        if facts["bytecodeVersion"] != version:
            raise Mismatch(f"version {facts['bytecodeVersion']} instead of {version}")
        for result, wanted in zip(run(_load_for_lite_interpreter(target), inputs), reference):
            same(result, wanted, f"version {version}")
        checks += 1
        if version < 9:
            ours, theirs = operators(read(target)), operators(backport(read(with_code), version))
            if ours != theirs:
                raise Mismatch(f"version {version}: {difference(ours, theirs)}")
            code, _ = compiler("--bytecode", str(version), "--code")
            for result, wanted in zip(run(torch.jit.load(code), inputs), reference):
                same(result, wanted, f"version {version} in torch.jit.load")
            checks += 2
    return checks


def expect_refusal(compiling, code):
    try:
        compiling()
    except Mismatch as mismatch:
        if str(mismatch).startswith(f"{code}:"):
            return
        raise
    raise Mismatch(f"not refused with {code}")


def difference(ours, theirs):
    (version, methods), (other, others) = ours, theirs
    if version != other or sorted(methods) != sorted(others):
        return f"{version} {sorted(methods)} instead of {other} {sorted(others)}"
    for name, counts in methods.items():
        mine, yours = (sorted(set(a.items()) - set(b.items())) for a, b in ((counts, others[name]), (others[name], counts)))
        if mine or yours:
            return f"{name} calls {mine} instead of {yours}"
    return "nothing"


def flat(values):
    """The numbers of lists in lists, as typed lists are read."""
    return [each for value in values for each in (flat(value) if isinstance(value, (list, tuple)) else [value])]


def failing_line(content):
    """File and line of the instruction that raises, by the debug records of a file."""
    handles = dict(record(content, "mobile_debug_handles.pkl")[1:])
    stacks = {row[0]: row[1] for row in record(content, "callstack_debug_map.pkl")}
    ranges = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name.split("/", 1)[1] for name in archive.namelist() if name.endswith(".debug_pkl")]
    for name in names:
        root = record(content, name)
        has_table = len(root) > 0 and root[0] == "FORMAT_WITH_STRING_TABLE"
        for _, ((text, file, first), start, _), tag in root[2] if has_table else root:
            lines = "".join(root[1][i] for i in flat(text)) if has_table else text
            ranges[tag] = (root[1][file] if has_table else file, first + lines[:start].count("\n"))
    for name, code, *_ in record(content, "bytecode.pkl")[1:]:
        listed = flat(dict(handles[name])["function_debug_handles"])
        for (op, *_), handle in zip(dict(code)["instructions"], listed):
            if op == "RAISE_EXCEPTION":
                return ranges[stacks[handle]]
    raise Mismatch("nothing raises")


def check_debug(compiler):
    """Checks made: our records name the line of Python that PyTorch's do."""
    ours, _ = compiler("--debug")
    theirs = os.path.join(compiler.folder, "theirs.ptl")
    torch.jit.load(compiler.source)._save_for_lite_interpreter(theirs, _save_mobile_debug_info=True)
    mine, yours = failing_line(read(ours)), failing_line(read(theirs))
    if mine != yours or not mine[0].endswith("containers.py"):
        raise Mismatch(f"debug records name {mine}, PyTorch's {yours}")
    return 1


# Runs a file in another release and prints its results as a pickle of plain numbers.
RUN = """
import pickle, sys
import torch
from torch.jit.mobile import _load_for_lite_interpreter
inputs, wanted = torch.load(sys.argv[2])
module = _load_for_lite_interpreter(sys.argv[1])
with torch.no_grad():
    for args, expected in zip(inputs, wanted):
        result = module(*args)
        def close(a, e):
            if isinstance(e, torch.Tensor):
                return a.dtype == e.dtype and torch.allclose(a, e, rtol=1e-4, atol=1e-4)
            if isinstance(e, (list, tuple)):
                return len(a) == len(e) and all(close(x, y) for x, y in zip(a, e))
            return a == e
        assert close(result, expected), f"{result} instead of {expected}"
"""


def check_releases(compiler, releases, inputs, expected):
    """Checks made: what is compiled for a release runs in it."""
    values = os.path.join(compiler.folder, "values")
    torch.save((inputs, expected), values, _use_new_zipfile_serialization=False)
    for version, python in releases:
        target, facts = compiler("--runtime", version)
        if version not in facts["runtimes"]:
            raise Mismatch(f"compiled for {version}, and said to run in {facts['runtimes']}")
        done = subprocess.run([python, "-W", "ignore", "-c", RUN, target, values], capture_output=True, text=True, timeout=SECONDS)
        if done.returncode != 0:
            raise Mismatch(f"PyTorch {version}: {(done.stderr or f'exit {done.returncode}').strip().splitlines()[-1]}")
    return len(releases)


@dataclass
class Case:
    name: str
    family: str = "containers"


def check(case, form, options):
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    releases = [each.split("=", 1) for each in options.release]
    eager, module, inputs = build(case.name)
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "model.pt")
        module.save(source)
        # Only interpreted code gives an element type as the number that it is there.
        expected = run(torch.jit.load(source) if case.name in OWN else eager, inputs)
        compiler = Compiler(os.path.abspath(options.petal), folder, source)
        checks = check_versions(compiler, expected, inputs, (9,) if case.name in READ_ONLY else ())
        if case.name == "Language":
            checks += check_debug(compiler)
        checks += check_releases(compiler, releases, inputs, expected)
    return {"model": case.name, "form": form, "family": case.family, "status": "passed", "checks": checks}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True, help="the built command, dist/cli.js of a packed and installed @petaljs/core")
    parser.add_argument("--set", choices=("quick", "full"), default="quick")
    parser.add_argument("--only", action="append", help="names to check, instead of a set")
    parser.add_argument("--release", action="append", default=[], help="1.9=path/to/python: a release that runs what is compiled for it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", help="where to write all rows as JSON")
    options = parser.parse_args()
    names = options.only or [*OWN, *ZOO[options.set]]
    rows = []
    for row in run_all([(Case(name), "") for name in names], options, check):
        rows.append(row)
        print(f"{row['status']:>8}  {row['model']} ({row['seconds']} s): {row.get('problem') or '{} checks'.format(row['checks'])}", flush=True)
    if options.report:
        with open(options.report, "w") as out:
            json.dump({"torch": torch.__version__, "set": options.set, "rows": rows}, out, indent=1)
    failed = [row for row in rows if row["status"] == "failed"]
    print(f"containers: {len(rows) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
