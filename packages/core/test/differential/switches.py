"""Compiles models with every switch of the packed command and compares what comes out with what PyTorch's own tools make of them.

    python3 switches.py --petal path/to/petal.js [--set quick|full] [--only TEXT] [--jobs 2] [--report out.json]

Preserved methods run call for call as the eager model's do, state and all; bundled inputs are what PyTorch's own file gives; what is blocked
is left as PyTorch leaves it; and every lint has a model that has it and one that has not.
"""

import argparse
import copy
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import traceback
import warnings
import zipfile
from concurrent.futures import ProcessPoolExecutor
from typing import List, Optional, Tuple

import torch
from torch import Tensor
from torch.jit.mobile import _load_for_lite_interpreter
from torch.utils import bundled_inputs
from torch.utils.bundled_inputs import InflatableArg, bundle_randn
from torch.utils.mobile_optimizer import MobileOptimizerType, generate_mobile_module_lints, optimize_for_mobile

from check import Mismatch, worst_error
from switch_models import LINTS, PRESERVED, Coder, Layers, New, Pair, Plain, Twice, Unusual, picture, seeded

TOLERANCE = 1e-5
SECONDS = 300


class Refused(Exception):
    pass


class Compiler:
    def __init__(self, petal, folder):
        self.petal, self.folder, self.count = petal, folder, 0

    def __call__(self, module, *options, extension="ptl"):
        """The compiled file of a scripted or traced module, and what the command says of it."""
        self.count += 1
        source, target = (os.path.join(self.folder, f"{self.count}{name}") for name in (".pt", f".out.{extension}"))
        module.save(source)
        command = ["node", self.petal, "optimize", source, "-o", target, "--json", "--check", "none", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        answer = json.loads(done.stdout or done.stderr)
        if done.returncode != 0:
            raise Refused(" ".join([f"{answer['error']['code']}:", *(answer["error"].get(part) or "" for part in ("message", "cause", "fix"))]))
        return target, answer


def expect(holds, why):
    if not holds:
        raise Mismatch(why)


def same(actual, expected):
    error = worst_error(actual, expected)
    expect(error <= TOLERANCE, f"error {error:.2e}")


def state_of(path):
    """`data.pkl` of a file: attributes by name, of modules as dicts."""
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].split("/")[0]

        class Module:
            attributes = {}

            def __setstate__(self, state):
                self.attributes = state

        class Reader(pickle.Unpickler):
            def find_class(self, module, name):
                if module.startswith("__torch__"):
                    return Module
                if module == "torch.jit._pickle":
                    return lambda value, tag=None: value
                if module == "torch" and name.endswith("Storage"):
                    return name
                return super().find_class(module, name)

            def persistent_load(self, saved):
                _, kind, key, _, count = saved
                data = archive.read(f"{root}/data/{key}")
                dtype = getattr(torch, kind).dtype
                flat = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
                return flat.storage()

        def plain(value):
            if not isinstance(value, Module) or not isinstance(value.attributes, dict):
                return value
            return {name: plain(each) for name, each in value.attributes.items()}

        return plain(Reader(io.BytesIO(archive.read(f"{root}/data.pkl"))).load())


def at(state, path):
    for name in path.split("."):
        state = state[name]
    return state


def methods_of(path):
    """Names of the methods in the bytecode, the root's as the lite interpreter finds them."""
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].split("/")[0]

        class Anything:
            def __new__(cls, *rest):
                return object.__new__(cls)

            def __init__(self, *rest):
                pass

            def __setstate__(self, state):
                pass

        class Reader(pickle.Unpickler):
            def find_class(self, module, name):
                return Anything

            def persistent_load(self, saved):
                return None

        table = Reader(io.BytesIO(archive.read(f"{root}/bytecode.pkl"))).load()
    return {method[0].split(".")[-1] for method in table[1:]}


def operators_of(path):
    return set(torch._C._get_model_ops_and_info(path))


