"""Single operators on PyTorch's own Vulkan kernels: what our files compute on Vulkan, in every form that a model may ask for.

    /usr/bin/python3 operators.py --petal path/to/cli.js [--set quick|full] [--only NAME] [--report out.json]

Each operator is a traced module, compiled twice. With automatic transfer it has to give the eager numbers on CPU tensors, whatever Vulkan
lacks. Without, on Vulkan tensors, it may fail, when the compiler has warned of that, but never give other numbers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.jit.mobile import _load_for_lite_interpreter

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(FOLDER, "../../differential"), os.path.join(FOLDER, "..")]

import check as differential  # noqa: E402
import driver  # noqa: E402
from values import moved  # noqa: E402

TRANSFER = "vulkan_automatic_gpu_transfer"
# lavapipe's exponentials are exact to some 1e-5.
TOLERANCE = 1e-4

IMAGE, IMAGES, THREE, MATRIX, ROW = (1, 6, 8, 10), (2, 5, 6, 8), (4, 6, 8), (6, 8), (8,)
ANY = (IMAGE, IMAGES, THREE, MATRIX, ROW)
FOUR = (IMAGE, IMAGES)

UNARY = {
    "relu": torch.relu, "relu_": lambda x: torch.relu_(x * 1.0), "relu6": F.relu6, "hardtanh": lambda x: F.hardtanh(x, -0.5, 0.7),
    "clamp": lambda x: x.clamp(-0.3, 0.4), "clamp min": lambda x: x.clamp(min=0.1), "clamp_": lambda x: (x * 1.0).clamp_(max=0.2),
    "hardsigmoid": F.hardsigmoid, "hardswish": F.hardswish, "hardshrink": F.hardshrink, "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "tanh_": lambda x: torch.tanh_(x + 0.0), "threshold": lambda x: F.threshold(x, 0.1, 0.5),
    "elu": F.elu, "gelu": F.gelu, "silu": F.silu, "mish": F.mish, "softplus": F.softplus, "exp": torch.exp, "abs": torch.abs, "neg": torch.neg,
    "sqrt": lambda x: torch.sqrt(x * x + 1.0), "reciprocal": lambda x: torch.reciprocal(x * x + 1.0), "pow": lambda x: x ** 2, "floor": torch.floor,
    "erf": torch.erf, "sum": lambda x: x.sum(), "sum last": lambda x: x.sum(-1), "max": lambda x: x.max(), "mean": lambda x: x.mean(),
    "mean last": lambda x: x.mean(-1), "mean last, kept": lambda x: x.mean(-1, keepdim=True), "argmax": lambda x: x.argmax(-1), "var": lambda x: x.var(-1),
    "softmax last": lambda x: x.softmax(-1), "softmax first": lambda x: x.softmax(0), "log_softmax last": lambda x: x.log_softmax(-1),
    "cumsum last": lambda x: x.cumsum(-1), "cumsum first": lambda x: x.cumsum(0), "add number": lambda x: x + 2, "rsub": lambda x: 1.0 - x,
    "mul number": lambda x: x * 0.5, "div number": lambda x: x / 3, "add_ number": lambda x: (x * 1.0).add_(1.5), "sub alpha": lambda x: torch.sub(x, x * 0.5, alpha=2.0),
    "div itself": lambda x: x / (x * x + 1.0), "view": lambda x: x.view(-1), "view two": lambda x: x.view(2, -1), "flatten": lambda x: x.flatten(),
    "unsqueeze": lambda x: x.unsqueeze(0), "unsqueeze last": lambda x: x.unsqueeze(-1), "squeeze": lambda x: x.squeeze(), "expand": lambda x: x.unsqueeze(0).expand([2] + list(x.shape)),
    "repeat": lambda x: x.repeat([2] + [1] * (x.dim() - 1)), "slice last": lambda x: x[..., 1:5], "slice step": lambda x: x[..., ::2], "slice first": lambda x: x[:1],
    "select first": lambda x: x[0], "select last": lambda x: x[..., 2], "narrow": lambda x: x.narrow(-1, 1, 3), "chunk last": lambda x: torch.cat(x.chunk(2, -1), -1),
    "split": lambda x: x.split(3, -1)[0], "unbind": lambda x: x.unbind(0)[0], "cat last": lambda x: torch.cat([x, x * 2], -1), "cat first": lambda x: torch.cat([x, x * 2], 0),
    "stack": lambda x: torch.stack([x, x * 2]), "flip": lambda x: x.flip(-1), "where": lambda x: torch.where(x > 0, x, x * 0.1), "compare": lambda x: x > 0,
    "clone": lambda x: x.clone() + 1, "lerp": lambda x: torch.lerp(x, x * 3, 0.3), "lerp tensor": lambda x: torch.lerp(x, x * 3, x.abs()), "to half and back": lambda x: x.half().float(),
    "zeros_like": lambda x: torch.zeros_like(x) + x, "full": lambda x: x + torch.full([x.shape[-1]], 2.0), "dropout": lambda x: F.dropout(x, 0.5, False),
    "layer_norm last": lambda x: F.layer_norm(x, [x.shape[-1]], torch.full([x.shape[-1]], 0.7), torch.full([x.shape[-1]], 0.2)),
    "layer_norm plain": lambda x: F.layer_norm(x, [x.shape[-1]]), "normalize": lambda x: F.normalize(x, dim=-1), "constant row": lambda x: x * torch.arange(1.0, x.shape[-1] + 1),
    "write to slice": lambda x: written(x), "item": lambda x: x * float(x.shape[-1]),
}
IMAGES_ONLY = {
    "avg_pool2d": lambda x: F.avg_pool2d(x, 2), "avg_pool2d padded": lambda x: F.avg_pool2d(x, 3, 2, 1), "avg_pool2d not counted": lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "avg_pool2d ceil": lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True), "avg_pool2d divisor": lambda x: F.avg_pool2d(x, 2, divisor_override=3),
    "max_pool2d": lambda x: F.max_pool2d(x, 2), "max_pool2d padded": lambda x: F.max_pool2d(x - 5.0, 3, 2, 1), "max_pool2d dilated": lambda x: F.max_pool2d(x, 2, 1, 0, 2),
    "max_pool2d ceil": lambda x: F.max_pool2d(x - 5.0, 3, 2, ceil_mode=True), "adaptive 1": lambda x: F.adaptive_avg_pool2d(x, 1), "adaptive 3x2": lambda x: F.adaptive_avg_pool2d(x, (3, 2)),
    "adaptive max": lambda x: F.adaptive_max_pool2d(x, 1), "nearest": lambda x: F.interpolate(x, scale_factor=2.0), "nearest size": lambda x: F.interpolate(x, size=(5, 7)),
    "bilinear": lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False), "bicubic": lambda x: F.interpolate(x, scale_factor=2.0, mode="bicubic"),
    "reflect": lambda x: F.pad(x, [1, 2, 2, 1], mode="reflect"), "replicate": lambda x: F.pad(x, [1, 2, 2, 1], mode="replicate"), "pad": lambda x: F.pad(x, [1, 2, 2, 1]),
    "mean image": lambda x: x.mean((2, 3)), "mean image, kept": lambda x: x.mean([2, 3], keepdim=True), "mean rows": lambda x: x.mean(2), "mean batch": lambda x: x.mean(0),
    "softmax channels": lambda x: x.softmax(1), "softmax rows": lambda x: x.softmax(2), "log_softmax channels": lambda x: x.log_softmax(1), "cumsum rows": lambda x: x.cumsum(2),
    "cumsum channels": lambda x: x.cumsum(1), "cat channels": lambda x: torch.cat([x, x * 2], 1), "cat channels, odd": lambda x: torch.cat([x[:, :3], x * 2], 1),
    "cat rows": lambda x: torch.cat([x, x * 2], 2), "glu channels": lambda x: F.glu(x[:, :4], 1), "permute": lambda x: x.permute(0, 2, 3, 1), "permute back": lambda x: (x.permute(0, 2, 3, 1) * 2.0).permute(0, 3, 1, 2),
    "transpose": lambda x: x.transpose(2, 3), "pixel_shuffle": lambda x: F.pixel_shuffle(x[:, :4], 2), "slice channels": lambda x: x[:, 1:4], "select channel": lambda x: x[:, 1],
    "flatten image": lambda x: x.flatten(1), "reshape": lambda x: x.reshape(x.shape[0], x.shape[1], -1), "five dimensions": lambda x: (x.unsqueeze(1) * 2.0).squeeze(1),
    "broadcast channels": lambda x: x * x.mean((2, 3), keepdim=True), "broadcast row": lambda x: x + x[:, :, :1], "broadcast column": lambda x: x + x[..., :1], "broadcast one channel": lambda x: x * x[:, :1],
    "group_norm": lambda x: F.group_norm(x[:, :4], 2), "instance_norm": lambda x: F.instance_norm(x), "per channel": lambda x: x * torch.arange(1.0, x.shape[1] + 1).view(1, -1, 1, 1),
    "layer_norm image": lambda x: F.layer_norm(x, x.shape[1:], torch.full(list(x.shape[1:]), 0.7), torch.full(list(x.shape[1:]), 0.2)),
    "batch_norm": lambda x: F.batch_norm(x, torch.full([x.shape[1]], 0.1), torch.full([x.shape[1]], 1.3), torch.full([x.shape[1]], 0.7), torch.full([x.shape[1]], 0.2)),
    "batch_norm plain": lambda x: F.batch_norm(x, torch.full([x.shape[1]], 0.1), torch.full([x.shape[1]], 1.3)),
    "shuffle channels": lambda x: x[:, :4].reshape(x.shape[0], 2, 2, x.shape[2], x.shape[3]).transpose(1, 2).reshape(x.shape[0], 4, x.shape[2], x.shape[3]),
    "matmul images": lambda x: x @ x.transpose(2, 3), "einsum": lambda x: torch.einsum("nchw,ndhw->ncd", x, x), "upsample then add": lambda x: F.interpolate(F.max_pool2d(x, 2), size=x.shape[2:]) + x,
}
MATRICES = {
    "t": lambda x: x.t(), "matmul itself": lambda x: x @ x.t(), "mm": lambda x: torch.mm(x, x.t()), "addmm": lambda x: torch.addmm(torch.ones(8), x @ x.t(), x),
    "matmul constant": lambda x: x @ torch.linspace(-1, 1, 24).view(8, 3), "matmul vector": lambda x: x @ torch.linspace(-1, 1, 8),
}
LAYERS = {
    # name: (module, shapes). Convolutions of Vulkan know batches of one image only.
    "linear": (lambda: nn.Linear(8, 5), (MATRIX, THREE, (1, 8), (3, 1, 2, 8), ROW)), "linear no bias": (lambda: nn.Linear(8, 5, bias=False), (MATRIX, THREE, (1, 8))),
    "linear relu": (lambda: nn.Sequential(nn.Linear(8, 5), nn.ReLU()), (MATRIX, (1, 8))), "bilinear layer": (lambda: Twice(nn.Bilinear(8, 8, 3)), (MATRIX,)),
    "conv2d": (lambda: nn.Conv2d(6, 5, 3, padding=1), (IMAGE, (6, 8, 10))), "conv2d strided": (lambda: nn.Conv2d(6, 7, (3, 2), (2, 1), (0, 1), bias=False), (IMAGE,)),
    "conv2d pointwise": (lambda: nn.Conv2d(6, 5, 1), (IMAGE,)), "conv2d pointwise strided": (lambda: nn.Conv2d(6, 5, 1, 2), (IMAGE,)), "conv2d pointwise padded": (lambda: nn.Conv2d(6, 5, 1, 1, 1), (IMAGE,)),
    "conv2d depthwise": (lambda: nn.Conv2d(6, 6, 3, groups=6), (IMAGE,)), "conv2d depthwise times two": (lambda: nn.Conv2d(6, 12, 3, groups=6), (IMAGE,)),
    "conv2d groups": (lambda: nn.Conv2d(6, 4, 3, groups=2), (IMAGE,)), "conv2d dilated": (lambda: nn.Conv2d(6, 4, 3, padding=2, dilation=2), (IMAGE,)),
    "conv2d same": (lambda: nn.Conv2d(6, 4, 3, padding="same"), (IMAGE,)), "conv2d reflected": (lambda: nn.Conv2d(6, 4, 3, padding=1, padding_mode="reflect"), (IMAGE,)),
    "conv2d relu6": (lambda: nn.Sequential(nn.Conv2d(6, 5, 3), nn.ReLU6()), (IMAGE,)), "conv2d batch norm": (lambda: nn.Sequential(nn.Conv2d(6, 5, 3, bias=False), nn.BatchNorm2d(5), nn.Hardswish()), (IMAGE,)),
    "conv_transpose2d": (lambda: nn.ConvTranspose2d(6, 5, 3, 2), (IMAGE,)), "conv_transpose2d padded": (lambda: nn.ConvTranspose2d(6, 5, 3, 2, 1, 1, bias=False), (IMAGE,)),
    "conv_transpose2d groups": (lambda: nn.ConvTranspose2d(6, 4, 3, groups=2), (IMAGE,)), "conv_transpose2d dilated": (lambda: nn.ConvTranspose2d(6, 4, 3, dilation=2), (IMAGE,)),
    "conv1d": (lambda: nn.Conv1d(6, 5, 3), ((1, 6, 8),)), "conv3d": (lambda: nn.Conv3d(2, 3, 3), ((1, 2, 5, 6, 7),)), "conv_transpose1d": (lambda: nn.ConvTranspose1d(6, 5, 3), ((1, 6, 8),)),
    "batch norm layer": (lambda: nn.BatchNorm2d(6), (IMAGE,)), "batch norm 1d": (lambda: nn.BatchNorm1d(8), (MATRIX,)), "prelu": (lambda: nn.PReLU(6), (IMAGE,)),
    "lstm": (lambda: nn.LSTM(8, 5, batch_first=True), ((1, 4, 8), (1, 1, 8))), "gru": (lambda: nn.GRU(8, 5, batch_first=True), ((1, 4, 8), (1, 1, 8))), "rnn": (lambda: nn.RNN(8, 5), ((4, 1, 8),)),
    "attention": (lambda: Thrice(nn.MultiheadAttention(8, 2, batch_first=True)), ((1, 4, 8),)), "encoder layer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), ((1, 4, 8),)),
    "squeeze and excite": (lambda: SqueezeExcite(), (IMAGE,)), "embedding": (lambda: Embedded(), ((1, 4),)), "lstm cell": (lambda: nn.LSTMCell(8, 5), ((1, 8),)),
}


# With transfer these may fail when they are run, as PyTorch's own files; they may give no other numbers.
KNOWN = {
    "write to slice": "a tensor on Vulkan is written to through a view, which Vulkan's kernels cannot, and a copy on the CPU would not show",
    "linear 8": "the packed form takes rows; that a trace is given a single one is not in its graph",
    "conv3d": "a tensor of five dimensions is no image; that an input of a trace is one is not in its graph",
    "broadcast one channel 2x5x6x8": "Vulkan broadcasts over batches only where channels are the same, in fours; a trace has no sizes",
    "per channel 2x5x6x8": "as above",
}


def written(x):
    y = x * 2.0
    y[..., 1:3] = 0.5
    return y


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Twice(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x, x)


class Thrice(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x, x, x)[0]


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(6, 2, 1), nn.Conv2d(2, 6, 1)

    def forward(self, x):
        scale = F.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.up(F.silu(self.down(scale))))


class Embedded(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(11, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.embedding((x.abs() * 3).long()))


def cases(selection):
    """Name, module, input. `quick` has every operator with one shape, `full` with all."""
    generator = torch.Generator().manual_seed(11)
    for table, shapes in ((UNARY, ANY), (IMAGES_ONLY, FOUR), (MATRICES, (MATRIX,))):
        for i, (name, function) in enumerate(table.items()):
            for shape in shapes if selection == "full" else [shapes[i % len(shapes)]]:
                yield f"{name} {'x'.join(map(str, shape))}", Function(function), torch.randn(shape, generator=generator)
    for name, (make, shapes) in LAYERS.items():
        for shape in shapes:
            torch.manual_seed(1)
            yield f"{name} {'x'.join(map(str, shape))}", make().eval(), torch.randn(shape, generator=generator)


class Compiler:
    """One process that compiles file after file."""

    def __init__(self, petal):
        folder = os.path.dirname(os.path.abspath(petal))
        self.process = subprocess.Popen(["node", os.path.join(FOLDER, "../../differential/fuzz-compile.mjs"), os.path.join(folder, "compiler.js")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def compile(self, source, target, block):
        self.process.stdin.write(json.dumps({"source": source, "target": target, "block": block, "format": "ptl", "backend": "vulkan"}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Failure(Exception):
    """The file could not be run."""


def apart(work):
    """What `work` returns in a process of its own: Vulkan tensors crash kernels that are not made for them. Raises Failure or Mismatch."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            try:
                work()
                answer = ("", "")
            except differential.Mismatch as mismatch:
                answer = ("mismatch", str(mismatch))
            except Exception as error:  # noqa: BLE001 - whatever the runtime throws
                answer = ("failure", str(error).strip().splitlines()[0])
            os.write(writer, json.dumps(answer).encode()[:60000])
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    kind, message = json.loads(text) if text else ("failure", f"signal {status & 127}")
    if kind:
        raise (differential.Mismatch if kind == "mismatch" else Failure)(message)


