"""Which files of the project and which installed packages a conversion depends on."""

import ast
import contextlib
import functools
import os
import re
import site
import sys
import sysconfig
import tempfile
from typing import Any, Dict, Iterator, List, Optional, Set

WORKER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _installation() -> List[str]:
    """
    Folders of the interpreter and of what is installed in it. Not the whole prefix of a system's Python: projects lie
    in /usr too.
    """
    folders = [sysconfig.get_paths().get(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [os.path.dirname(os.__file__), *getattr(site, "getsitepackages", list)()]
    folders += [site.getusersitepackages()] if hasattr(site, "getusersitepackages") else []
    folders += [
        path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages", "lib-dynload")
    ]
    folders += [path for path in sys.path if path.endswith(".zip")]
    folders += (
        [sys.prefix] if sys.prefix != sys.base_prefix or os.path.isdir(os.path.join(sys.prefix, "conda-meta")) else []
    )
    return sorted(
        {way(folder) for folder in (*folders, WORKER) if folder for way in (os.path.abspath, os.path.realpath)}
    )


INSTALLATION = _installation()


@functools.lru_cache(maxsize=None)  # asked for thousands of modules in every job
def is_installed(path: str) -> bool:
    """Whether a file belongs to the interpreter, its packages, or this worker; then it is no part of any project."""
    if path.startswith("<"):
        return True
    # Both ways: an environment may link to packages elsewhere, and a path may lead through a link into one.
    return _inside_any(os.path.abspath(path)) or _inside_any(os.path.realpath(path))


def paths_of(module: Any) -> List[str]:
    """The file of a module, or the folders of a package without one; none for what has neither."""
    file = getattr(module, "__file__", None)
    try:
        paths = [file] if isinstance(file, str) else list(getattr(module, "__path__", None) or [])
    except Exception:
        # The folders of a package without __init__.py are found through its parent, which is gone where its import failed.
        return []
    return [path for path in paths if isinstance(path, str)]


def top_folder(file: str) -> str:
    """The folder of a Python file, or what its outermost package lies in."""
    folder = os.path.dirname(os.path.abspath(file))
    while os.path.isfile(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder


class Tracker:
    """What one job reads."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._source = os.path.abspath(params["source"]["file"])
        self._weights = params.get("weights") or ""
        self._folders = [
            os.path.realpath(folder) for folder in (params.get("root"), top_folder(self._source)) if folder
        ]
        self._output = os.path.abspath(params["output"])
        self._read: Set[str] = set()
        self._written: Set[str] = set()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Notes what is opened meanwhile."""
        global _current
        _hook()
        _current = self
        try:
            yield
        finally:
            self._note_modules()
            _current = None

    def is_project(self, path: str) -> bool:
        """Whether a Python file is the user's own: any that is not installed."""
        return bool(path) and os.path.isfile(path) and not is_installed(path)

    def dependencies(self) -> List[str]:
        """Absolute paths of the project's files that were read, the source first, the rest sorted."""
        self._note_modules()
        found = {path for path in self._read - self._written if self._belongs(path)}
        if self._weights and os.path.isfile(self._weights):
            found.add(os.path.abspath(self._weights))
        return [self._source, *sorted(found - {self._source, self._output})]

    def packages(self) -> Dict[str, str]:
        """
        Installed distributions that the project's modules name in their imports, with their versions, sorted; without
        torch.
        """
        names = {name for path in self.dependencies() if path.endswith(".py") for name in imported_names(path)}
        return {key: value for key, value in sorted(_versions(names).items()) if key != "torch"}

    def note(self, path: Any, mode: Any, flags: Any) -> None:
        """A file is about to be opened."""
        try:
            path = os.path.abspath(os.fsdecode(path))
        except TypeError:
            return  # a descriptor
        writes = (
            any(letter in mode for letter in "wax+")
            if isinstance(mode, str)
            else bool((flags or 0) & (os.O_WRONLY | os.O_RDWR))
        )
        if not writes:
            self._read.add(path)
        elif path not in self._read:
            self._written.add(path)

    def _note_modules(self) -> None:
        # Modules whose bytecode was read: their source was not opened.
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file.endswith(".py"):
                path = os.path.abspath(file)
                if path not in self._read and not is_installed(path):
                    self._read.add(path)

    def _belongs(self, path: str) -> bool:
        if "__pycache__" in path or path.endswith(".pyc") or not os.path.isfile(path) or is_installed(path):
            return False
        real = os.path.realpath(path)
        # PyTorch writes modules of its own into the temporary folder and imports them from there.
        elsewhere = path.endswith(".py") and not _inside(real, os.path.realpath(tempfile.gettempdir()))
        return elsewhere or any(_inside(real, folder) for folder in self._folders)


def imported_names(path: str) -> Set[str]:
    """The top-level modules that a Python file names in its imports, wherever in it; none where it can't be parsed."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return set()
    names: Set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


_current: Optional[Tracker] = None
_hooked = False
_distributions: Optional[Dict[str, Any]] = None


def _hook() -> None:
    global _hooked
    if _hooked:
        return
    _hooked = True  # a hook can't be taken off again

    def heard(event: str, args: tuple) -> None:
        if event == "open" and _current is not None:
            _current.note(*args)

    sys.addaudithook(heard)


def _inside_any(path: str) -> bool:
    return any(_inside(path, folder) for folder in INSTALLATION)


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _versions(names: Set[str]) -> Dict[str, str]:
    """Versions by distribution, of the distributions that the installed ones among some top-level modules come from."""
    versions: Dict[str, str] = {}
    for name in names:
        if not _is_third_party(name):
            continue
        for distribution in _by_module().get(name, []):
            versions[_plain(distribution.metadata["Name"])] = distribution.version
    return versions


def _is_third_party(name: str) -> bool:
    paths = paths_of(sys.modules.get(name))
    return bool(paths) and is_installed(paths[0])


def _by_module() -> Dict[str, Any]:
    """
    The installed distributions by the top-level modules they bring, as their lists of files tell, or else their names.
    """
    global _distributions
    if _distributions is None:
        from importlib.metadata import distributions

        found: Dict[str, Any] = {}
        for distribution in distributions():
            name = distribution.metadata["Name"] or ""
            modules = (
                (distribution.read_text("top_level.txt") or "").split()
                or _top_level(distribution)
                or [name.replace("-", "_")]
            )
            for module in set(modules):
                found.setdefault(module, []).append(distribution)
        _distributions = found
    return _distributions


def _top_level(distribution: Any) -> List[str]:
    parts = (str(file).replace("\\", "/").split("/") for file in distribution.files or [])
    return [re.sub(r"\.py$", "", part[0]) for part in parts if part[0].endswith(".py") or part[-1] == "__init__.py"]


def _plain(name: str) -> str:
    """A distribution's name as indexes write it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