def run_calls(call, calls):
    results = []
    with torch.no_grad():
        for name, *args in calls:
            args = [results[int(arg[1:])][0] if isinstance(arg, str) and arg.startswith("$") else copy.deepcopy(arg) for arg in args]
            result = call(name, args)
            # The result itself may be handed on; what it was is compared.
            results.append((result, copy.deepcopy(result)))
    return [result for _, result in results]


def eager_call(model):
    def call(name, args):
        if not hasattr(model, name):
            owner, name = name.split("_", 1)
            return getattr(getattr(model, owner), name)(*args)
        return getattr(model, name)(*args)
    return call


def check_preserved(compiler, make, preserve, calls):
    expected = run_calls(eager_call(seeded(make)), calls)
    target, answer = compiler(torch.jit.script(seeded(make)), "--preserve", ",".join(preserve))
    lite = _load_for_lite_interpreter(target)
    actual = run_calls(lambda name, args: lite.run_method(name, *args), calls)
    for (name, *_), a, e in zip(calls, actual, expected):
        try:
            same(a, e)
        except Mismatch as why:
            raise Mismatch(f"{name}: {why}")
    model = seeded(make)
    state = state_of(target)
    attributes = [path for path in preserve if not callable(path_of(model, path))]
    for path in attributes:
        same(at(state, path), path_of(model, path))
    for path, value in model.encoder.state_dict().items() if "encoder" in preserve else []:
        same(at(state, f"encoder.{path}"), value)
    methods = {path.replace(".", "_") for path in preserve if "." in path or path in answer["facts"].get("methods", {})}
    methods = {name for name in methods if name in answer["facts"].get("methods", {})}
    expect(methods_of(target) == {"forward"} | methods, f"methods {methods_of(target)}")
    root = [path for path in preserve if "." not in path]
    if len(root) == len(preserve):
        with tempfile.NamedTemporaryFile(suffix=".ptl") as file:
            optimize_for_mobile(torch.jit.script(seeded(make)), preserved_methods=root)._save_for_lite_interpreter(file.name)
            expect(methods_of(file.name) == methods_of(target), f"methods {methods_of(target)}, PyTorch's {methods_of(file.name)}")


def path_of(model, path):
    for name in path.split("."):
        model = getattr(model, name)
    return (lambda: None) if isinstance(model, torch.nn.Module) else model


def check_traced_methods(compiler):
    model = seeded(Pair)
    inner = model.encode(picture())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.trace_module(copy.deepcopy(model), {"forward": picture(), "encode": picture(), "decode": inner}, check_trace=False)
    lite = _load_for_lite_interpreter(compiler(module, "--preserve", "encode,decode")[0])
    with torch.no_grad():
        same(lite.run_method("encode", picture(3)), model.encode(picture(3)))
        same(lite.run_method("decode", inner), model.decode(inner))
        same(lite(picture(3)), model(picture(3)))


def check_refused(compiler, options, *said):
    check_refused_model(compiler, torch.jit.script(seeded(Coder)), options, *said)


def check_refused_model(compiler, module, options, *said):
    try:
        compiler(module, *options)
    except Refused as why:
        for text in said:
            expect(text in str(why), f"no {text!r} in {why}")
        return
    raise Mismatch("it was accepted")


def all_inputs(module):
    names = ["get_all_bundled_inputs"] if hasattr(module, "get_all_bundled_inputs") else []
    info = module.get_bundled_inputs_functions_and_info()
    return names + [entry["get_inputs_function_name"][0] for entry in info.values()], info


