"""Tracing: one call of a model is recorded. Which inputs it takes, and how a call is put into their order."""
import inspect
from typing import Any, List, NamedTuple, Tuple

import torch

from .failures import Refusal
from .inputs import describe
from .loaded import Call
from .reclassing import method, reclassed
from .running import copied, seed, tensors

class Argument(NamedTuple):
    """One argument of a call."""

    place: str
    """`args` or `kwargs`."""
    key: Any
    name: str
    """The parameter of `forward` that it is for."""
    value: Any
    default: Any

    def left_out(self) -> bool:
        """Whether it says no more than its default does, so that a trace does without it."""
        return not tensors(self.value) and type(self.value) is type(self.default) and bool(self.value == self.default)


class Traced(NamedTuple):
    """A trace and how to call it."""

    module: torch.jit.ScriptModule
    names: List[str]
    """The parameters of the model's `forward` that are inputs of the trace, in its order."""
    signature: inspect.Signature
    loose: bool
    """Whether containers that may change were recorded as they are for the example inputs."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = {one.name: one.value for one in arguments(self.signature, Call(args, kwargs)) if not one.left_out()}
        if set(given) != set(self.names) or not all(_all_tensors(value) for value in given.values()):
            raise TypeError("the trace takes %s, not %s" % (", ".join(self.names), ", ".join(given)))
        return self.module(*[given[name] for name in self.names])


def trace(model: torch.nn.Module, call: Call) -> Traced:
    """
    Records one call. Inputs given by name become inputs by position, in the order of `forward`; what is no tensor may only be left at
    its default. Raises Refusal UNTRACEABLE_INPUT, or TRACE_FAILED with PyTorch's message.
    """
    signature = signature_of(model)
    inputs = copied(call)
    slots = _inputs(signature, inputs)
    forward = type(model).forward

    def positional(self: torch.nn.Module, *values: Any) -> Any:
        args, kwargs = list(inputs.args), dict(inputs.kwargs)
        for slot, value in zip(slots, values):
            (args if slot.place == "args" else kwargs)[slot.key] = value
        return forward(self, *args, **kwargs)

    # As it is, where that gives the same: then the trace keeps what else `forward` says of itself.
    plain = not inputs.kwargs and len(slots) == len(inputs.args)
    names = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ["self"] + [one.name for one in slots]]
    changes = [] if plain else [(model, {"forward": method(positional, __signature__=inspect.Signature(names))})]
    with reclassed(changes):
        module, loose = _trace(model, tuple(one.value for one in slots))
    return Traced(module, [one.name for one in slots], signature, loose)


def _trace(model: torch.nn.Module, values: tuple) -> Tuple[torch.jit.ScriptModule, bool]:
    for strict in (True, False):
        seed(0)
        try:
            with torch.no_grad():
                return torch.jit.trace(model, values, check_trace=False, strict=strict), not strict
        except Refusal:
            raise
        except Exception as error:
            if not (strict and "strict=False" in str(error)):
                raise Refusal("TRACE_FAILED", str(error), exception=type(error).__name__) from error
    raise AssertionError


def arguments(signature: inspect.Signature, call: Call) -> List[Argument]:
    """The arguments of a call in the order of the parameters, the first of which is `self`."""
    parameters = list(signature.parameters.values())[1:]
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    rest = next((one.name for one in parameters if one.kind == one.VAR_POSITIONAL), "input")
    order = {one.name: index for index, one in enumerate(parameters)}
    found = [
        Argument("args", index, positional[index].name, value, positional[index].default) if index < len(positional)
        else Argument("args", index, "%s_%d" % (rest, index - len(positional)), value, inspect.Parameter.empty)
        for index, value in enumerate(call.args)
    ]
    named = [
        Argument("kwargs", key, key, value, signature.parameters[key].default if key in order else inspect.Parameter.empty)
        for key, value in call.kwargs.items()
    ]
    return found + sorted(named, key=lambda one: order.get(one.name, len(order)))


def _inputs(signature: inspect.Signature, call: Call) -> List[Argument]:
    """The arguments that become inputs of a trace. Raises Refusal UNTRACEABLE_INPUT for what a trace can neither take nor do without."""
    found = [one for one in arguments(signature, call) if not one.left_out()]
    for one in found:
        if not _all_tensors(one.value):
            raise Refusal(
                "UNTRACEABLE_INPUT", "The input `%s` is %s, and a trace takes tensors only." % (one.name, describe(one.value)),
                "Whatever else is given to `forward` becomes a constant of the trace.",
                "Convert the model with convert=script, leave the argument at its default, or give it as a tensor.",
            )
    if not found:
        raise Refusal(
            "UNTRACEABLE_INPUT", "The example inputs hold no tensor, and a trace records nothing else.",
            "Only what is computed from input tensors depends on the input in a trace.", "Convert the model with convert=script.",
        )
    return found


def _all_tensors(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return len(value) > 0 and all(_all_tensors(item) for item in value)
    if isinstance(value, dict):
        return len(value) > 0 and all(isinstance(key, str) and _all_tensors(item) for key, item in value.items())
    return isinstance(value, torch.Tensor)


def signature_of(model: torch.nn.Module) -> inspect.Signature:
    """The signature of the model's `forward`, `self` first."""
    try:
        return inspect.signature(type(model).forward)
    except (AttributeError, TypeError, ValueError):
        # Not told by a module that is TorchScript already, nor by one without a `forward`.
        return inspect.Signature([inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)])
