"""A trace is checked, not trusted: it must give what the model gives, on other inputs than those that it was made from."""
import math
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Union

import torch

from .comparing import difference, largest_error
from .failures import Refusal
from .inputs import generator, make
from .loaded import Call, Loaded
from .running import Copies, State, mapped, run
from .variants import Variant, described, variants


class Divergence(NamedTuple):
    """Inputs on which a converted model does not do what the model does."""

    inputs: str
    what: str
    """How the outputs differ: the end of a sentence."""


class Checked(NamedTuple):
    """What a check found."""

    facts: List[Dict[str, Any]]
    """CheckFacts, up to the divergence if there is one."""
    divergence: Optional[Divergence]
    warning: Optional[str]


def check(
    model: torch.nn.Module, converted: Callable[..., Any], after: Union[State, Copies], cases: Iterator[Variant],
    progress: Callable[[str], None] = lambda name: None,
) -> Checked:
    """
    Compares `converted`, whose state is `after`, with `model` on each case. Inputs that the model itself does not take are left out of the
    comparison, unless the user asked for them: then Refusal CHECK_INPUTS_REFUSED or
    EXAMPLE_INPUTS_REFUSED. Both are as they were afterwards.
    """
    before = State(model)
    facts: List[Dict[str, Any]] = []
    for case in cases:
        name, call, asked, times = case
        progress(name)
        try:
            expected = run(model, before, call, SEED, times)
        except Exception as error:
            if asked:
                code = "CHECK_INPUTS_REFUSED" if asked == "check=" else "EXAMPLE_INPUTS_REFUSED"
                raise Refusal(
                    code, "The model does not take the inputs %s of %s: %s" % (described(call), asked, first_line(error)),
                    "The model itself raises %s, before it is converted." % type(error).__name__,
                    "Give inputs there that the model takes.", exception=type(error).__name__,
                )
            facts.append({"inputs": name})
            continue
        if not facts and not _repeats(model, before, call, expected):
            return Checked([], None, NOT_DETERMINISTIC)
        divergence, error = _compare(model, before, converted, after, case, expected)
        if divergence is not None:
            return Checked(facts, divergence, None)
        facts.append({"inputs": name, "error": error})
    return Checked(facts, None, None)


# Not the one that traces are made with: a number that a trace froze shows as a difference.
SEED = 1

NOT_DETERMINISTIC = (
    "The trace was not compared with the model: the model gives different results when it runs twice on the same inputs "
    "with the same random seed."
)


def takes(model: torch.nn.Module, call: Call) -> bool:
    """Whether the model itself takes these inputs."""
    try:
        run(model, State(model), call)
    except Exception:
        return False
    return True


def cases(loaded: Loaded, extra: Union[str, List[List[dict]]]) -> Iterator[Variant]:
    """The inputs to check a trace on: those at hand, and other values and batches."""
    yield Variant("the example inputs", loaded.calls[0], asked="example inputs")
    yield Variant("the example inputs, twice in a row", loaded.calls[0], times=2)
    yield from variants(loaded.calls[0], loaded.specs)
    yield from list(given(loaded, extra))[1:]


def given(loaded: Loaded, extra: Union[str, List[List[dict]]]) -> Iterator[Variant]:
    """The inputs at hand: the example inputs, and what check= names."""
    for index, call in enumerate(loaded.calls, 1):
        name = "the example inputs" if index == 1 else "example inputs %d: %s" % (index, described(call))
        yield Variant(name, call, asked="example inputs")
    source = generator(2)
    for specs in [] if isinstance(extra, str) else extra:
        call = Call(tuple(make(spec, source) for spec in specs), {})
        yield Variant(described(call), call, asked="check=")


def refusal(divergence: Divergence, method: str, place: Optional[Dict[str, Any]], fix: str) -> Refusal:
    """The error that says what differs, and where the tracer first warned of it."""
    cause = (
        "A trace keeps the one path that the example inputs took and the Python numbers on that path, such as a size turned into int; "
        "this model's depend on the values or the shapes of its inputs, on earlier calls, or on chance."
    )
    if place is not None and "file" in place:
        cause += " The tracer warned of it first at the line shown."
    return Refusal(
        "TRACE_DIVERGES", "The %s does not do what the model does (inputs: %s): %s." % (method, divergence.inputs, divergence.what),
        cause, fix, file=(place or {}).get("file"), line=(place or {}).get("line"),
    )


def _compare(
    model: torch.nn.Module, before: State, converted: Callable[..., Any], after: Union[State, Copies], case: Variant, expected: Any,
) -> Any:
    try:
        actual = run(converted, after, case.call, SEED, case.times)
    except Refusal:
        raise
    except Exception as error:
        return Divergence(case.name, "it raises %s where the model does not" % _reason(error)), None
    excess = difference(expected, actual)
    if isinstance(excess, str):
        return Divergence(case.name, excess), None
    error = largest_error(expected, actual)
    if excess > 1 and not excess <= 10 * _sensitivity(model, before, case, expected):
        size = "NaN or infinities are at other places" if math.isinf(error) else (
            "the largest difference is %.2g times the largest magnitude of the model's output" % error
        )
        return Divergence(case.name, size), None
    return None, error


def _repeats(model: torch.nn.Module, state: State, call: Call, expected: Any) -> bool:
    excess = difference(expected, run(model, state, call, SEED))
    return not isinstance(excess, str) and excess <= 1


def _sensitivity(model: torch.nn.Module, state: State, case: Variant, expected: Any) -> float:
    """How far the model's own output moves when its inputs move by a few units in the last place: what rounding may become in it."""
    def nudge(tensor: torch.Tensor) -> torch.Tensor:
        return tensor * (1 + 4 * torch.finfo(tensor.dtype).eps) if tensor.is_floating_point() else tensor

    try:
        nudged = Call(*mapped(nudge, (tuple(case.call.args), dict(case.call.kwargs))))
        excess = difference(expected, run(model, state, nudged, SEED, case.times))
    except Exception:
        return 0.0
    return excess if isinstance(excess, float) and math.isfinite(excess) else 0.0


def _reason(error: Exception) -> str:
    """The last line of TorchScript's messages is what happened; those before show where in the generated code."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return "%s (%s)" % (type(error).__name__, lines[-1] if lines else "no message")


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