def check_kept(compiler, augment):
    module = fresh(torch.jit.script(seeded(Coder)))
    augment(module)
    getters, info = all_inputs(module)
    target, _ = compiler(module)
    lite = _load_for_lite_interpreter(target)
    expect(lite.run_method("get_bundled_inputs_functions_and_info") == info, "other functions")
    for getter in getters:
        torch.manual_seed(5)
        expected = getattr(module, getter)()
        torch.manual_seed(5)
        same([list(each) for each in lite.run_method(getter)], [list(each) for each in expected])
    if "forward" in info:
        expect(lite.run_method("get_num_bundled_inputs") == len(module.get_all_bundled_inputs()), "another number of inputs")
    with tempfile.NamedTemporaryFile(suffix=".ptl") as file:
        optimize_for_mobile(module)._save_for_lite_interpreter(file.name)
        expect(methods_of(target) == methods_of(file.name), f"methods {methods_of(target)}, PyTorch's {methods_of(file.name)}")
        ours, theirs = state_of(target), state_of(file.name)
        for name in [f"_bundled_inputs_deflated_{function}" for function in info]:
            expect(len(ours[name]) == len(theirs[name]), f"{name} is not as PyTorch keeps it")
    for function in info:
        for args in lite.run_method(f"get_all_bundled_inputs_for_{function}"):
            with torch.no_grad():
                same(lite.run_method(function, *args), getattr(module, function)(*args))


