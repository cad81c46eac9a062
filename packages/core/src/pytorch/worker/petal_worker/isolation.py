"""One job leaves no trace for the next: what a model's code changed in the process is put back."""

import contextlib
import gc
import importlib
import linecache
import os
import random
import sys
import warnings
from types import ModuleType
from typing import Any, Dict, Iterator

from .tracking import is_installed, paths_of


class Isolation:
    """Runs jobs in surroundings that are the same whichever jobs ran before."""

    def __init__(self) -> None:
        self._first: Dict[str, Any] = {}

    @contextlib.contextmanager
    def job(self, params: Dict[str, Any]) -> Iterator[None]:
        """
        The time of one job, in the folder of its source, with all sources of random numbers at their start. Needs torch
        imported.
        """
        from . import jit_state

        modules = dict(sys.modules)
        process = _process_state()
        if not self._first:
            self._first = _torch_state()
            gc.freeze()  # what is imported by now stays: the collections after jobs pass over it
        source = params["source"]["file"]
        try:
            _restore_torch(self._first)
            jit_state.renew()
            if os.path.isdir(os.path.dirname(source)):
                os.chdir(os.path.dirname(source))
            sys.argv[:] = [source]
            seed()
            yield
        finally:
            _restore_process(process)
            _restore_modules(modules)
            _restore_torch(self._first)
            gc.collect()


def seed() -> None:
    """Puts the sources of random numbers that models use at their start."""
    sys.modules["torch"].manual_seed(0)
    random.seed(0)
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "random"):
        numpy.random.seed(0)


def _process_state() -> Dict[str, Any]:
    return {
        "path": list(sys.path),
        "argv": list(sys.argv),
        "folder": os.getcwd(),
        "environ": dict(os.environ),
        "filters": list(warnings.filters),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "depth": sys.getrecursionlimit(),
        "hooks": (sys.excepthook, sys.unraisablehook, list(sys.meta_path), list(sys.path_hooks)),
        "show": warnings.showwarning,
    }


def _restore_process(state: Dict[str, Any]) -> None:
    sys.path[:] = state["path"]
    sys.argv[:] = state["argv"]
    os.chdir(state["folder"])
    if dict(os.environ) != state["environ"]:
        os.environ.clear()
        os.environ.update(state["environ"])
    sys.stdin, sys.stdout, sys.stderr = state["streams"]
    sys.setrecursionlimit(state["depth"])
    sys.excepthook, sys.unraisablehook, sys.meta_path[:], sys.path_hooks[:] = state["hooks"]
    warnings.showwarning = state["show"]
    warnings.resetwarnings()  # also tells the warnings machinery that its filters changed
    warnings.filters[:] = state["filters"]


def _restore_modules(before: Dict[str, ModuleType]) -> None:
    """
    Forgets the project's modules; installed ones stay, as importing them is slow and they are the same for everyone.
    """
    for name, module in list(sys.modules.items()):
        if name not in before and not _stays(module):
            del sys.modules[name]
    sys.modules.update(before)
    linecache.clearcache()
    importlib.invalidate_caches()


def _stays(module: Any) -> bool:
    return all(is_installed(path) for path in paths_of(module))


def _torch_state() -> Dict[str, Any]:
    torch = sys.modules["torch"]
    return {
        "dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "engine": torch.backends.quantized.engine,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def _restore_torch(state: Dict[str, Any]) -> None:
    torch = sys.modules["torch"]
    torch.set_default_dtype(state["dtype"])
    device = getattr(torch, "_GLOBAL_DEVICE_CONTEXT", None)
    if getattr(device, "device_context", None) is not None:
        torch.set_default_device(None)
        # What is left of it would be asked for its device by torch.get_default_device().
        del device.device_context
    if torch.get_num_threads() != state["threads"]:
        torch.set_num_threads(state["threads"])
    if torch.backends.quantized.engine != state["engine"]:
        torch.backends.quantized.engine = state["engine"]
    torch.use_deterministic_algorithms(state["deterministic"])
    torch.set_grad_enabled(True)
    hooks = torch.nn.modules.module
    for name in vars(hooks):
        if name.startswith("_global_") and name.endswith("_hooks"):
            getattr(hooks, name).clear()
