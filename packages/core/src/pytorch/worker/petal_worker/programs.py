"""
Exported programs (.pt2). They are graphs already; what is left is to make them such that they can be traced. Loading
one can run code: its weights may be pickles, and PyTorch evaluates expressions and names of functions that stand in it.
"""

import inspect
import math
import os
from typing import Any, List, Set, Tuple

import torch
from torch import fx, nn

from .checkpoints import require_trust
from .failures import Refusal
from .loaded import Call

SIZES = {"aten::sym_size.int": "size", "aten::sym_stride.int": "stride", "aten::sym_numel": "numel"}
"""Operators that ask for a size, and the methods that a trace records in their place."""
ARITHMETIC = {
    # In a trace a size is a tensor without dimensions, which these functions would make a constant of. A float must be
    # of the default type, so that it changes the type of what it is multiplied with as a Python number does.
    "sym_float": lambda x: x.to(torch.get_default_dtype()) if isinstance(x, torch.Tensor) else float(x),
    "sym_int": lambda x: x.long() if isinstance(x, torch.Tensor) else int(x),
    "sym_max": lambda x, y: torch.max(_number(x), _number(y)) if torch.jit.is_tracing() else max(x, y),
    "sym_min": lambda x, y: torch.min(_number(x), _number(y)) if torch.jit.is_tracing() else min(x, y),
    "floor": lambda x: x.floor().long() if isinstance(x, torch.Tensor) else math.floor(x),
    "ceil": lambda x: x.ceil().long() if isinstance(x, torch.Tensor) else math.ceil(x),
    "trunc": lambda x: x.long() if isinstance(x, torch.Tensor) else math.trunc(x),
}
"""What takes the place of a release's arithmetic on sizes, by name."""
ASSERTIONS = ("aten::_assert", "aten::sym_constrain", "profiler::")
"""What has no part in the result."""


def load_program(file: str, trust: bool) -> Tuple[nn.Module, List[Call]]:
    """The module of an exported program, and its example inputs."""
    require_trust(file, trust, "is an exported program")
    name = os.path.basename(file)
    try:
        from torch.export import load
    except ImportError:
        raise Refusal(
            "TORCH_TOO_OLD",
            "PyTorch %s can't read %s, which torch.export wrote." % (torch.__version__, name),
            fix="Install PyTorch 2.1 or newer, or import the Python file of the model.",
        )
    try:
        program = load(file)
    except Exception as error:
        raise Refusal(
            "BAD_PROGRAM",
            "%s can't be read: %s" % (name, str(error).strip().split("\n")[0] or type(error).__name__),
            cause="The file is damaged, or was written by a release that PyTorch %s does not understand."
            % torch.__version__,
            fix="Export it again with this release, or import the Python file of the model.",
            exception=type(error).__name__,
        )
    options = {"check_guards": False} if "check_guards" in inspect.signature(program.module).parameters else {}
    model = program.module(**options)
    for method in ("train", "eval"):
        vars(model).pop(method, None)  # refuse to be called, as the mode of a program is fixed
    # Hooks that compare the shapes of inputs with those that were exported: a trace can't record that.
    model._forward_pre_hooks.clear()
    for part in model.modules():
        if isinstance(part, fx.GraphModule):
            traceable(part)
    args, kwargs = getattr(program, "example_inputs", None) or ((), {})
    return model, [Call(tuple(args), dict(kwargs))] if args or kwargs else []


def traceable(part: fx.GraphModule) -> None:
    """
    Lets a trace follow the sizes in a graph. The operators that ask for them give numbers that it takes for constants;
    the methods of tensors give such as it follows. What then takes a size as a number must be the function that Python
    code would call.
    """
    sizes: Set[Any] = set()
    for node in list(part.graph.nodes):
        name = _operator(node)
        if node.op == "call_function" and name.startswith(ASSERTIONS):
            part.graph.erase_node(node)
        elif name in SIZES:
            node.op, node.target = "call_method", SIZES[name]
            sizes.add(node)
        elif node.op == "call_function" and sizes.intersection(node.all_input_nodes):
            if "::" not in name:
                node.target = ARITHMETIC.get(name, node.target)
                sizes.add(node)
            elif _takes_size(node, sizes):
                _call_from_python(node, name.split("::")[1].split(".")[0])
    part.graph.eliminate_dead_code()
    part.recompile()


def _operator(node: Any) -> str:
    """`aten::view`, `aten::add.Tensor`; for other functions their name."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return getattr(node.target, "__name__", str(node.target))
    return schema.name + ("." + schema.overload_name if schema.overload_name else "")


def _takes_size(node: Any, sizes: Set[Any]) -> bool:
    """Whether a size is given for something else than a tensor, in a list too."""
    parameters = node.target._schema.arguments
    given = [
        *zip(parameters, node.args),
        *((item, node.kwargs[item.name]) for item in parameters if item.name in node.kwargs),
    ]
    values = (value for item, value in given if str(item.type) != "Tensor")
    return any(
        each in sizes
        for value in values
        for each in (value if isinstance(value, (list, tuple)) else [value])
        if isinstance(each, fx.Node)
    )


def _call_from_python(node: Any, name: str) -> None:
    """
    Calls an operator by the function or method that Python has for it, as only those record where a size came from.
    """
    if name == "slice":
        node.target = sliced
    elif (
        node.target._schema.arguments[:1]
        and node.target._schema.arguments[0].name == "self"
        and hasattr(torch.Tensor, name)
    ):
        node.op, node.target = "call_method", name
    else:
        node.target = getattr(torch, name, None) or getattr(torch._C._nn, name, node.target)


def sliced(tensor: torch.Tensor, dim: int = 0, start: Any = None, end: Any = None, step: Any = 1) -> torch.Tensor:
    """aten::slice, as a graph calls it."""
    return tensor[(slice(None),) * (dim % tensor.dim()) + (slice(start, end, step),)]


def _number(value: Any) -> torch.Tensor:
    return value if isinstance(value, torch.Tensor) else torch.tensor(value)
