"""From a loaded model to TorchScript: traced, scripted, or both, and a trace compared with the model."""
import os
import platform
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Union

import torch

from .attention import plain_attention
from .checking import Checked, Divergence, cases, check, first_line, given, refusal, takes
from .failures import Refusal
from .inputs import describe
from .loaded import Call, Loaded
from .mixing import recorded_calls, scripted_inside, submodules
from .quantization import archive_size, quantize
from .reclassing import replaced
from .running import Copies, State
from .tracing import Traced, arguments, signature_of, trace
from .variants import Variant, described
from .warning_capture import Captured, capture

Report = Callable[[str, float], None]


class Converted(NamedTuple):
    """What a conversion gives."""

    module: torch.jit.ScriptModule
    facts: Dict[str, Any]
    """ConversionFacts."""
    warnings: List[Dict[str, Any]]
    """RawWarnings."""


class Part(NamedTuple):
    """A TorchScript module and what is told of it."""

    module: torch.jit.ScriptModule
    facts: Dict[str, Any]
    warnings: List[Dict[str, Any]]


class Job(NamedTuple):
    """What the ways to convert are given."""

    loaded: Loaded
    params: Dict[str, Any]
    folders: List[str]
    report: Report


def convert(loaded: Loaded, params: Dict[str, Any], report: Report) -> Converted:
    """
    Makes TorchScript of a model as `params`, a ConversionJob, asks. The model is as it was afterwards. Raises Refusal; those with the
    codes SCRIPT_FAILED and TRACE_FAILED carry PyTorch's whole message in `what`.
    """
    folders = [params["root"], os.path.dirname(params["source"]["file"])]
    common: Dict[str, Any] = {"torch": str(torch.__version__), "python": platform.python_version()}
    if loaded.calls:
        common["inputs"] = [describe(one.value) for one in arguments(signature_of(loaded.model), loaded.calls[0])]
    if isinstance(loaded.model, torch.jit.ScriptModule):
        return _as_it_is(loaded.model, params, common)
    state = State(loaded.model)
    try:
        job = Job(loaded, params, folders, report)
        if params["quantize"] == "none":
            part = METHODS[params["convert"]](job)
        else:
            part = _quantized(job)
    finally:
        state.restore()
    return Converted(part.module, {**common, **part.facts}, part.warnings)


def _quantized(job: Job) -> Part:
    """The quantized model converted, and beside it the float model, for its size."""
    with capture(job.folders):
        quantized = quantize(job.loaded, job.params["quantize"], job.report)
    part = METHODS[job.params["convert"]](job._replace(loaded=job.loaded._replace(model=quantized.model)))
    unchecked = job._replace(params={**job.params, "convert": part.facts["method"], "check": "none"})
    with capture(job.folders):
        sizes = {"before": archive_size(METHODS[part.facts["method"]](unchecked).module), "after": archive_size(part.module)}
    return part._replace(facts={**part.facts, "quantization": {**quantized.fact, "bytes": sizes}})


def _as_it_is(model: torch.jit.ScriptModule, params: Dict[str, Any], common: Dict[str, Any]) -> Converted:
    for name in ("script", "trace"):
        submodules(model, params[name], name)
    if params["quantize"] != "none":
        raise Refusal(
            "QUANTIZE_TORCHSCRIPT", "The model is TorchScript already, and quantize=%s takes eager models only." % params["quantize"],
            "Quantizing replaces modules of Python by quantized ones.",
            "Give the model before it is traced or scripted, or leave quantize= out.",
        )
    traced = isinstance(model, torch.jit.TopLevelTracedModule)
    facts = {"method": "trace" if traced else "script", "why": "the file gives TorchScript already", **common}
    return Converted(model, facts, [])


