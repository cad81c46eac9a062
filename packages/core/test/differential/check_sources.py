"""The zoo imported as Python source: `check.py --source python [--python EXECUTABLE]`.

Each row's model becomes a small Python file, which the packed core builds, traced or scripted, in the PyTorch of `--python`. The emitted
file is run by the lite interpreter of the PyTorch that runs this script, and compared with the eager model on every input set.

- Where the emitted file has operators that this PyTorch does not know yet, it is built without prepacked operators and run by the lite
  interpreter of the converting PyTorch (releases of 2.x for desktops have no XNNPACK, so they cannot load prepacked ones).
- A refusal is right only where plain PyTorch cannot do it either: its script fails too, its trace gives other numbers than the model on
  some input, or its own archive of the model is refused as well and its own lite file of that does not work.
- An input set counts for a traced model only where plain PyTorch's trace generalizes to it.
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# One model, in one process; the largest take minutes on a slow machine.
REQUEST_SECONDS = 900
UNKNOWN_OPERATOR = ("Following ops cannot be found", "Unknown builtin op", "unsupported operator")


class Ended(Exception):
    pass


class Peer:
    """A process that answers a line of JSON with a line of JSON. Started when first asked, and again after it ended."""

    def __init__(self, command):
        self.command, self.process, self.hello = command, None, None

    def ask(self, **request):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.errors = []
            threading.Thread(target=self._drain, args=(self.process.stderr, self.errors), daemon=True).start()
            self.hello = json.loads(self.process.stdout.readline() or "{}")
        timer = threading.Timer(REQUEST_SECONDS, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (ValueError, OSError) as error:
            self.process.kill()
            status, self.process = self.process.wait(), None
            raise Ended(f"{os.path.basename(self.command[-1])} ended with {status}: {''.join(self.errors[-4:]).strip()}") from error
        finally:
            timer.cancel()

    @staticmethod
    def _drain(stream, lines):
        for line in stream:
            lines.append(line)
            del lines[:-20]

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


def peers(options):
    """The product, the PyTorch that converts and the one that judges."""
    core = os.path.join(os.path.dirname(os.path.abspath(options.petal)), "index.js")

    def python(executable):
        return Peer([executable, "-B", "-W", "ignore", os.path.join(HERE, "sources.py")])

    judge = python(sys.executable)
    maker = judge if os.path.realpath(options.python) == os.path.realpath(sys.executable) else python(options.python)
    return Peer(["node", os.path.join(HERE, "import-zoo.mjs"), core, options.python]), maker, judge


def check(model, form, product, maker, judge):
    row = {"model": model.name, "form": form, "family": model.family, "status": "failed", "checks": 1}
    with tempfile.TemporaryDirectory() as folder:
        answer = maker.ask(action="prepare", name=model.name, folder=folder)
        if "error" in answer:
            return dict(row, problem=f"the eager model does not run: {answer['error']}")
        request = {"file": os.path.join(folder, "net.py"), "convert": {"traced": "trace", "scripted": "script"}[form], "store": os.path.join(folder, "store")}
        asked = {"name": model.name, "form": form, "folder": folder, "tolerance": model.tolerance}
        built = product.ask(**request, block=[])
        if "code" in built:
            why = refusal(built, asked, product, maker, judge)
            message = built["message"].strip().split("\n")[0]
            if why is None:
                return dict(row, problem=f"refused ({built['code']}), though PyTorch can: {built['message'].strip()}")
            return dict(row, status="refused", code=built["code"], why=message, pytorch=why)
        runtime, found = "judge", judge.ask(action="compare", file=built["file"], folder=folder)
        if any(text in found.get("load", "") for text in UNKNOWN_OPERATOR) and maker is not judge:
            built = product.ask(**request, block=["insert_fold_prepack_ops"])
            if "code" in built:
                return dict(row, problem=f"refused without prepacked operators: {built['message'].strip()}")
            runtime, found = "maker", maker.ask(action="compare", file=built["file"], folder=folder)
        conversion, operators = built.get("conversion") or {}, built["operators"]
        if conversion.get("method") != request["convert"] or conversion.get("torch") != maker.hello["torch"]:
            return dict(row, problem=f"converted by {conversion}")
        row.update(runtime=runtime, warnings=len(built["warnings"]), before=sum(operators["before"].values()), after=sum(operators["after"].values()))
        if "sets" not in found:
            return dict(row, problem=found.get("load") or found.get("error"))
        return dict(row, **judged(found["sets"], model, asked, maker))


def judged(sets, model, asked, maker):
    """The part of a row that says how the emitted file did."""
    worst, counted, plain = 0.0, 0, None
    for i, result in enumerate(sets):
        if not isinstance(result, str) and result <= model.tolerance:
            worst, counted = max(worst, result), counted + 1
            continue
        if asked["form"] == "traced" and i > 0:
            plain = plain or maker.ask(action="plain", **asked)
            if f"input set {i}" in plain.get("diverges", {}):
                continue
        return {"problem": f"input set {i}: {said(result)}"}
    return {"status": "passed", "worst": worst, "shapes": counted}


def refusal(built, asked, product, maker, judge):
    """What PyTorch alone makes of the model that was refused, in words; None where it does well, or where the refusal is no answer to a user."""
    if built["code"] == "INTERNAL":
        return None
    plain = maker.ask(action="plain", **asked)
    for key in ("failure", "error"):
        if key in plain:
            return plain[key]
    if built["code"] == "TRACE_DIVERGES":
        found = next(iter(plain["diverges"].items()), None)
        return found and f"the trace gives other results than the model ({found[0]}: {said(found[1])})"
    # The compiler's refusal then: it is one of plain PyTorch's archive too, of which no PyTorch makes a lite file that works.
    archive = os.path.join(asked["folder"], "plain.pt")
    again = product.ask(file=archive, convert="auto", store=os.path.join(asked["folder"], "store"), block=[])
    if again.get("code") != built["code"]:
        return None
    found = [lite(one.ask(action="lite", file=archive, folder=asked["folder"]), asked["tolerance"]) for one in dict.fromkeys((judge, maker))]
    return None if None in found else found[0]


def lite(answer, tolerance):
    """Why a lite file of PyTorch's own does not work, or None."""
    wrong = next((result for result in answer.get("sets", []) if isinstance(result, str) or result > tolerance), None)
    return answer.get("failure") or answer.get("error") or (None if wrong is None else f"PyTorch's own lite file gives other results: {said(wrong)}")


def said(result):
    return result if isinstance(result, str) else f"error {result:.1e}"


def run_all(tasks, options):
    """`--jobs` threads, each with processes of its own; yields rows in the order they finish."""
    waiting, done = queue.Queue(), queue.Queue()
    for task in tasks:
        waiting.put(task)

    def work():
        mine = peers(options)
        while True:
            try:
                model, form = waiting.get_nowait()
            except queue.Empty:
                break
            start = time.monotonic()
            try:
                row = check(model, form, *mine)
            except Exception as error:  # noqa: BLE001 - a process that ended, or a defect of this script: one failed row
                row = {"model": model.name, "form": form, "family": model.family, "status": "failed", "checks": 1, "problem": f"{type(error).__name__}: {error}"}
            done.put(dict(row, seconds=round(time.monotonic() - start, 1), maker=(mine[1].hello or {}).get("torch")))
        for peer in set(mine):
            peer.close()

    for _ in range(options.jobs):
        threading.Thread(target=work, daemon=True).start()
    for _ in tasks:
        yield done.get()
