"""What goes wrong, told so that one can act on it: refusals of ours, and what a project's code raises."""
from typing import Any, Dict, Optional


class Refusal(Exception):
    """
    A conversion that does not come about. One sentence each: `what` happened, the likely `cause`, how to `fix` it. Where it happened,
    if that is known: `file` (absolute), `line` and `column` count from 1. `exception` is the class name of what was raised.
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

    def message(self) -> Dict[str, Any]:
        """The fields of a WorkerFailure that are known here."""
        fields = ("code", "what", "cause", "fix", "exception", "file", "line", "column")
        return {name: getattr(self, name) for name in fields if getattr(self, name) is not None}
