"""Finds the model in a project's module, and makes it."""

import ast
import inspect
import os
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Set

import torch
from torch import nn

from .failures import Refusal

FACTORIES = [
    "%s_%s" % (verb, noun) for verb in ("make", "create", "build", "get") for noun in ("model", "net", "network")
]
"""Functions of these names are taken for what makes the model, where `entry` says nothing."""


def find_model(module: ModuleType, file: str, entry: str, arguments: List[dict]) -> nn.Module:
    """
    The model of a module. `entry` names it: a ready module, a class, or a function that returns one; dotted names reach
    into objects. Without it, the first of these that the file has: `model`; a function named as a factory; its only
    nn.Module object; its only nn.Module class that nothing else in the file uses. Several of a kind are a refusal.
    """
    name = entry or _conventional(module, file)
    target = _attribute(module, file, name) if entry else getattr(module, name)
    line = _line(target, file)
    if isinstance(target, nn.Module):
        if arguments:
            raise Refusal(
                "BAD_ARGS",
                "`%s` in %s is a ready model, so there is nothing to pass `args` to." % (name, os.path.basename(file)),
                fix="Leave `args` out, or name its class or a function that makes it with `entry`.",
                file=file,
                line=line,
            )
        return target
    if isinstance(target, torch.jit.ScriptFunction):
        raise _no_model(name, file, line, "is a scripted function")
    if inspect.isclass(target) and not issubclass(target, nn.Module):
        raise _no_model(name, file, line, "is a class that is no nn.Module")
    if not callable(target):
        raise _no_model(name, file, line, "is %s" % _a(type(target).__name__))
    made = _call(target, name, file, line, arguments)
    if not isinstance(made, nn.Module):
        raise _no_model(name, file, line, "returns %s" % _a(type(made).__name__))
    return made


def _conventional(module: ModuleType, file: str) -> str:
    names = vars(module)
    if "model" in names and not isinstance(names["model"], ModuleType):
        return "model"
    for kind, found in (
        ("functions that look as if they make the model", _factories(module)),
        ("models", _instances(module)),
        ("model classes", _classes(module, file)),
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise Refusal(
                "ENTRY_AMBIGUOUS",
                "%s has several %s: %s." % (os.path.basename(file), kind, ", ".join(found)),
                cause="The file does not tell which one is meant.",
                fix="Name it in the import: entry=%s." % found[-1],
                file=file,
            )
    raise Refusal(
        "ENTRY_MISSING",
        "%s has no model." % os.path.basename(file),
        cause="It has no `model`, no function such as `make_model`, and no nn.Module class of its own.",
        fix="Add `model = …`, or name what makes the model with `entry`.",
        file=file,
    )


def _factories(module: ModuleType) -> List[str]:
    own = (name for name in FACTORIES if getattr(getattr(module, name, None), "__module__", None) == module.__name__)
    return [name for name in own if inspect.isfunction(getattr(module, name))]


def _instances(module: ModuleType) -> List[str]:
    loss = nn.modules.loss._Loss
    found: Dict[int, str] = {}
    for name, value in vars(module).items():
        if isinstance(value, nn.Module) and not isinstance(value, loss):
            found.setdefault(id(value), name)
    return list(found.values())


def _classes(module: ModuleType, file: str) -> List[str]:
    """
    Names of the nn.Module classes that the file defines and no other class of it uses; all of them where each is used.
    """
    own = [
        name
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, nn.Module)
        and value.__module__ == module.__name__
        and value.__name__ == name
    ]
    uses = _uses(file)
    used = {name for user in own for name in _reached(user, uses) if name != user}
    return [name for name in own if name not in used] or own


def _uses(file: str) -> Dict[str, Set[str]]:
    """The names in the body of each class and function at the top of a file."""
    with open(file, "rb") as opened:
        tree = ast.parse(opened.read())
    definitions = (ast.ClassDef, ast.FunctionDef)
    return {
        statement.name: {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        for statement in tree.body
        if isinstance(statement, definitions)
    }


def _reached(name: str, uses: Dict[str, Set[str]]) -> Set[str]:
    """What a class or function uses, by itself or through others."""
    found: Set[str] = set()
    waiting = [name]
    while waiting:
        new = uses.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


def _attribute(module: ModuleType, file: str, entry: str) -> Any:
    value: Any = module
    for part in entry.split("."):
        if not hasattr(value, part):
            offered = (
                [
                    name
                    for name, item in vars(value).items()
                    if not name.startswith("_")
                    and getattr(item, "__module__", None) == module.__name__
                    and callable(item)
                ]
                if isinstance(value, ModuleType)
                else []
            )
            raise Refusal(
                "ENTRY_MISSING",
                "%s has no `%s`, which the import names as its entry." % (os.path.basename(file), entry),
                cause="The file has: %s." % ", ".join(offered) if offered else None,
                fix="Correct `entry`.",
                file=file,
            )
        value = getattr(value, part)
    return value


def _call(target: Callable, name: str, file: str, line: Optional[int], arguments: List[dict]) -> Any:
    positional = [item["value"] for item in arguments if not item.get("name")]
    named = {item["name"]: item["value"] for item in arguments if item.get("name")}
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return target(*positional, **named)
    try:
        signature.bind(*positional, **named)
    except TypeError as error:
        raise Refusal(
            "BAD_ARGS",
            "`args` does not fit %s%s: %s." % (name, signature, error),
            fix=_advice(signature, arguments),
            file=file,
            line=line,
        )
    return target(*positional, **named)


def _advice(signature: inspect.Signature, arguments: List[dict]) -> str:
    needed = [
        item.name
        for item in signature.parameters.values()
        if item.default is item.empty and item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD)
    ]
    if needed and not arguments:
        return "Give %s in the import, such as args=%s." % (
            " and ".join("`%s`" % item for item in needed),
            ",".join("…" for _ in needed),
        )
    return "Correct `args`."


def _no_model(name: str, file: str, line: Optional[int], found: str) -> Refusal:
    return Refusal(
        "NOT_A_MODEL",
        "`%s` in %s %s, not an nn.Module." % (name, os.path.basename(file), found),
        cause="Only modules are converted: an nn.Module object, its class, or a function that returns one.",
        fix="Wrap it in an nn.Module, or name another `entry`.",
        file=file,
        line=line,
    )


def _a(name: str) -> str:
    return "None" if name == "NoneType" else "a `%s`" % name


def _line(target: Any, file: str) -> Optional[int]:
    """The line that a class or function of the file starts at."""
    try:
        if os.path.samefile(inspect.getsourcefile(target) or "", file):
            return inspect.getsourcelines(target)[1]
    except (TypeError, OSError, ValueError):
        pass
    return None
