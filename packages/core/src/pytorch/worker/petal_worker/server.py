"""
Takes requests and answers each with one result or one failure; nothing that a model does ends it, short of ending the
process.
"""

import json
import os
import platform
import queue
import re
import shutil
import signal
import sys
import tempfile
import threading
from typing import Any, Callable, Dict, Iterator, TextIO

from .failures import Refusal, failure_of
from .isolation import Isolation
from .tracking import Tracker

PROTOCOL = 1
NEWEST_PLAIN = "2.6.0"
"""A release with TorchScript in it for certain, whatever the newest does; what users are told to install."""


def serve(requests: TextIO, messages: TextIO) -> None:
    """Answers requests until there are no more, then ends the process at once: nothing of a model runs after that."""
    # Ctrl-C reaches the whole group of processes: the build decides what ends, and its end is ours.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    writing = threading.Lock()

    def say(message: Dict[str, Any]) -> None:
        with writing:
            messages.write(json.dumps(message) + "\n")
            messages.flush()

    say({"hello": {"protocol": PROTOCOL, "python": platform.python_version()}})
    isolation = Isolation()
    for request in _arriving(requests):
        say({"id": request["id"], **answer(request["params"], isolation, _reporter(say, request["id"]))})
    os._exit(0)


def answer(params: Dict[str, Any], isolation: Isolation, report: Callable[[str, float], None]) -> Dict[str, Any]:
    """`{"result": RawConversion}` or `{"failure": WorkerFailure}`; raises nothing."""
    tracker = Tracker(params)
    try:
        with tracker.watching():
            import_torch(report)
            # Imported before anything of the project, which may have modules of any name.
            from . import conversion, loading  # noqa: F401

            with isolation.job(params):
                try:
                    return {"result": _convert(params, tracker, report)}
                except BaseException as error:  # what a model raises is its own affair, sys.exit() included
                    # Told inside of the job: the project's modules are still there to be looked at.
                    return {"failure": _told(error, tracker)}
    except BaseException as error:
        return {"failure": _told(error, tracker)}


def import_torch(report: Callable[[str, float], None]) -> None:
    """Imports PyTorch on first use, and refuses one that can't make TorchScript."""
    if "torch" in sys.modules:
        return
    report("importing torch", 0.0)
    # A release that makes the deprecation of torch.jit an error reads this, once, on import; its value is a fixed
    # phrase.
    os.environ.setdefault("TORCH_2_14_ONLY_UNSAFE_SILENCE_TORCHSCRIPT_ERROR", "I promise to migrate by 2.15")
    install = '"%s" -m pip install torch==%s' % (sys.executable, NEWEST_PLAIN)
    try:
        import torch

        version = torch.__version__
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise _broken(error, install)
        raise Refusal(
            "NO_PYTORCH",
            "The Python at %s has no PyTorch." % sys.executable,
            fix="Run `petal setup`, or install it: %s" % install,
            exception="ModuleNotFoundError",
        )
    except BaseException as error:
        raise _broken(error, install)
    if not (hasattr(torch.jit, "script") and hasattr(torch.jit, "trace")):
        raise torchscript_removed(version)


def torchscript_removed(version: str) -> Refusal:
    """The refusal of a PyTorch release that no longer makes TorchScript."""
    return Refusal(
        "TORCHSCRIPT_REMOVED",
        "PyTorch %s no longer makes TorchScript." % version,
        cause="Newer releases drop torch.jit, which models for mobile are made with.",
        fix='Install an older one: "%s" -m pip install torch==%s' % (sys.executable, NEWEST_PLAIN),
    )


def _broken(error: BaseException, install: str) -> Refusal:
    sys.modules.pop("torch", None)
    return Refusal(
        "TORCH_BROKEN",
        "PyTorch could not be imported: %s: %s" % (type(error).__name__, error),
        cause="The installation in %s is incomplete or does not fit this machine." % sys.prefix,
        fix="Run `petal setup` for an environment of the project's own, or install it anew: %s" % install,
        exception=type(error).__name__,
    )


def _convert(params: Dict[str, Any], tracker: Tracker, report: Callable[[str, float], None]) -> Dict[str, Any]:
    from .conversion import convert
    from .loading import load

    report("loading the model", 0.1)
    loaded = load(params)
    converted = convert(loaded, params, report)
    report("writing TorchScript", 0.95)
    try:
        save(converted.module, params["output"])
    except RuntimeError as error:
        # What runs in Python may still be unknown to an archive, such as a torch.autograd.Function in a trace.
        code = "TRACE_FAILED" if converted.facts["method"] == "trace" else "SCRIPT_FAILED"
        raise Refusal(code, str(error), exception=type(error).__name__) from error
    return {
        "facts": converted.facts,
        "dependencies": tracker.dependencies(),
        "packages": tracker.packages(),
        "warnings": [*loaded.warnings, *converted.warnings],
    }


def save(module: Any, output: str) -> None:
    """
    Writes an archive whole or not at all. PyTorch names the folder in an archive after its file, so that has a fixed
    name.
    """
    _need_room(module, os.path.dirname(output))
    folder = tempfile.mkdtemp(prefix=".petal-", dir=os.path.dirname(output))
    part = os.path.join(folder, "archive.pt")
    try:
        module.save(part)
        os.replace(part, output)
    finally:
        if os.path.exists(part):
            os.remove(part)
        os.rmdir(folder)


CODE_ROOM = 1 << 20
"""Bytes for what an archive holds besides tensors."""


def _need_room(module: Any, folder: str) -> None:
    """Refuses to write where there is no room: PyTorch ends the process when a disk is full."""
    tensors = {
        item.data_ptr(): item.numel() * item.element_size()
        for item in (*module.parameters(), *module.buffers()) if str(item.layout) == "torch.strided"
    }
    needed, free = sum(tensors.values()) + CODE_ROOM, shutil.disk_usage(folder).free
    if free < needed:
        raise Refusal(
            "DISK_FULL", "There is no room for the TorchScript archive in %s: it needs %d MB, and %d MB are free."
            % (folder, -(-needed // 10**6), free // 10**6),
            fix="Make room there, or choose another cache folder (PETAL_CACHE_DIR) or temporary folder (TMPDIR).",
        )


def _told(error: BaseException, tracker: Tracker) -> Dict[str, Any]:
    failure = failure_of(error, tracker.is_project)
    # What a release says that has torch.jit and refuses its use.
    if (
        re.search(r"`?torch\.jit\.\w+`? is (deprecated|no longer|not supported)", failure["what"])
        and "torch" in sys.modules
    ):
        failure = torchscript_removed(sys.modules["torch"].__version__).message()
    if not os.path.isfile(failure.get("file", "")):  # code that was made, such as that of a graph, has no file to show
        failure = {key: value for key, value in failure.items() if key not in ("file", "line", "column")}
    return {**failure, "dependencies": tracker.dependencies(), "packages": tracker.packages()}


def _reporter(say: Callable[[Dict[str, Any]], None], id: int) -> Callable[[str, float], None]:
    return lambda phase, share: say({"id": id, "progress": {"phase": phase, "share": share}})


def _arriving(requests: TextIO) -> Iterator[Dict[str, Any]]:
    """
    The requests one by one. A thread of its own reads them, to notice their end while a model computes: then the build
    is gone, and so are we.
    """
    arrived: "queue.Queue[str]" = queue.Queue()

    def watch() -> None:
        for line in requests:
            arrived.put(line)
        os._exit(0)

    threading.Thread(target=watch, name="requests", daemon=True).start()
    while True:
        yield json.loads(arrived.get())