def fresh(module):
    """The same of a type of its own: augmenting changes the type, which all modules of a class share."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    buffer.seek(0)
    return torch.jit.load(buffer)


def augment_forward(module):
    bundled_inputs.augment_model_with_bundled_inputs(module, [(picture(),), (torch.zeros(1, 3, 40, 40),)][1:] + [(torch.ones(1, 3, 3, 1).expand(1, 3, 3, 3),)])


def augment_random(module):
    bundled_inputs.augment_model_with_bundled_inputs(module, [(bundle_randn(2, 3, 9, 9),)], info=["noise"])


def augment_helper(module):
    helper = "def {}(self, value: Tensor):\n    return torch.arange(243.0).reshape(1, 3, 9, 9) * value\n"
    bundled_inputs.augment_model_with_bundled_inputs(module, [(InflatableArg(torch.ones(1), fmt_fn=helper),)])


def augment_many(module):
    inputs = {module.forward: [(torch.ones(1, 3, 40, 40),)], module.encode: [(torch.zeros(1, 3, 9, 9),), (bundle_randn(1, 3, 5, 5),)]}
    bundled_inputs.augment_many_model_functions_with_bundled_inputs(module, inputs, info={module.encode: ["one", "two"]})


class Arguments(torch.nn.Module):
    def forward(self, x, pair: Tuple[Tensor, Tensor], parts: List[Tensor], n: int, f: float, b: bool, maybe: Optional[Tensor], k: int = 3):
        y = x + pair[0] * n + f + (1.0 if b else 0.0) + parts[0] * k
        return y if maybe is None else y + maybe


def check_added(compiler, module, bundle, shapes):
    """`shapes` of the tensors of each call, or what is not a tensor."""
    before = copy.deepcopy(module)
    target, answer = compiler(module, "--bundle", bundle)
    lite = _load_for_lite_interpreter(target)
    sets = lite.run_method("get_all_bundled_inputs")
    expect([[described(value) for value in args] for args in sets] == shapes, f"inputs {[[described(value) for value in args] for args in sets]}")
    expect(lite.run_method("get_num_bundled_inputs") == len(shapes), "another number of inputs")
    same([list(args) for args in lite.run_method("get_all_bundled_inputs_for_forward")], [list(args) for args in sets])
    with torch.no_grad():
        for args in sets:
            same(lite(*args), before(*args))
    upstream = fresh(torch.jit.script(seeded(Plain)))
    bundled_inputs.augment_model_with_bundled_inputs(upstream, [(torch.zeros(1, 3, 9, 9),)])
    names = {name for name in upstream._c._method_names() if "bundled" in name}
    expect({name for name in methods_of(target) if "bundled" in name} == names, f"methods {methods_of(target)} and not {names}")
    expect(lite.run_method("get_bundled_inputs_functions_and_info") == upstream.get_bundled_inputs_functions_and_info(), "other functions")
    again, _ = compiler(before, "--bundle", bundle)
    expect(open(target, "rb").read() == open(again, "rb").read(), "other bytes the second time")
    expect("BUNDLED_INPUT" not in codes(answer), "it has bundled inputs and a lint that says no")


def described(value):
    if isinstance(value, torch.Tensor):
        expect(value.is_contiguous(), "not contiguous")
        return f"{str(value.dtype)[6:]}{list(value.shape)}"
    return [described(each) for each in value] if isinstance(value, (list, tuple)) else value


def check_spread(compiler):
    """The numbers are spread as random ones are."""
    lite = _load_for_lite_interpreter(compiler(torch.jit.script(seeded(Plain)), "--bundle", "1x3x64x64,1x3x64x64")[0])
    (first,), (second,) = lite.run_method("get_all_bundled_inputs")
    for x in (first, second):
        counts = torch.histc(x, 16, 0, 1) / x.numel()
        expect((counts - 1 / 16).abs().max() < 0.02, f"spread {counts}")
        flat = x.flatten() - x.mean()
        for lag in (1, 2, 3, 64, 4096):
            correlation = (flat[lag:] * flat[:-lag]).mean() / flat.var()
            expect(abs(correlation) < 0.06, f"correlation {correlation:.3f} at {lag}")
    expect((first - second).abs().mean() > 0.2, "two inputs that are alike")
    stored = _load_for_lite_interpreter(compiler(torch.jit.script(torch.nn.Identity()), "--bundle", "16")[0]).run_method("get_all_bundled_inputs")[0][0]
    expect(torch.equal(stored, first.flatten()[:16]), "numbers that are stored and ones that are computed differ")


# What is in the file, by PyTorch's name of an optimization, exactly when that is blocked (True) or exactly when it is not.
MARKS = {
    "cpu": {
        "conv_bn_fusion": [("aten::batch_norm", True)],
        "insert_fold_prepack_ops": [("prepacked::conv2d_clamp_run", False), ("prepacked::linear_clamp_run", False), ("aten::conv2d", True), ("aten::linear", True)],
        "remove_dropout": [("aten::dropout", True)],
        "fuse_add_relu": [("aten::_add_relu.Tensor", False), ("aten::relu", True)],
        "conv_1d_to_2d": [("aten::conv1d", True)],
        "hoist_conv_packed_params": [],
    },
    "vulkan": {
        "conv_bn_fusion": [("aten::batch_norm", True)],
        "insert_fold_prepack_ops": [("vulkan_prepack::run_conv2d_context", False), ("vulkan_prepack::run_linear_context", False)],
        "remove_dropout": [("aten::dropout", True)],
        "vulkan_automatic_gpu_transfer": [],
    },
    "metal": {
        "conv_bn_fusion": [("aten::batch_norm", True)],
        "insert_fold_prepack_ops": [("metal_prepack::conv2d_run", False), ("metal_prepack::linear_run", False)],
        "remove_dropout": [("aten::dropout", True)],
    },
}


def check_blocked(compiler, backend, name):
    module = torch.jit.script(seeded(Layers))
    options = ["--backend", backend]
    free, answer = compiler(module, *options)
    blocked, with_block = compiler(module, *options, "--block", name)
    for operator, is_when_blocked in MARKS[backend][name]:
        for facts, isBlocked in ((answer, False), (with_block, True)):
            there = operator in facts["facts"]["operators"]["after"]
            expect(there == (isBlocked == is_when_blocked), f"{operator} {'is' if there else 'is not'} there")
    if name == "vulkan_automatic_gpu_transfer":
        flags = [state_of(path).get("requires_backend_transfers") for path in (free, blocked)]
        expect(flags == [False, None], f"requires_backend_transfers {flags}")
    if backend != "cpu":
        return
    x = torch.rand(2, 3, 8)
    expected = seeded(Layers)(x)
    same(_load_for_lite_interpreter(blocked)(x), expected)
    kind = getattr(MobileOptimizerType, name.upper(), None)
    if kind is None:
        return
    with tempfile.NamedTemporaryFile(suffix=".ptl") as file:
        optimize_for_mobile(module, {kind})._save_for_lite_interpreter(file.name)
        for operator, _ in MARKS["cpu"][name]:
            theirs, ours = operator in operators_of(file.name), operator in operators_of(blocked)
            expect(theirs == ours, f"{operator}: PyTorch {theirs}, Petal {ours}")


def codes(answer):
    return [lint["code"] for lint in answer["facts"]["lints"]]


UPSTREAM = ("REQUIRES_GRAD", "DROPOUT", "BATCHNORM")


def check_lint(compiler, code, has, has_not, options, with_errors):
    for make, wanted in ((has, True), (has_not, False)):
        target, answer = compiler(make(), *options)
        expect((code in codes(answer)) == wanted, f"lints {codes(answer)}")
        warned = [warning["code"] for warning in answer["warnings"] if "code" in warning]
        expect(warned == [each for each in codes(answer) if each != "BUNDLED_INPUT"], f"warnings {warned} of {codes(answer)}")
        archive, _ = compiler(make(), *options, "--format", "torchscript", extension="pt")
        theirs = {lint["name"] for lint in generate_mobile_module_lints(torch.jit.load(archive))}
        for each in UPSTREAM:
            expect((each in theirs) == (each in codes(answer)), f"{each}: PyTorch finds {sorted(theirs)}, Petal {codes(answer)}")
        for policy in ("error", code.lower()) if with_errors else ():
            try:
                compiler(make(), *options, "--lint", policy)
                expect(not wanted and policy != "error", f"lint={policy} passes")
            except Refused as why:
                expect(str(why).startswith("LINT: ") and (policy == "error" or wanted), str(why))
                expect(not wanted or code in str(why), f"no {code} in {why}")


def check_missing(compiler):
    for backend, has, has_not in (("vulkan", Unusual, Plain), ("metal", Unusual, Plain), ("cpu", Plain, Unusual)):
        for make, wanted in ((has, backend != "cpu"), (has_not, False)):
            _, answer = compiler(torch.jit.script(seeded(make)), "--backend", backend, "--bundle", "1x3x9x9")
            expect(("MISSING_OPERATOR" in codes(answer)) == wanted, f"lints {codes(answer)} for {backend}")
            told = [warning["message"] for warning in answer["warnings"] if warning.get("code") == "MISSING_OPERATOR"]
            expect(len(told) == wanted and all("aten::erfinv" in each for each in told), f"warnings {told}")
    for release, wanted in (("1.9", True), ("1.13", False)):
        _, answer = compiler(torch.jit.script(New()), "--runtime", release, "--lint", "warn")
        expect(("MISSING_OPERATOR" in codes(answer)) == wanted, f"lints {codes(answer)} for {release}")
    check_refused_model(compiler, torch.jit.script(New()), ["--runtime", "1.9"], "RUNTIME_LACKS_OPERATOR: ", "aten::special_airy_ai")
    check_refused_model(compiler, torch.jit.script(seeded(Unusual)), ["--backend", "vulkan", "--lint", "missing_operator"], "LINT: ", "aten::erfinv")


def check_bundled_lint(compiler):
    module = torch.jit.script(seeded(Plain))
    for options, wanted in (([], True), (["--bundle", "1x3x9x9"], False)):
        _, answer = compiler(module, *options, "--lint", "warn")
        expect(("BUNDLED_INPUT" in codes(answer)) == wanted, f"lints {codes(answer)}")
        expect(("BUNDLED_INPUT" in [warning.get("code") for warning in answer["warnings"]]) == wanted, "lint=warn does not tell")
        archive, _ = compiler(module, *options, "--format", "torchscript", extension="pt")
        theirs = {lint["name"] for lint in generate_mobile_module_lints(torch.jit.load(archive))}
        expect(("BUNDLED_INPUT" in theirs) == wanted, f"PyTorch finds {sorted(theirs)}")


def check_archive(compiler):
    """As TorchScript: what is preserved can be read and set, and is what the code reads; what is bundled is where PyTorch's tools look."""
    target, _ = compiler(torch.jit.script(seeded(Coder)), "--format", "torchscript", "--preserve", "encode,scale,encoder.weight", "--bundle", "1x3x9x9", extension="pt")
    module, model = torch.jit.load(target), seeded(Coder)
    with torch.no_grad():
        same(module.encode(picture()), model.encode(picture()))
        expect(module.scale == 2.0, "scale is not there")
        module.scale = model.scale = 3.0
        module.encoder.weight.add_(1)
        model.encoder.weight.add_(1)
        same(module(picture()), model(picture()))
        same(module.encode(picture()), model.encode(picture()))
        for args in module.get_all_bundled_inputs():
            same(module(*args), model(*args))
    expect(module.get_num_bundled_inputs() == 1, "another number of inputs")
    expect(hasattr(module, "_generate_bundled_inputs_for_forward"), "no _generate_bundled_inputs_for_forward")


