"""Imports a Python file of a project under a name that does not depend on where the project lies."""

import ast
import importlib
import importlib.machinery
import importlib.util
import os
import re
import sys
from types import ModuleType
from typing import List, Tuple

from .failures import Refusal


def import_file(file: str, root: str) -> ModuleType:
    """
    The module of a file, with its imports as Python would do them: in a package (folders with __init__.py) it is
    `pkg.sub.net`, else `net`, with the modules beside it in reach. Relative imports work in plain folders too. Its name
    is spelled in letters that TorchScript takes. Whatever the file raises is let through.
    """
    if not os.path.isfile(file):
        raise Refusal(
            "SOURCE_MISSING", "There is no file %s." % os.path.basename(file), fix="Correct the path of the import."
        )
    folder, stem = os.path.dirname(file), os.path.splitext(os.path.basename(file))[0]
    packages, top = _packages(folder)
    if packages:
        _reach(first=[top], last=[folder, root])
        package = ".".join(packages)
        importlib.import_module(package)
    else:
        _reach(first=[folder], last=[root])
        package = _plain_package(file, root)
    if stem == "__init__":
        return sys.modules[package]
    name = identifier(stem)
    if not package and name != "model" and _is_taken(name, folder):
        name += "_"
    return _execute((package + "." if package else "") + name, file)


def identifier(text: str) -> str:
    """A name that Python and TorchScript take, as like `text` as can be."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    return "_" + name if name[:1].isdigit() or name in _KEYWORDS else name


_KEYWORDS = frozenset(
    ["class", "def", "import", "from", "if", "else", "for", "while", "in", "is", "return", "pass", "global", "lambda"]
)


def _packages(folder: str) -> Tuple[List[str], str]:
    """The packages that a folder is in, the outermost first, and the folder that holds the outermost."""
    names: List[str] = []
    while os.path.isfile(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
        names.insert(0, os.path.basename(folder))
        folder = os.path.dirname(folder)
    return names, folder


def _reach(first: List[str], last: List[str]) -> None:
    """Lets imports find what is in some folders: before the installed packages, and after them."""
    rest = [path for path in sys.path if path not in first]
    sys.path[:] = first + rest + [path for path in dict.fromkeys(last) if path and path not in first + rest]
    importlib.invalidate_caches()


def _plain_package(file: str, root: str) -> str:
    """
    The name of a package made of folders without __init__.py, as many as the file's relative imports climb; empty where
    it has none. Folders at and above the root get a fixed name, as theirs may differ between checkouts.
    """
    try:
        with open(file, "rb") as opened:
            tree = ast.parse(opened.read())
    except (SyntaxError, ValueError):
        return ""  # told when the file is executed
    levels = max((node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0)
    folder, folders = os.path.dirname(file), []
    for _ in range(levels):
        folders.insert(0, folder)
        folder = os.path.dirname(folder)
    name = ""
    for path in folders:
        inside = os.path.realpath(path).startswith(os.path.realpath(root).rstrip(os.sep) + os.sep) if root else False
        last = identifier(os.path.basename(path)) if inside else "project"
        name = name + "." + last if name else last if not _is_taken(last, path) else last + "_"
        package = ModuleType(name)
        package.__path__ = [path]  # type: ignore[attr-defined]
        package.__package__ = name
        package.__petal_package__ = True  # type: ignore[attr-defined]
        sys.modules[name] = package
    return name


def _is_taken(name: str, folder: str) -> bool:
    """
    Whether Python itself or an installed package has a module of this name, which others may need while this one is
    loaded.
    """
    if name in sys.builtin_module_names or name == "torch":
        return True
    paths = [path for path in sys.path if os.path.abspath(path or os.curdir) != folder]
    return importlib.machinery.PathFinder.find_spec(name, paths) is not None


def _execute(name: str, file: str) -> ModuleType:
    present = sys.modules.get(name)
    if present is not None and os.path.abspath(getattr(present, "__file__", None) or "") == os.path.abspath(file):
        return present  # its package imported it
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise Refusal("NOT_PYTHON", "%s is no Python file." % os.path.basename(file))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return sys.modules.get(name, module)
