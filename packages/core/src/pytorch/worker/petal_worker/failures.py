"""What goes wrong, told so that one can act on it: refusals of ours, and what a project's code raises."""

import importlib.util
import linecache
import os
import re
import sys
import traceback
from typing import Any, Callable, Dict, Optional, Tuple

IsProject = Callable[[str], bool]


class Refusal(Exception):
    """
    A conversion that does not come about. One sentence each: `what` happened, the likely `cause`, how to `fix` it.
    Where it happened, if that is known: `file` (absolute), `line` and `column` count from 1. `exception` is the class
    name of what was raised, `context` a sentence on what was tried before.
    """

    def __init__(
        self,
        code: str,
        what: str,
        cause: Optional[str] = None,
        fix: Optional[str] = None,
        file: Optional[str] = None,
        line: Optional[int] = None,
        column: Optional[int] = None,
        exception: Optional[str] = None,
        context: Optional[str] = None,
    ) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.cause = cause
        self.fix = fix
        self.file = file
        self.line = line
        self.column = column
        self.exception = exception
        self.context = context

    def message(self) -> Dict[str, Any]:
        """The fields of a WorkerFailure that are known here."""
        fields = ("code", "what", "cause", "fix", "exception", "context", "file", "line", "column")
        return {name: getattr(self, name) for name in fields if getattr(self, name) is not None}


DISTRIBUTIONS = {
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "attr": "attrs",
    "pytorch_lightning": "pytorch-lightning",
    "torch_geometric": "torch-geometric",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "efficientnet_pytorch": "efficientnet-pytorch",
    "open_clip": "open-clip-torch",
    "dotenv": "python-dotenv",
    "hydra": "hydra-core",
    "google": "protobuf",
}
"""What to install for a module, where the names differ."""


def failure_of(error: BaseException, is_project: IsProject) -> Dict[str, Any]:
    """A WorkerFailure, without its dependencies, for anything that was raised during a job."""
    refusal = error if isinstance(error, Refusal) else _refusal_of(error, is_project)
    message = refusal.message()
    if "file" not in message and not isinstance(error, Refusal):
        file, line = place_of(error, is_project)
        message.update({key: value for key, value in (("file", file), ("line", line)) if value is not None})
    return message


def place_of(error: BaseException, is_project: IsProject) -> Tuple[Optional[str], Optional[int]]:
    """
    File and line of the project's code that was running when `error` was raised, the innermost; (None, None) where none
    was.
    """
    place: Tuple[Optional[str], Optional[int]] = (None, None)
    for frame, line in traceback.walk_tb(error.__traceback__):
        if is_project(frame.f_code.co_filename):
            place = (os.path.abspath(frame.f_code.co_filename), line)
    return place


def _refusal_of(error: BaseException, is_project: IsProject) -> Refusal:
    name, text = type(error).__name__, str(error).strip()
    file, _ = place_of(error, is_project)
    where = os.path.basename(file) if file else "the model"
    if isinstance(error, SyntaxError) and error.filename and is_project(error.filename):
        return Refusal(
            "SYNTAX_ERROR",
            "Python %d.%d can't read %s: %s." % (*sys.version_info[:2], os.path.basename(error.filename), error.msg),
            fix="Mend the line, or run a Python that knows its syntax.",
            file=os.path.abspath(error.filename),
            line=error.lineno,
            column=error.offset or None,
            exception=name,
        )
    if isinstance(error, ModuleNotFoundError) and error.name and file:
        return _missing(error, is_project)
    if isinstance(error, ImportError) and "relative import" in text:
        return Refusal(
            "MODULE_MISSING",
            "%s has a relative import that leads out of its package: %s." % (where, text),
            cause="It has more dots than there are folders with an __init__.py above it.",
            fix="Add the missing __init__.py files, or import the module by its name.",
            exception=name,
        )
    if isinstance(error, SystemExit):
        said = "" if error.code is None else " (%s)" % (error.code,)
        return Refusal(
            "MODEL_EXITED",
            "%s ended the program%s." % (where, said),
            cause="It calls sys.exit() or parses a command line when it is imported or run.",
            fix='Put what a script does under `if __name__ == "__main__":`.',
            exception=name,
        )
    if isinstance(error, KeyboardInterrupt):
        return Refusal("MODEL_RAISED", "%s raised KeyboardInterrupt." % where, exception=name)
    if isinstance(error, RecursionError):
        return Refusal(
            "MODEL_RAISED",
            "%s calls itself without an end: RecursionError: %s." % (where, text.rstrip(".")),
            cause="A function or a module calls itself, or a submodule holds its parent.",
            exception=name,
        )
    if (
        isinstance(error, MemoryError)
        or "DefaultCPUAllocator: can't allocate memory" in text
        or "not enough memory" in text
    ):
        return Refusal(
            "OUT_OF_MEMORY",
            "The machine's memory did not suffice for %s: %s." % (where, text.rstrip(".") or name),
            fix="Convert with smaller example inputs, or on a machine with more memory.",
            exception=name,
        )
    if file is None:
        last = traceback.extract_tb(error.__traceback__)[-1:]
        place = "".join(" (%s, line %d)" % (os.path.basename(frame.filename), frame.lineno or 0) for frame in last)
        return Refusal(
            "WORKER_DEFECT",
            "The conversion failed unexpectedly: %s: %s%s" % (name, text, place),
            cause="This is a defect of Petal, or of the installed PyTorch.",
            exception=name,
        )
    return Refusal("MODEL_RAISED", "%s raised %s." % (where, ("%s: %s" % (name, text)).rstrip(": .")), exception=name)


def _missing(error: ModuleNotFoundError, is_project: IsProject) -> Refusal:
    missing = error.name or ""
    top = missing.split(".")[0]
    file, line = place_of(error, is_project)
    importer = os.path.basename(file) if file else "The model"
    statement = linecache.getline(file, line).strip() if file and line else ""
    relative = re.match(r"from\s+(\.+[\w.]*)\s+import", statement)
    if relative or _is_local(top, file):
        # What stands in the file: the package's name may be one that we gave.
        named = relative.group(1) if relative else missing
        return Refusal(
            "MODULE_MISSING",
            "%s imports `%s`, and the project has no such module." % (importer, named),
            cause="The file is missing, has another name, or lies in another folder.",
            fix="Add the file, or correct the import.",
            exception=type(error).__name__,
        )
    install = '"%s" -m pip install %s' % (sys.executable, DISTRIBUTIONS.get(top, top))
    return Refusal(
        "MODULE_MISSING",
        "%s imports `%s`, which this Python does not have." % (importer, missing),
        cause="The package is not installed in %s, and no file or folder of this name lies beside %s."
        % (sys.prefix, importer),
        fix="Install it: %s" % install,
        exception=type(error).__name__,
    )


def _is_local(top: str, file: Optional[str]) -> bool:
    """Whether a top-level module is the project's own: then what is missing in it is no package to install."""
    module = sys.modules.get(top)
    if module is not None and getattr(module, "__petal_package__", False):
        return True
    if file is None:
        return False
    beside = os.path.join(os.path.dirname(file), top)
    if os.path.isdir(beside) or os.path.isfile(beside + ".py"):
        return True
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    from .tracking import is_installed

    places = [spec.origin] if spec and spec.origin else list((spec and spec.submodule_search_locations) or [])
    return bool(places) and not all(is_installed(place) for place in places)