def check(compiler, folder, name, module, x):
    """A note on the case; raises Mismatch where the file is wrong."""
    source, target = os.path.join(folder, "model.pt"), os.path.join(folder, "model.ptl")
    with torch.no_grad():
        try:
            wanted = module(x.clone())
            torch.jit.trace(module, (x.clone(),), check_trace=False, strict=False).save(source)
        except (RuntimeError, IndexError, ValueError, AssertionError):
            return "not of this shape"

    def run(given):
        with torch.inference_mode():
            actual = moved(_load_for_lite_interpreter(target)(given()), lambda t: t.cpu())
        with torch.no_grad():
            error = differential.worst_error(actual, wanted)
        if not error <= TOLERANCE:
            raise differential.Mismatch(f"error {error:.1e}")

    answer = compiler.compile(source, target, [])
    if "code" in answer:
        raise differential.Mismatch(f"refused: {answer['message']}")
    try:
        apart(lambda: run(lambda: x.clone()))
    except (Failure, differential.Mismatch) as failure:
        if isinstance(failure, Failure) and any(name.startswith(each) for each in KNOWN):
            return f"known; {failure}"
        raise differential.Mismatch(f"with transfer: {failure}")
    answer = compiler.compile(source, target, [TRANSFER])
    try:
        apart(lambda: run(lambda: x.to("vulkan")))
    except Failure as failure:
        if not any(lint["code"] == "MISSING_OPERATOR" for lint in answer["lints"]):
            raise differential.Mismatch(f"without transfer, and without a warning: {failure}")
        return f"warned; {failure}"
    except differential.Mismatch as mismatch:
        raise differential.Mismatch(f"without transfer: {mismatch}")
    return "right"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--petal", required=True, help="the built command, dist/cli.js of a packed and installed @petaljs/core")
    parser.add_argument("--set", choices=("quick", "full"), default="quick")
    parser.add_argument("--only", action="append", help="names, or beginnings of them")
    parser.add_argument("--verbose", action="store_true", help="also prints what is right")
    parser.add_argument("--report", help="where to write all rows as JSON")
    options = parser.parse_args()
    driver.load()
    compiler = Compiler(options.petal)
    rows, start = [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for name, module, x in cases(options.set):
            if options.only and not any(name.startswith(each) for each in options.only):
                continue
            row = {"model": name, "status": "passed"}
            try:
                row["note"] = check(compiler, folder, name, module, x)
            except differential.Mismatch as mismatch:
                row.update(status="failed", problem=str(mismatch))
            rows.append(row)
            if row["status"] == "failed" or options.verbose:
                print(f"{row['status']:>8}  {name}: {row.get('problem') or row['note']}", flush=True)
    if options.report:
        with open(options.report, "w") as out:
            json.dump({"torch": torch.__version__, "rows": rows}, out, indent=1)
    compiler.process.stdin.close()
    count = lambda status: sum(row["status"] == status for row in rows)  # noqa: E731
    notes = [row.get("note", "") for row in rows]
    print(f"{notes.count('right')} run on Vulkan, {sum(note.startswith('warned') for note in notes)} with a warning that they do not, "
          f"{sum(note.startswith('known') for note in notes)} fail for known reasons, {notes.count('not of this shape')} do not exist; {time.monotonic() - start:.0f} s")
    print(f"vulkan operators: {count('passed')} passed, {count('failed')} failed, 0 skipped")
    sys.exit(1 if count("failed") else 0)


if __name__ == "__main__":
    main()