DTYPES = ("float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64")
FULL_ONLY = {f"bundle {dtype}" for dtype in DTYPES if dtype not in ("float16", "int64", "bool")}


def check_archive_modules(compiler, preserve, calls):
    """As TorchScript, modules within have the methods that they had."""
    target, answer = compiler(torch.jit.script(seeded(Coder)), "--format", "torchscript", "--preserve", ",".join(preserve), extension="pt")
    module, model = torch.jit.load(target), seeded(Coder)
    with torch.no_grad():
        for path, args in calls:
            for each in (module, torch.jit.load(target)):
                same(call_path(each, path)(*copy.deepcopy(args)), call_path(model, path)(*copy.deepcopy(args)))
        if "encoder" in preserve:
            module.encoder.weight.mul_(2)
            model.encoder.weight.mul_(2)
            for path, args in calls:
                same(call_path(module, path)(*args), call_path(model, path)(*args))
    expect(not [warning for warning in answer["warnings"] if "is called" in warning["message"]], f"warnings {answer['warnings']}")


def call_path(module, path):
    for name in path.split("."):
        module = getattr(module, name)
    return module


def check_shared_class(compiler):
    """Two modules of a class cannot have a method each, as it is optimized: these are methods of the model."""
    module = torch.jit.script(seeded(Twice))
    target, answer = compiler(module, "--format", "torchscript", "--preserve", "first.step,second.step", extension="pt")
    loaded, model, x = torch.jit.load(target), seeded(Twice), torch.rand(1, 4, 2, 2)
    with torch.no_grad():
        same(loaded.first_step(x), model.first.step(x))
        same(loaded.second_step(x), model.second.step(x))
        same(loaded(x), model(x))
    expect(len([warning for warning in answer["warnings"] if "is called" in warning["message"]]) == 2, f"warnings {answer['warnings']}")


