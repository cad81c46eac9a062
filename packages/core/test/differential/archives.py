"""Archives of many PyTorch releases, compiled and run by this PyTorch's lite interpreter, against what the eager models gave there.

    python3 archives.py --petal path/to/dist/cli.js [--only 1.4.0/lstm] [--report out.json]

An archive that needs operators of PyTorch 2 must be said to, and must not load here. Closes with "archives: N passed, N failed, 0 skipped".
"""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
import traceback

import torch
from torch.jit.mobile import _load_for_lite_interpreter

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "../fixtures/archives")
# The last release of the format before: refused by name.
OLD_FORMAT = "1.2.0"
# What PyTorch's lite loader cannot hand to Python: a NamedTuple. Petal's runtime can, see packages/core/test/archives.spec.ts.
NOT_TO_PYTHON = "named"
# Folded batch norms and fused products round differently; quantized outputs may not differ at all, but their scales are products.
TOLERANCE = 2e-6


def value_of(written):
    """A value as scripts/fixtures/archives.py wrote it."""
    if not isinstance(written, dict):
        return written
    ((kind, value),) = written.items()
    if kind == "tensor":
        dtype = getattr(torch, value["dtype"])
        data = bytearray(base64.b64decode(value["base64"]))
        flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        return flat.reshape(value["sizes"])
    if kind == "dict":
        return {value_of(key): value_of(item) for key, item in value}
    if kind in ("tuple", "list"):
        return (tuple if kind == "tuple" else list)(value_of(item) for item in value)
    return int(value) if kind == "int" else value


def check_same(actual, expected, path="output"):
    if isinstance(expected, torch.Tensor):
        actual = actual.dequantize() if actual.is_quantized else actual
        assert actual.dtype == expected.dtype and actual.shape == expected.shape, f"{path}: {actual} instead of {expected}"
        error = (actual.double() - expected.double()).abs() / expected.double().abs().clamp(min=1)
        assert error.numel() == 0 or error.max() <= TOLERANCE, f"{path}: error {error.max():.1e}"
    elif isinstance(expected, dict):
        assert list(actual) == list(expected), f"{path}: {actual} instead of {expected}"
        for key in expected:
            check_same(actual[key], expected[key], f"{path}[{key}]")
    elif isinstance(expected, (list, tuple)):
        assert len(actual) == len(expected), f"{path}: {actual} instead of {expected}"
        for i, pair in enumerate(zip(actual, expected)):
            check_same(*pair, f"{path}[{i}]")
    elif isinstance(expected, float):
        assert abs(actual - expected) <= TOLERANCE * max(1, abs(expected)), f"{path}: {actual} instead of {expected}"
    else:
        assert actual == expected, f"{path}: {actual} instead of {expected}"


def check(answer, target, cases):
    assert "code" not in answer, answer["message"]
    newer = any("came with PyTorch 2" in warning for warning in answer["warnings"])
    try:
        model = _load_for_lite_interpreter(target)
    except RuntimeError as problem:
        assert newer and "not" in str(problem), problem
        return "needs PyTorch 2, as its warning says"
    assert not newer, "it loads, although it is said to need PyTorch 2"
    for case in cases:
        check_same(model(*(value_of(each) for each in case["inputs"])), value_of(case["output"]))
    return f"{len(cases)} calls"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True)
    parser.add_argument("--only")
    parser.add_argument("--report")
    options = parser.parse_args()
    torch.backends.quantized.engine = "qnnpack"
    compiler = os.path.join(os.path.dirname(options.petal), "compiler.js")
    rows = []
    with tempfile.TemporaryDirectory() as out:
        node = subprocess.Popen(["node", os.path.join(HERE, "fuzz-compile.mjs"), compiler], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for release in sorted(set(os.listdir(FOLDER)) - {OLD_FORMAT}):
            with open(f"{FOLDER}/{release}/cases.json") as file:
                models = json.load(file)["cases"]
            for name, cases in models.items():
                if name == NOT_TO_PYTHON or options.only not in (None, f"{release}/{name}", release, name):
                    continue
                target = f"{out}/model.ptl"
                node.stdin.write(json.dumps({"source": f"{FOLDER}/{release}/{name}.pt", "target": target, "block": []}) + "\n")
                node.stdin.flush()
                answer = json.loads(node.stdout.readline())
                row = {"name": f"{release} {name}"}
                try:
                    row.update(status="passed", detail=check(answer, target, cases))
                except Exception as problem:  # noqa: BLE001
                    row.update(status="failed", detail=f"{problem}", trace=traceback.format_exc())
                    print(f"  failed  {row['name']}: {row['detail'][:400]}", flush=True)
                rows.append(row)
        node.stdin.close()
        node.wait()
    if options.report:
        with open(options.report, "w") as file:
            json.dump({"rows": rows}, file, indent=1)
    failed = sum(row["status"] == "failed" for row in rows)
    print(f"archives: {len(rows) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
