"""Models with several methods, with state that they share, and with what lints are about."""

import copy
from typing import Dict, List, Tuple

import torch
import torch.nn.functional as F
from torch import nn, Tensor


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.weight = nn.Parameter(torch.rand(4, 1, 1))
        self.gain = 0.5
        self.drop = nn.Dropout()

    def forward(self, x):
        return self.drop(F.relu(self.bn(self.conv(x)))) * self.weight

    @torch.jit.export
    def step(self, x, times: int = 2):
        for _ in range(times):
            x = F.relu(x * self.weight) * self.gain
        return x


class Coder(nn.Module):
    """Two ways through the same layers."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = nn.ConvTranspose2d(4, 3, 3)
        self.scale = 2.0
        self.name = "coder"

    def forward(self, x):
        return self.decode(self.encode(x))

    @torch.jit.export
    def encode(self, x):
        return self.encoder(x) * self.scale

    @torch.jit.export
    def decode(self, x):
        return F.hardtanh(self.decoder(x), 0.0, 6.0)


class Stage(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 1, 1))

    def forward(self, x):
        return x * self.weight

    @torch.jit.export
    def step(self, x):
        return self.forward(x) + self.weight


class Twice(nn.Module):
    """Two modules of one class."""

    def __init__(self):
        super().__init__()
        self.first = Stage()
        self.second = Stage()

    def forward(self, x):
        return self.second(self.first(x))


class Pair(nn.Module):
    """For traces: methods that nothing scripts."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = nn.ConvTranspose2d(4, 3, 3)

    def forward(self, x):
        return self.decode(self.encode(x))

    def encode(self, x):
        return self.encoder(x)

    def decode(self, x):
        return F.relu(self.decoder(x))


