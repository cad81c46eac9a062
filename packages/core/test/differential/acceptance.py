"""Properties of emitted files that a comparison of outputs does not show.

    python3 acceptance.py --petal path/to/petal.js [--report out.json]

Closes with "acceptance: N passed, N failed, 0 skipped".
"""

import argparse
import collections
import copy
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import zipfile

import torch
import torchvision
from torch import nn
from torch.jit.mobile import _export_operator_list, _load_for_lite_interpreter
from torch.utils.mobile_optimizer import optimize_for_mobile

import zoo
from language import ConvReLULinear


def petal(options, *args):
    done = subprocess.run(["node", options.petal, *args], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"petal {' '.join(args)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class Raw:
    """An object of a class this reader does not know, kept as its pickled state."""

    def __setstate__(self, state):
        self.state = state


def bytecode(path):
    """`bytecode.pkl` of a lite file as plain Python values; packed weights become Raw objects."""
    import pickle

    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        root = names[0].split("/")[0]

        class Reader(pickle.Unpickler):
            def find_class(self, module, name):
                if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
                    return lambda storage, offset, size, stride, *_: storage.as_strided(size, stride, offset)
                if module == "torch" and name.endswith("Storage"):
                    return {"FloatStorage": torch.float32, "LongStorage": torch.int64, "DoubleStorage": torch.float64}[name]
                if module == "torch.jit._pickle":
                    return (lambda value, *_: value)
                if module == "collections":
                    return collections.OrderedDict
                if module.startswith("__torch__"):
                    return Raw
                raise AssertionError(f"unexpected global {module} {name}")

            def persistent_load(self, key):
                _, dtype, name, _, _ = key
                return torch.frombuffer(bytearray(archive.read(f"{root}/constants/{name}")), dtype=dtype)

        return Reader(io.BytesIO(archive.read(f"{root}/bytecode.pkl"))).load()


def packed_tensors(path):
    """Weights and biases of all packed contexts, in the order the forward method runs them."""
    tables = dict(bytecode(path)[1][1])
    constants, operators = tables["constants"], tables["operators"]
    found = []
    for name, operand, _ in tables["instructions"]:
        if name == "LOADC" and isinstance(constants[operand], Raw):
            found.append([t for t in constants[operand].state if isinstance(t, torch.Tensor)])
    assert operators
    return found


def folded_weights_equal_pytorch(options, name):
    model = zoo.randomize(getattr(torchvision.models, name)(weights=None), 5)
    scripted = torch.jit.script(model)
    with tempfile.TemporaryDirectory() as folder:
        scripted.save(f"{folder}/m.pt")
        petal(options, "optimize", f"{folder}/m.pt", "-o", f"{folder}/ours.ptl")
        optimize_for_mobile(scripted)._save_for_lite_interpreter(f"{folder}/theirs.ptl")
        ours, theirs = packed_tensors(f"{folder}/ours.ptl"), packed_tensors(f"{folder}/theirs.ptl")
    assert len(ours) == len(theirs) > 10, f"{len(ours)} packed contexts, PyTorch has {len(theirs)}"
    # PyTorch loads some contexts in another order than it runs them, so they are compared as a multiset.
    bits = lambda contexts: collections.Counter(tuple((tuple(t.shape), t.contiguous().numpy().tobytes()) for t in context) for context in contexts)  # noqa: E731
    assert bits(ours) == bits(theirs), f"{sum((bits(ours) - bits(theirs)).values())} of {len(ours)} contexts differ in their bits"
    return f"{sum(map(len, ours))} tensors bit for bit"


def linear_relu_is_fused(options):
    model = zoo.randomize(ConvReLULinear(), 5)
    x = torch.randn(2, 3, 8, 8)
    with tempfile.TemporaryDirectory() as folder:
        scripted = torch.jit.script(model)
        scripted.save(f"{folder}/m.pt")
        petal(options, "optimize", f"{folder}/m.pt", "-o", f"{folder}/ours.ptl")
        optimize_for_mobile(scripted)._save_for_lite_interpreter(f"{folder}/theirs.ptl")
        count = lambda path: sum(1 for name, _, _ in dict(bytecode(path)[1][1])["instructions"] if name == "OP")  # noqa: E731
        ours, theirs = count(f"{folder}/ours.ptl"), count(f"{folder}/theirs.ptl")
        names = [n for n in _export_operator_list(_load_for_lite_interpreter(f"{folder}/ours.ptl"))]
        assert not any("relu" in n and "add_relu" not in n or "hardtanh" in n or "clamp" in n and "prepacked" not in n for n in names), names
        assert ours < theirs, f"{ours} operator calls, PyTorch {theirs}"
        error = (_load_for_lite_interpreter(f"{folder}/ours.ptl")(x) - model(x)).abs().max().item()
        assert error < 1e-5, error
    return f"{ours} operator calls, PyTorch's own pass leaves {theirs}; error {error:.1e}"


def no_larger_than_pytorch(options, name):
    model = zoo.randomize(getattr(torchvision.models, name)(weights=None), 5)
    with tempfile.TemporaryDirectory() as folder:
        scripted = torch.jit.script(model)
        scripted.save(f"{folder}/m.pt")
        petal(options, "optimize", f"{folder}/m.pt", "-o", f"{folder}/ours.ptl")
        optimize_for_mobile(scripted)._save_for_lite_interpreter(f"{folder}/theirs.ptl")
        ours, theirs = os.path.getsize(f"{folder}/ours.ptl"), os.path.getsize(f"{folder}/theirs.ptl")
    assert ours <= theirs, f"{ours} bytes, PyTorch {theirs}"
    return f"{ours} bytes, PyTorch {theirs}"


def same_bytes_anywhere(options):
    model = torch.jit.script(zoo.randomize(ConvReLULinear(), 5))
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/m.pt")
        contents = []
        for place in ("a", "b/c"):
            os.makedirs(f"{folder}/{place}")
            shutil.copy(f"{folder}/m.pt", f"{folder}/{place}/other-{len(contents)}.pt")
            petal(options, "optimize", f"{folder}/{place}/other-{len(contents)}.pt", "-o", f"{folder}/{place}/out.ptl")
            with open(f"{folder}/{place}/out.ptl", "rb") as file:
                contents.append(file.read())
    assert contents[0] == contents[1]
    return f"{len(contents[0])} equal bytes"


def state_carries_over(options):
    """A counter and a buffer written by forward keep their values between calls, as in eager mode."""
    from language import BufferInPlace

    model = zoo.randomize(BufferInPlace(), 5)
    with tempfile.TemporaryDirectory() as folder:
        torch.jit.script(copy.deepcopy(model)).save(f"{folder}/m.pt")
        petal(options, "optimize", f"{folder}/m.pt", "-o", f"{folder}/m.ptl")
        lite = _load_for_lite_interpreter(f"{folder}/m.ptl")
        for i in range(4):
            x = torch.randn(3)
            for a, b in zip(lite(x), model(x)):
                assert torch.allclose(a, b), f"call {i}: {a} instead of {b}"
    return "4 calls"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True)
    parser.add_argument("--report")
    options = parser.parse_args()
    checks = [
        ("folded weights of scripted resnet18 equal PyTorch's", folded_weights_equal_pytorch, "resnet18"),
        ("folded weights of scripted mobilenet_v2 equal PyTorch's", folded_weights_equal_pytorch, "mobilenet_v2"),
        ("Linear+ReLU is fused", linear_relu_is_fused),
        ("resnet18 is no larger than PyTorch's file", no_larger_than_pytorch, "resnet18"),
        ("mobilenet_v3_small is no larger than PyTorch's file", no_larger_than_pytorch, "mobilenet_v3_small"),
        ("same bytes wherever the model lies", same_bytes_anywhere),
        ("state carries over", state_carries_over),
    ]
    rows = []
    for name, function, *args in checks:
        try:
            rows.append({"name": name, "status": "passed", "detail": function(options, *args)})
        except Exception as error:  # noqa: BLE001
            rows.append({"name": name, "status": "failed", "detail": f"{error}", "trace": traceback.format_exc()})
        print(f"{rows[-1]['status']:>8}  {name}: {rows[-1]['detail']}", flush=True)
    if options.report:
        with open(options.report, "w") as out:
            json.dump({"rows": rows}, out, indent=1)
    failed = sum(row["status"] == "failed" for row in rows)
    print(f"acceptance: {len(rows) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
