"""Mixing both ways to convert: submodules scripted inside of a trace, and submodules traced inside of a script."""
import difflib
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Tuple

import torch

from .failures import Refusal
from .loaded import Call
from .reclassing import reclassed, replaced
from .running import State, copied, run

Pairs = List[Tuple[torch.nn.Module, torch.nn.Module]]


def submodules(model: torch.nn.Module, paths: List[str], directive: str) -> Dict[str, torch.nn.Module]:
    """The modules at these paths. Raises Refusal NO_SUCH_SUBMODULE, which names those that exist."""
    named = {name: module for name, module in model.named_modules(remove_duplicate=False) if name}
    for path in paths:
        if path not in named:
            near = difflib.get_close_matches(path, named, n=3, cutoff=0.5)
            listed = ", ".join(list(named)[:40]) + (", … (%d more)" % (len(named) - 40) if len(named) > 40 else "")
            raise Refusal(
                "NO_SUCH_SUBMODULE", "The model has no submodule `%s`, which %s= names." % (path, directive),
                "Its submodules are: %s." % listed if named else "It has no submodules at all.",
                "Name %s." % " or ".join("`%s`" % one for one in near) if near else "Name one of them, or leave %s= out." % directive,
            )
    return {path: named[path] for path in paths}


@contextmanager
def scripted_inside(model: torch.nn.Module, parts: Dict[str, torch.nn.Module], script: Callable[..., Any]) -> Iterator[None]:
    """Inside, the parts of `model` are scripted."""
    pairs: Pairs = []
    for path, part in parts.items():
        try:
            pairs.append((part, script(part)))
        except Refusal as refusal:
            refusal.context = "That was for the submodule `%s`, which script= names." % path
            raise
    with replaced(model, pairs):
        yield


def recorded_calls(model: torch.nn.Module, parts: Dict[str, torch.nn.Module], calls: List[Call]) -> Dict[str, List[Call]]:
    """
    The calls that the parts get while the model runs on its example inputs, by path.
    Raises Refusal SUBMODULE_NOT_CALLED for one that gets none.
    """
    found: Dict[str, List[Call]] = {path: [] for path in parts}

    def recording(path: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        def record(self: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            found[path].append(copied(Call(args, kwargs)))
            return forward(self, *args, **kwargs)
        return record

    state = State(model)
    with reclassed([(part, {"forward": recording(path, type(part).forward)}) for path, part in parts.items()]):
        # Taken inside, as a state holds the attributes of modules and not their classes.
        for call in calls:
            run(model, state, call)
    for path, seen in found.items():
        if not seen:
            raise Refusal(
                "SUBMODULE_NOT_CALLED", "The submodule `%s`, which trace= names, is not called for the example inputs." % path,
                "Its own example inputs are recorded while the model runs on the model's.",
                "Give example inputs for which the model calls it, or leave it out of trace=.",
            )
    return found
