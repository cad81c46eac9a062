"""Warnings of Python while a model is converted, each with the place in the project's code that caused it."""
import os
import re
import sys
import traceback
import warnings
from contextlib import contextmanager
from types import FrameType
from typing import Any, Dict, Iterator, List, Optional, Tuple

import torch

# What newer releases say of the very functions that this program is there to call; nothing that a user could change.
NOISE = re.compile(r"torch\.jit\.|torch\.ao\.quantization|TorchScript.*deprecated|torch\.quantization|reduce_range", re.IGNORECASE)
DEPRECATIONS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
LIBRARIES = re.compile(r"[\\/](site|dist)-packages[\\/]|[\\/]lib(64)?[\\/]python3")
OWN_CODE = re.compile(r"[\\/](site|dist)-packages[\\/]torch(vision|audio|text)?[\\/]")
HERE = os.path.dirname(os.path.abspath(__file__))


class Captured:
    """What was warned of: `raw` is a list of RawWarnings, `module_of` the module in whose code the first trace warning arose."""

    def __init__(self, folders: List[str]) -> None:
        self.raw: List[Dict[str, Any]] = []
        self.module_of: Optional[torch.nn.Module] = None
        self._folders = [os.path.realpath(folder) + os.sep for folder in folders if folder]

    def place_of(self, error: BaseException) -> Dict[str, Any]:
        """`file` and `line` of the deepest frame in the project's code that an exception went through; empty where there is none."""
        frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        own = [(file, line) for file, line in frames if self._project(file)]
        return {"file": own[-1][0], "line": own[-1][1]} if own else {}

    def first_trace_warning(self) -> Optional[Dict[str, Any]]:
        """The trace warning that most likely tells why a trace does not generalize: the first whose place is known."""
        told = [one for one in self.raw if one["category"] == "TracerWarning"]
        return next((one for one in told if "file" in one), told[0] if told else None)

    def add(self, message: Any, category: type, filename: str, line: int) -> None:
        text, place = str(message), self._place(filename, line, sys._getframe(2))
        own = self._project(filename)
        if issubclass(category, DEPRECATIONS) and (NOISE.search(text) or not own):
            return
        if NOISE.search(text) and not own:
            return
        tracer = issubclass(category, torch.jit.TracerWarning)
        # PyTorch's own code checks shapes all over; its default filter drops what that makes the tracer say, and so do we.
        if OWN_CODE.search(filename) or os.path.realpath(filename).startswith(HERE + os.sep) if tracer else place is None:
            return
        raw: Dict[str, Any] = {"category": category.__name__, "message": text}
        if place is not None:
            raw["file"], raw["line"] = place[0], place[1]
        if tracer and place is not None and self.module_of is None:
            self.module_of = place[2]
        if raw not in self.raw:
            self.raw.append(raw)

    def _place(self, filename: str, line: int, frame: Optional[FrameType]) -> Optional[Tuple[str, int, Optional[torch.nn.Module]]]:
        """The deepest frame in the project's code, and the module whose method it is."""
        while frame is not None:
            if self._project(frame.f_code.co_filename):
                owner = frame.f_locals.get("self")
                return frame.f_code.co_filename, frame.f_lineno, owner if isinstance(owner, torch.nn.Module) else None
            frame = frame.f_back
        return (filename, line, None) if self._project(filename) else None

    def _project(self, filename: str) -> bool:
        path = os.path.realpath(filename)
        if path.startswith(HERE + os.sep):
            return False
        for folder in self._folders:
            if path.startswith(folder):
                return LIBRARIES.search(os.sep + path[len(folder):]) is None
        return False


@contextmanager
def capture(folders: List[str]) -> Iterator[Captured]:
    """Collects warnings instead of printing them; files in `folders`, but not in a Python installation there, are the project's."""
    captured = Captured(folders)

    def show(message: Any, category: type, filename: str, lineno: int, *_: Any, **__: Any) -> None:
        captured.add(message, category, filename, lineno)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield captured
