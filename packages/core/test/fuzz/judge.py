"""Says of each accepted file whether PyTorch reads it the same: loads the archive and the compiled file, runs both, compares.

    python3 judge.py path/to/fixtures/archives

Lines of JSON on standard input, {source, target, path}; lines of JSON on standard output, {verdict, detail}.
"""

import io
import json
import math
import os
import re
import resource
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../differential"))

import torch  # noqa: E402
from archives import value_of  # noqa: E402
from torch.jit.mobile import _load_for_lite_interpreter  # noqa: E402
from torch.utils.mobile_optimizer import optimize_for_mobile  # noqa: E402

# A changed signature: the full JIT checks and converts what Python gives, the lite interpreter takes it as it is.
OTHER_CALL = re.compile("is missing value for argument|Expected a value of type|expected at most")

# What `linear` checks of its weight and `linear_clamp_run` does not. PyTorch packs fewer of them than we do.
UNCHECKED = re.compile("shapes cannot be multiplied")

# Folded and fused float32 arithmetic rounds differently, and mutated numbers may be of any size.
TOLERANCE = 1e-3


# What only newer releases have, and what Python cannot be given: a NamedTuple of a model for the lite interpreter.
LACKS = re.compile("Unknown builtin op: aten::(scaled_dot_product_attention|rms_norm)|Following ops cannot be found|basic_string|bad_alloc")


def difference(actual, expected, path="output"):
    """What is not the same, in words, or None."""
    if isinstance(actual, Exception) or isinstance(expected, Exception):
        return None if isinstance(actual, Exception) and isinstance(expected, Exception) else f"{path}: {brief(actual)} instead of {brief(expected)}"
    if isinstance(expected, torch.Tensor):
        if not isinstance(actual, torch.Tensor) or actual.dtype != expected.dtype or actual.shape != expected.shape:
            return f"{path}: {brief(actual)} instead of {brief(expected)}"
        if actual.is_quantized:
            actual, expected = actual.dequantize(), expected.dequantize()
        same = torch.allclose(actual.double(), expected.double(), rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True) if not actual.is_complex() else torch.equal(actual, expected)
        return None if same else f"{path}: {brief(actual)} instead of {brief(expected)}"
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or list(actual) != list(expected):
            return f"{path}: {brief(actual)} instead of {brief(expected)}"
        return next((found for key in expected if (found := difference(actual[key], expected[key], f"{path}[{key}]"))), None)
    if isinstance(expected, (list, tuple)):
        if not isinstance(actual, (list, tuple)) or len(actual) != len(expected):
            return f"{path}: {brief(actual)} instead of {brief(expected)}"
        return next((found for i, pair in enumerate(zip(actual, expected)) if (found := difference(*pair, f"{path}[{i}]"))), None)
    if isinstance(expected, float) and isinstance(actual, float):
        same = math.isnan(expected) and math.isnan(actual) or math.isclose(actual, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        return None if same else f"{path}: {actual} instead of {expected}"
    # The JIT leaves out a division by one, though it would make a float of a whole number.
    same = actual == expected and (type(actual) is type(expected) or isinstance(actual, float) and type(expected) is int)
    return None if same else f"{path}: {brief(actual)} instead of {brief(expected)}"


def brief(value):
    if isinstance(value, torch.Tensor):
        return f"{value.dtype}{list(value.shape)} {value.flatten()[:4].tolist()}"
    text = str(value).strip()
    return text[:120] + " … " + text[-120:] if len(text) > 250 else text


def attempt(work):
    try:
        with torch.no_grad():
            return work()
    except Exception as problem:  # noqa: BLE001
        return problem


def judge(source, target, cases):
    original = attempt(lambda: torch.jit.load(source, map_location="cpu"))
    compiled = attempt(lambda: _load_for_lite_interpreter(target))
    if not isinstance(original, Exception) and not hasattr(original, "forward"):
        return "no forward", ""
    if not cases:
        # No inputs are known: it can only be loaded.
        if not isinstance(compiled, Exception):
            return ("only we accept" if isinstance(original, Exception) else "same"), brief(original)
        if LACKS.search(str(compiled)):
            return "needs more than this PyTorch has", brief(compiled)
        return ("only we accept, and it does not load" if isinstance(original, Exception) else "differs"), f"{brief(original)} // {brief(compiled)}"
    for case in cases[:1]:
        expected, actual = (result_of(model, case["inputs"]) for model in (original, compiled))
        if isinstance(actual, Exception) and LACKS.search(str(actual)):
            return "needs more than this PyTorch has", brief(actual)
        if isinstance(original, Exception):
            # What it computes may end in an error, as it was changed; that it can be loaded is what accepting it promised.
            return ("only we accept, and it does not load" if isinstance(compiled, Exception) else "only we accept"), f"{brief(original)} // {brief(actual)}"
        found = difference(actual, expected)
        if found is None:
            continue
        if any(isinstance(each, Exception) and OTHER_CALL.search(str(each)) for each in (expected, actual)):
            return "another signature", found
        # The full JIT decomposes operators, and what they refuse may then work: the lite interpreter is asked for the same code.
        own = result_of(attempt(lambda: lite(torch.jit.load(source))), case["inputs"])
        if difference(actual, own) is None:
            continue
        # Packed operators of XNNPACK check less than those they stand for: with a weight of another size PyTorch's own file runs, too,
        # and may read numbers that are not there.
        upstream = result_of(attempt(lambda: optimize_for_mobile(torch.jit.load(source).eval())), case["inputs"])
        unchecked = isinstance(expected, Exception) and (not isinstance(upstream, Exception) or UNCHECKED.search(str(expected)))
        return ("as PyTorch's own optimizer has it" if unchecked or difference(actual, upstream) is None else "differs"), found
    return "same", ""


def lite(model):
    return _load_for_lite_interpreter(io.BytesIO(model._save_to_buffer_for_lite_interpreter()))


def result_of(model, inputs):
    """What a model makes of these inputs, or the error of loading or running it."""
    return model if isinstance(model, Exception) else attempt(lambda: model(*(value_of(each) for each in inputs)))


def main():
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    torch.set_num_threads(1)
    torch.backends.quantized.engine = "qnnpack"
    folder = sys.argv[1]
    known = {}
    answers = os.fdopen(os.dup(1), "w")
    # What models print is none of the answers.
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        release, name = request["path"].split("/")[1:3] if request["path"].startswith("archives/") else (None, None)
        if release and release not in known:
            with open(f"{folder}/{release}/cases.json") as file:
                known[release] = json.load(file)["cases"]
        cases = known[release].get(name[: -len(".pt")], []) if release else []
        verdict, detail = judge(request["source"], request["target"], cases)
        answers.write(json.dumps({"verdict": verdict, "detail": detail}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