def _by_tracing(job: Job) -> Part:
    loaded, params = job.loaded, job.params
    _reject_inside(params, "trace", "script")
    if not loaded.calls:
        raise Refusal(
            "EXAMPLE_INPUTS_MISSING", "convert=trace needs example inputs, and neither the import nor the file gives any.",
            "A trace records what the model does with them.",
            "Add their shapes to the import, as in `input=1x3x224x224`, or `example_inputs = torch.rand(1, 3, 224, 224)` to the file, "
            "or use convert=script.",
        )
    parts = submodules(loaded.model, params["script"], "script")
    job.report("tracing", 0.4)
    with capture(job.folders) as captured, plain_attention(loaded.model):
        with scripted_inside(loaded.model, parts, _script):
            traced = _restoring(loaded.model, lambda: _traced(loaded.model, loaded.calls[0], captured))
    facts: Dict[str, Any] = {"method": "trace", **({"mixed": sorted(parts)} if parts else {})}
    # Scripted parts have state of any kind, a trace has buffers only.
    runs = Copies(traced.module, lambda module: traced._replace(module=module)) if parts else traced
    checked = _checked(job, runs, runs if parts else State(traced.module), "trace", captured)
    if checked is not None:
        facts["check"] = checked.facts
    told = captured.raw + _warning(checked.warning if checked else None)
    if traced.loose and not (checked and checked.facts):
        told = told + _warning(
            "The model returns a list or a dict, whose length and keys the trace keeps as they are for the example inputs."
        )
    return Part(traced.module, facts, told)


def _by_scripting(job: Job) -> Part:
    loaded, params = job.loaded, job.params
    _reject_inside(params, "script", "trace")
    parts = submodules(loaded.model, params["trace"], "trace")
    if parts and not loaded.calls:
        raise Refusal(
            "EXAMPLE_INPUTS_MISSING", "trace= needs example inputs of the model, and neither the import nor the file gives any.",
            "The submodules' own example inputs are recorded while the model runs.",
            "Add their shapes to the import, as in `input=1x3x224x224`, or `example_inputs = torch.rand(1, 3, 224, 224)` to the file.",
        )
    recorded = recorded_calls(loaded.model, parts, loaded.calls) if parts else {}
    job.report("scripting", 0.4)
    with capture(job.folders) as captured:
        traces = {}
        for path, part in parts.items():
            with plain_attention(loaded.model):
                traces[path] = _restoring(loaded.model, lambda: _traced(part, recorded[path][0], captured, path))
            if params["check"] != "none":
                _check_part(path, part, traces[path], recorded[path], captured)
        with replaced(loaded.model, [(part, traces[path].module) for path, part in parts.items()]):
            with plain_attention(loaded.model):
                module = _restoring(loaded.model, lambda: _script(loaded.model))
    facts: Dict[str, Any] = {"method": "script", **({"mixed": sorted(parts)} if parts else {})}
    runs = Copies(module, lambda module: module)
    checked = _checked(job, runs, runs, "script with traced submodules", captured) if parts else None
    if checked is not None:
        facts["check"] = checked.facts
    elif loaded.calls and params["check"] != "none":
        _check_script(job, runs)
    return Part(module, facts, captured.raw + _warning(checked.warning if checked else None))


def _automatically(job: Job) -> Part:
    """Traced where a trace does what the model does, else scripted."""
    if job.params["trace"]:
        return _because(_by_scripting(job), "trace= names submodules to trace inside of a script")
    if not job.loaded.calls:
        try:
            return _because(_by_scripting(job), "there are no example inputs to trace with")
        except Refusal as failure:
            if failure.code == "SCRIPT_FAILED":
                failure.context = "The model was scripted, as there are no example inputs to trace it with."
            raise
    try:
        part = _by_tracing(job)
        compared = len([fact for fact in part.facts.get("check", []) if "error" in fact])
        return _because(part, "a trace gives what the model gives on %d inputs" % compared if compared else "there are example inputs")
    except Refusal as failure:
        if failure.code not in ("TRACE_DIVERGES", "TRACE_FAILED", "UNTRACEABLE_INPUT"):
            raise
        if failure.code == "TRACE_FAILED" and not takes(job.loaded.model, job.loaded.calls[0]):
            raise
        tracing = failure
    # script= asked for scripted parts in a trace; the whole is scripted now, and they are parts of it.
    whole = job._replace(params={**job.params, "script": []})
    told = tracing.what if tracing.code != "TRACE_FAILED" else "Tracing raises %s: %s." % (tracing.exception, first_line(tracing.what))
    try:
        return _because(_by_scripting(whole), told[:1].lower() + told[1:])
    except Refusal as failure:
        if failure.code == "SCRIPT_FAILED":
            failure.context = "A trace was tried first. " + told
        raise