class Counter(nn.Module):
    """What one method writes another reads."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(3))
        self.calls = 0
        self.enabled = True
        self.factor = 1.5

    def forward(self, x):
        if self.enabled:
            return x * self.factor + self.seen
        return -x

    @torch.jit.export
    def learn(self, x):
        self.seen += x.sum(0)
        self.calls += 1
        return self.calls

    @torch.jit.export
    def enable(self, flag: bool):
        self.enabled = flag

    @torch.jit.export
    def state(self) -> Tuple[Tensor, int, bool]:
        return self.seen.clone(), self.calls, self.enabled


class Cache(nn.Module):
    """State in lists and dicts, and in tensors that share memory."""

    def __init__(self):
        super().__init__()
        base = torch.zeros(2, 3)
        self.register_buffer("base", base)
        self.register_buffer("row", base[1])
        self.kept: List[Tensor] = [torch.ones(3)]
        self.by_name: Dict[str, Tensor] = {"a": torch.ones(3)}

    def forward(self, x):
        return x + self.row + self.kept[0] + self.by_name["a"]

    @torch.jit.export
    def add(self, x):
        self.base.add_(x.sum())
        self.kept[0].mul_(2)
        self.by_name["a"] = x[0]

    @torch.jit.export
    def replace(self, x):
        self.kept[0] = x[0]
        self.row = x[0]


class Lent(nn.Module):
    """An app may hand what one method returns to another, which changes it."""

    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.arange(3.0))

    def forward(self, x):
        return x * self.table

    @torch.jit.export
    def lend(self):
        return self.table

    @torch.jit.export
    def bump(self, t):
        t.add_(1)
        return t


class Branches(nn.Module):
    """A flag within a module decides, and another method sets it."""

    def __init__(self):
        super().__init__()
        self.inner = Counter()

    def forward(self, x):
        return self.inner(x)

    @torch.jit.export
    def off(self):
        self.inner.enabled = False

    @torch.jit.export
    def replaced(self, x):
        self.inner.seen = x[0]
        return self.inner.factor


def picture(seed=0):
    return torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(seed))


def rows(seed=0):
    return torch.rand(2, 3, generator=torch.Generator().manual_seed(seed))


def seeded(make):
    torch.manual_seed(0)
    model = make().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


# Name, model, what is preserved, and calls in their order; `$n` is what call n gave.
PRESERVED = [
    ("two ways through the same layers", Coder, ["encode", "decode"], [("forward", picture()), ("encode", picture(1)), ("decode", "$1"), ("forward", picture(2))]),
    ("one method only", Coder, ["encode"], [("encode", picture()), ("forward", picture())]),
    ("a method of a module", Coder, ["encoder.step"], [("encoder_step", torch.rand(1, 4, 2, 2), 3), ("encoder_step", torch.rand(1, 4, 2, 2), 1), ("forward", picture())]),
    ("forward of a module", Coder, ["encoder.forward"], [("encoder_forward", picture())]),
    ("attributes", Coder, ["scale", "name"], [("forward", picture())]),
    ("a parameter of a module", Coder, ["encoder.weight"], [("forward", picture())]),
    ("weights of a layer", Coder, ["encoder.conv.weight", "encoder.bn.running_mean"], [("forward", picture())]),
    ("a module", Coder, ["encoder"], [("forward", picture())]),
    ("a module, and a method of it", Coder, ["encoder", "encoder.step"], [("forward", picture()), ("encoder_step", torch.rand(1, 4, 2, 2), 2)]),
    ("state", Counter, ["learn", "enable", "state"],
     [("forward", rows()), ("learn", rows(1)), ("forward", rows()), ("state",), ("enable", False), ("forward", rows()), ("learn", rows(2)),
      ("enable", True), ("forward", rows()), ("state",)]),
    ("state that is not all written", Counter, ["learn"], [("forward", rows()), ("learn", rows(1)), ("forward", rows())]),
    ("a flag", Counter, ["enable"], [("forward", rows()), ("enable", False), ("forward", rows()), ("enable", True), ("forward", rows())]),
    ("a flag as attribute", Counter, ["enabled"], [("forward", rows())]),
    ("lists, dicts and views", Cache, ["add"], [("forward", rows()), ("add", rows(1)), ("forward", rows()), ("add", rows(2)), ("forward", rows())]),
    ("lists, dicts and views replaced", Cache, ["add", "replace"],
     [("forward", rows()), ("replace", rows(1)), ("forward", rows()), ("add", rows(2)), ("forward", rows()), ("replace", rows(3)), ("add", rows(4)), ("forward", rows())]),
    ("what an app hands on", Lent, ["lend", "bump"], [("forward", rows()), ("lend",), ("bump", "$1"), ("forward", rows()), ("lend",)]),
    ("a flag in a module", Branches, ["off", "replaced"], [("forward", rows()), ("replaced", rows(1)), ("forward", rows()), ("off",), ("forward", rows())]),
]


class Layers(nn.Module):
    """Something to do for every optimization."""

    def __init__(self):
        super().__init__()
        self.line = nn.Conv1d(3, 3, 3)
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)
        self.linear = nn.Linear(4, 4)
        self.drop = nn.Dropout()

    def forward(self, x):
        y = self.bn(self.conv(self.line(x).unsqueeze(1)))
        z = F.relu(y + y.flip(0))
        return self.drop(self.linear(z))


class Dropped(nn.Module):
    """Dropout that no evaluation stops, and a batch norm behind nothing to fold it into."""

    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(3)

    def forward(self, x):
        return F.dropout(self.bn(F.relu(x)))


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x)


class Unusual(nn.Module):
    """Nothing that a GPU has a kernel for."""

    def forward(self, x):
        return torch.erfinv(x)


class New(nn.Module):
    """Of PyTorch 1.13."""

    def forward(self, x):
        return torch.special.airy_ai(x)


class Weighted(nn.Module):
    def __init__(self, dtype):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3, 9, 9, dtype=dtype))

    def forward(self, x):
        return x * self.weight


def traced_in_training(make):
    model = seeded(make).train()
    return torch.jit.trace(copy.deepcopy(model), picture(), check_trace=False)


# Code, a model that has what it is about, one that has not, and how both are compiled.
LINTS = [
    ("DROPOUT", lambda: torch.jit.script(seeded(Dropped)), lambda: torch.jit.script(seeded(Coder)), []),
    ("DROPOUT", lambda: torch.jit.script(seeded(Coder)), lambda: torch.jit.script(seeded(Plain)), ["--block", "remove_dropout"]),
    ("BATCHNORM", lambda: torch.jit.script(seeded(Dropped)), lambda: torch.jit.script(seeded(Coder)), []),
    ("BATCHNORM", lambda: torch.jit.script(seeded(Coder)), lambda: torch.jit.script(seeded(Plain)), ["--block", "conv_bn_fusion"]),
    ("REQUIRES_GRAD", lambda: torch.jit.script(seeded(Plain)), lambda: torch.jit.script(seeded(Plain).requires_grad_(False)), ["--preserve", "conv.weight"]),
    ("FLOAT16_WEIGHTS", lambda: torch.jit.script(Weighted(torch.float16)), lambda: torch.jit.script(Weighted(torch.float32)), []),
    ("FLOAT64_WEIGHTS", lambda: torch.jit.script(Weighted(torch.float64)), lambda: torch.jit.script(Weighted(torch.float32)), []),
    ("TRAINING_MODE", lambda: traced_in_training(Coder), lambda: torch.jit.trace(seeded(Coder), picture()), []),
    ("TRAINING_MODE", lambda: torch.jit.script(seeded(Dropped)), lambda: torch.jit.script(seeded(Coder).train()), []),
]