def rows_to_run():
    for name, make, preserve, calls in PRESERVED:
        yield f"preserve {name}", lambda c, m=make, p=preserve, k=calls: check_preserved(c, m, p, k)
    yield "preserve traced methods", check_traced_methods
    yield "preserve in TorchScript", check_archive
    inner = [("encoder.step", (torch.rand(1, 4, 2, 2), 3)), ("forward", (picture(),))]
    yield "preserve in TorchScript a method of a module", lambda c: check_archive_modules(c, ["encoder.step"], inner)
    whole = [*inner, ("encoder.forward", (picture(1),)), ("encoder.bn.forward", (torch.rand(1, 4, 2, 2),))]
    yield "preserve in TorchScript a module", lambda c: check_archive_modules(c, ["encoder"], whole)
    yield "preserve in TorchScript a module and its method", lambda c: check_archive_modules(c, ["encoder", "encoder.step", "encode"], [*whole, ("encode", (picture(),))])
    yield "preserve in TorchScript methods of a shared class", check_shared_class
    for path, *said in [("encod", "UNKNOWN_MEMBER", 'Did you mean "encode"?'), ("encoder.wieght", 'Did you mean "encoder.weight"?'), ("encodr.weight", 'Did you mean "encoder"?'),
                        ("nothing.at.all", "UNKNOWN_MEMBER", "no module nothing")]:
        yield f"preserve refuses {path}", lambda c, p=path, s=said: check_refused(c, ["--preserve", p], *s)
    for augment in (augment_forward, augment_random, augment_helper, augment_many):
        yield f"bundle kept: {augment.__name__}", lambda c, a=augment: check_kept(c, a)
    yield "bundle refuses a second time", lambda c: check_twice(c)
    for bundle, *said in [("1x3;2", "takes 1 input"), ("int:3", "takes Tensor for 'x'"), ("(1,2)", "gives a tuple")]:
        yield f"bundle refuses {bundle}", lambda c, b=bundle, s=said: check_refused(c, ["--bundle", b], "BAD_BUNDLE", *s)
    for bundle, shapes in [("1x3x9x9", [["float32[1, 3, 9, 9]"]]), ("1x3x9x9,2x3x20x20", [["float32[1, 3, 9, 9]"], ["float32[2, 3, 20, 20]"]]),
                           ("1x3x3x3<0.3", [["float32[1, 3, 3, 3]"]])]:
        yield f"bundle {bundle}", lambda c, b=bundle, s=shapes: check_added(c, torch.jit.script(seeded(Plain)), b, s)
    yield "bundle all kinds", lambda c: check_added(
        c, torch.jit.script(Arguments()), "40;(40,3);[40,1];int:2;float:0.5;bool:true;40,2;(2,2);[2];int:1;float:1;bool:false",
        [["float32[40]", ["float32[40]", "float32[3]"], ["float32[40]", "float32[1]"], 2, 0.5, True, "float32[40]", 3],
         ["float32[2]", ["float32[2]", "float32[2]"], ["float32[2]"], 1, 1.0, False, None, 3]])
    for dtype in DTYPES:
        yield f"bundle {dtype}", lambda c, d=dtype: check_added(c, torch.jit.script(Identity()), f"{d}[3];{d}[5x7]", [[f"{d}[3]", f"{d}[5, 7]"]])
    yield "bundle spread", check_spread
    for backend, names in MARKS.items():
        for name in names:
            yield f"block {name} for {backend}", lambda c, b=backend, n=name: check_blocked(c, b, n)
    for i, (code, has, has_not, options) in enumerate(LINTS):
        # Errors are the same for all.
        yield f"lint {i} {code}", lambda c, a=(code, has, has_not, options, i in (0, 5)): check_lint(c, *a)
    yield "lint BUNDLED_INPUT", check_bundled_lint
    yield "lint MISSING_OPERATOR", check_missing