METHODS: Dict[str, Callable[[Job], Part]] = {"trace": _by_tracing, "script": _by_scripting, "auto": _automatically}


def _script(module: torch.nn.Module) -> torch.jit.ScriptModule:
    try:
        return torch.jit.script(module)
    except Exception as error:
        raise Refusal("SCRIPT_FAILED", str(error), exception=type(error).__name__) from error


def _traced(model: torch.nn.Module, call: Call, captured: Captured, path: str = "") -> Traced:
    try:
        return trace(model, call)
    except Refusal as failure:
        if failure.code == "TRACE_FAILED" and failure.__cause__ is not None:
            place = captured.place_of(failure.__cause__)
            failure.file, failure.line = place.get("file"), place.get("line")
        if path:
            failure.context = "That was for the submodule `%s`, which trace= names." % path
        raise


def _check_part(path: str, part: torch.nn.Module, traced: Traced, calls: List[Call], captured: Captured) -> None:
    seen = (Variant("call %d of `%s`: %s" % (index, path, described(call)), call) for index, call in enumerate(calls, 1))
    found = check(part, traced, State(traced.module), seen)
    if found.divergence is not None:
        raise refusal(
            found.divergence, "trace of the submodule `%s`" % path, captured.first_trace_warning(), "Leave `%s` out of trace=." % path,
        )


def _checked(
    job: Job, converted: Callable[..., Any], after: Union[State, Copies], method: str, captured: Captured,
) -> Optional[Checked]:
    asked = job.params["check"]
    if asked == "none":
        return None
    progress = lambda name: job.report("checking the trace: %s" % name, 0.7)
    found = check(job.loaded.model, converted, after, cases(job.loaded, asked), progress)
    if found.divergence is not None:
        raise refusal(found.divergence, method, captured.first_trace_warning(), _way_out(job, captured, found.divergence))
    return found


def _check_script(job: Job, runs: Copies) -> None:
    """A script follows the model on any inputs, if TorchScript understood the code: the inputs at hand show whether it did."""
    found = check(job.loaded.model, runs, runs, given(job.loaded, job.params["check"]))
    if found.divergence is not None:
        raise Refusal(
            "SCRIPT_DIVERGES",
            "The script does not do what the model does (inputs: %s): %s." % (found.divergence.inputs, found.divergence.what),
            "TorchScript compiles the code of the model, and some of it means something else there than in Python.",
            "Use convert=trace, or change the code; check=none accepts the script.",
        )


def _way_out(job: Job, captured: Captured, divergence: Divergence) -> str:
    if job.params["trace"]:
        return "Leave the submodule out of trace=."
    owner = captured.module_of
    path = next((name for name, module in job.loaded.model.named_modules() if module is owner), "") if owner is not None else ""
    part = "script=%s, which scripts that submodule alone, or " % path if path and path not in job.params["script"] else ""
    only = "; where the app never gives such inputs, check=none accepts the trace" if not divergence.inputs.startswith("the ex") else ""
    return "Use %sconvert=script%s." % (part, only)


def _reject_inside(params: Dict[str, Any], method: str, inside: str) -> None:
    if params[method]:
        raise Refusal(
            "BAD_DIRECTIVE", "%s= names submodules to %s inside of a %s, but convert=%s %ss the whole model."
            % (method, method, inside, method, method),
            fix="Use convert=%s with %s=, or leave %s= out." % (inside, method, method),
        )


def _restoring(model: torch.nn.Module, make: Callable[[], Any]) -> Any:
    state = State(model)
    try:
        return make()
    finally:
        state.restore()


def _because(part: Part, why: str) -> Part:
    return part._replace(facts={"method": part.facts["method"], "why": why.rstrip("."), **part.facts})


def _warning(message: Optional[str]) -> List[Dict[str, Any]]:
    return [] if message is None else [{"category": "UserWarning", "message": message}]