class Identity(torch.nn.Module):
    def forward(self, x, y):
        return x, y


def check_twice(compiler):
    module = fresh(torch.jit.script(seeded(Plain)))
    augment_forward(module)
    try:
        compiler(module, "--bundle", "1x3x9x9")
    except Refused as why:
        return expect("has bundled inputs already" in str(why), str(why))
    raise Mismatch("it was accepted")


def run_row(index, petal):
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    name, run = list(rows_to_run())[index]
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(Compiler(petal, folder))
            return {"name": name, "status": "passed"}
        except Exception as error:  # noqa: BLE001 - one row
            why = str(error) if isinstance(error, (Mismatch, Refused)) else traceback.format_exc()
            return {"name": name, "status": "failed", "why": why}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True)
    parser.add_argument("--set", choices=("quick", "full"), default="full", help="quick leaves out most element types")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--report")
    options = parser.parse_args()
    chosen = [i for i, (name, _) in enumerate(rows_to_run()) if options.only in name and not (options.set == "quick" and name in FULL_ONLY)]
    results = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for row in pool.map(run_row, chosen, [options.petal] * len(chosen)):
            results.append(row)
            if row["status"] == "failed":
                print(f"FAILED {row['name']}: {row['why']}", flush=True)
    failed = sum(row["status"] == "failed" for row in results)
    if options.report:
        with open(options.report, "w") as file:
            json.dump({"rows": results}, file, indent=1)
    print(f"switches: {len(results) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
