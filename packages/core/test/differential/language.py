"""Hand-written models: one per construct of the TorchScript language and per corner of the optimizations."""

import warnings
from enum import Enum
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

import torch
import torch.nn.functional as F
from torch import nn, Tensor


class DecisionGate(nn.Module):
    """The recipe's model: only scripting keeps the branch."""

    def forward(self, x):
        if x.sum() > 0:
            return x
        return -x


class Loops(nn.Module):
    def forward(self, x, n: int = 3):
        y = x
        for i in range(n):
            if i % 2 == 0:
                y = y + x * i
            else:
                y = y * 0.5
        k = 0
        while k < n and bool(y.sum() < 100.0):
            y = y + 1
            k += 1
        return y, k


class BreakContinue(nn.Module):
    def forward(self, x, n: int = 10):
        out: List[Tensor] = []
        for i in range(n):
            if i == 2:
                continue
            if i > 6:
                break
            out.append(x * i)
        if len(out) == 0:
            return x
        return torch.stack(out)


class EarlyReturn(nn.Module):
    def forward(self, x, k: int):
        for i in range(5):
            if i == k:
                return x + i
            x = x * 2
        return x


class Lists(nn.Module):
    def forward(self, x):
        parts = [x, x + 1]
        parts.append(x * 2)
        parts.insert(0, -x)
        parts[1] = parts[1] * 3
        last = parts.pop()
        parts.extend([last, last])
        sizes = [p.size(0) for p in parts]
        sizes.sort()
        sizes.reverse()
        doubled = [s * 2 for s in sizes]
        rest = parts[1:3]
        return torch.cat(parts), sum(doubled), len(rest), doubled[-1], 3 in sizes


class SharedListMutation(nn.Module):
    """A list seen under two names: mutation through one shows in the other."""

    def forward(self, x):
        a = [x]
        b = a
        b.append(x + 1)
        c = [1, 2, 3]
        d = c
        d[0] = 7
        return a[1] + c[0], len(a)


class ConstantListMutated(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps: List[int] = [1, 2, 3]

    def forward(self, x):
        local = [1, 2, 3]
        other = [1, 2, 3]
        local.append(4)
        return x * len(local) + len(other) + self.steps[0]


class Dicts(nn.Module):
    def forward(self, x):
        table: Dict[str, Tensor] = {"a": x, "b": x + 1}
        table["c"] = table["a"] * 2
        total = torch.zeros_like(x)
        for key, value in table.items():
            if key != "b":
                total = total + value
        counts: Dict[int, int] = {}
        for i in range(3):
            counts[i] = counts.get(i, 0) + i
        names = ""
        for key in table.keys():
            names = names + key
        return total, table, "c" in table, len(counts), names


class Point(NamedTuple):
    x: Tensor
    scale: float


class NamedTuples(nn.Module):
    def forward(self, x):
        p = Point(x, 2.0)
        q = Point(p.x + 1, p.scale * 2)
        return q.x * q.scale, p[0]


class Tuples(nn.Module):
    def forward(self, x, pair: Tuple[int, Tensor]):
        n, y = pair
        a, (b, c) = x, (n, y)
        t = (a, b, c)
        return t[0] + t[2], t[1:], (t[1], a)


class Optionals(nn.Module):
    def forward(self, x, mask: Optional[Tensor] = None, scale: Optional[float] = None):
        if mask is not None:
            x = x * mask
        if scale is None:
            scale = 1.5
        return x * scale


class Strings(nn.Module):
    def forward(self, x, mode: str = "double"):
        label = "size {} of {}".format(x.size(0), mode.upper())
        if mode == "double":
            x = x * 2
        elif mode.startswith("neg"):
            x = -x
        else:
            label = f"{mode}!" + str(1.5)
        parts = "a,b,c".split(",")
        return x, label, "-".join(parts), len(label), mode[1:3], "grün 漢字"


class Exceptions(nn.Module):
    def forward(self, x):
        assert x.dim() >= 1, "at least one dimension"
        if x.size(0) > 100:
            raise ValueError("too large: {}".format(x.size(0)))
        return x + 1


class AttributeWrites(nn.Module):
    """A counter and a buffer that live across calls."""

    def __init__(self):
        super().__init__()
        self.calls = 0
        self.register_buffer("total", torch.zeros(1))
        self.weight = nn.Parameter(torch.tensor([2.0]))

    def forward(self, x):
        self.calls += 1
        self.total = self.total + x.sum()
        return x * self.weight + self.calls, self.total


class BufferInPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("state", torch.ones(3))
        self.inner = AttributeWrites()

    def forward(self, x):
        self.state.add_(1)
        y, total = self.inner(x)
        view = self.state[0:2]
        view.mul_(2)
        return y.sum() + self.state, total


class Block(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return torch.relu(self.linear(x))


class ModuleContainers(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Block(6) for _ in range(3)])
        self.heads = nn.ModuleDict({"a": nn.Linear(6, 2), "b": nn.Linear(6, 3)})
        self.shared = self.layers[0]

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x) + i
        outputs: Dict[str, Tensor] = {}
        for name, head in self.heads.items():
            outputs[name] = head(x)
        return outputs, self.shared(x)


@torch.jit.interface
class Step(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class Interfaces(nn.Module):
    step: Step

    def __init__(self):
        super().__init__()
        self.step = Block(4)

    def forward(self, x):
        return self.step.forward(x)


class Color(Enum):
    RED = 1
    GREEN = 2


class Enums(nn.Module):
    def forward(self, x, flag: bool):
        color = Color.RED if flag else Color.GREEN
        if color == Color.RED:
            return x * color.value
        return x - color.value


@torch.jit.script
class Counter:
    def __init__(self, start: int):
        self.value = start

    def add(self, n: int) -> int:
        self.value += n
        return self.value


class Classes(nn.Module):
    def forward(self, x):
        counter = Counter(3)
        counter.add(x.size(0))
        return x + counter.value


def helper(x, n: int):
    return x * n + 1


class Functions(nn.Module):
    def forward(self, x):
        return helper(helper(x, 2), 3) + self.twice(x)

    def twice(self, x):
        return x + x


class Isinstance(nn.Module):
    def forward(self, x: Union[Tensor, List[Tensor]]):
        if isinstance(x, torch.Tensor):
            return x + 1
        else:
            return torch.stack(x).sum()


class Numbers(nn.Module):
    def forward(self, x, a: int, b: float):
        i = a // 3 + a % 4 - (a << 2) + (a ^ 5) + (-a // 3) + (-a % 4)
        f = b / 2 + a * b - b ** 2 + float(a) + abs(-b) + max(b, 1.0) + min(a, 2) + round(b)
        c = int(b) + int(x.sum().item() * 0) + divmod(a, 3)[1]
        same = a == 4 and not (b > 2.0) or a != 3
        return x * i + f, c, same, a / 2, 7 // 2.0, a >= 2


class Indexing(nn.Module):
    def forward(self, x):
        y = x[0]
        z = x[:, 1:]
        w = x[..., 0]
        v = x[:, None, ::2]
        m = x[x > 0]
        i = x[torch.tensor([0, 0])]
        x = x.clone()
        x[0] = 5.0
        x[:, 1] += 1
        return y, z, w, v, m.sum(), i, x


class InPlaceViews(nn.Module):
    """Writes through views: order and aliasing must survive every pass."""

    def forward(self, x):
        base = torch.zeros_like(x)
        before = base.clone()
        row = base[0]
        row.copy_(x[0])
        row += 1
        kept = base * 2
        base.zero_()
        relued = F.relu_(kept - 1)
        return base, kept, before, relued


class Comprehensions(nn.Module):
    def forward(self, xs: List[Tensor]):
        pairs = [(i, x * i) for i, x in enumerate(xs)]
        squares = {i: i * i for i in range(3)}
        total = torch.zeros(1)
        for i, x in pairs:
            total = total + x.sum() * squares[i % 3]
        for a, b in zip(xs, xs):
            total = total + (a - b).sum()
        return total


class Warnings(nn.Module):
    def forward(self, x):
        if x.size(0) > 5:
            warnings.warn("large")
        print("size", x.size(0))
        return x * 2


class Dtypes(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("double_", torch.rand(3, dtype=torch.float64))
        self.register_buffer("half_", torch.rand(3).half())
        self.register_buffer("flags_", torch.tensor([True, False, True]))
        self.register_buffer("ints_", torch.tensor([1, -2, 2**40]))
        self.register_buffer("complex_", torch.tensor([1 + 2j, 3 - 1j, 0.5j]))
        self.register_buffer("scalar_", torch.tensor(3.0))
        self.register_buffer("empty_", torch.empty(0, 3))
        self.register_buffer("bfloat_", torch.rand(3).bfloat16())
        self.register_buffer("strided_", torch.rand(3, 4).t()[1:])

    def forward(self, x):
        y = x.to(torch.float64) + self.double_ + self.half_.to(x.dtype) + self.scalar_
        device = x.device
        z = torch.zeros([2], dtype=torch.int64, device=device)
        c = self.complex_ * x
        return (y, self.ints_ + z.sum(), self.flags_.logical_not(), torch.view_as_real(c), self.empty_.numel() + self.empty_.size(1),
                self.bfloat_.float() + x, self.strided_ + x.sum(), x.dtype == torch.float32)


class ConvReLULinear(nn.Module):
    """Everything the CPU backend fuses, in one net. Linear+ReLU is what upstream misses."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(8)
        self.dropout = nn.Dropout(0.3)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.fc1 = nn.Linear(4, 16)
        self.fc2 = nn.Linear(16, 16)
        self.fc3 = nn.Linear(16, 5)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(x + self.bn2(self.conv2(x)), inplace=True)
        x = F.relu6(self.up(x)).mean([2, 3])
        x = self.dropout(F.relu(self.fc1(x)))
        x = F.hardtanh(self.fc2(x), -0.5, 0.25)
        return torch.clamp(self.fc3(x), min=-0.1)


class Conv1d(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv1d(4, 8, 3, padding=2, dilation=2), nn.ReLU(), nn.Conv1d(8, 8, 3, stride=2, groups=4, bias=False), nn.BatchNorm1d(8), nn.ReLU6())

    def forward(self, x):
        return self.net(x)


class Conv3d(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv3d(2, 4, 3, padding=1, bias=False), nn.BatchNorm3d(4), nn.ReLU(inplace=True), nn.Conv3d(4, 2, 1), nn.BatchNorm3d(2, affine=False))

    def forward(self, x):
        return self.net(x)


class OneConvTwoNorms(nn.Module):
    """One conv feeding two different batch norms: upstream's fold is silently wrong here."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, bias=False)
        self.a = nn.BatchNorm2d(4)
        self.b = nn.BatchNorm2d(4)

    def forward(self, x):
        y = self.conv(x)
        return self.a(self.conv(x)) + self.b(y), y


class SharedNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3, padding=1)
        self.b = nn.Conv2d(3, 4, 1, bias=False)
        self.bn = nn.BatchNorm2d(4)

    def forward(self, x):
        return self.bn(self.a(x)) * self.bn(self.b(x))


class CalledTwice(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU())

    def forward(self, x):
        return self.block(self.block(x))


class PaddingModes(nn.Module):
    def __init__(self):
        super().__init__()
        self.same = nn.Conv2d(3, 4, 3, padding="same", dilation=2)
        self.valid = nn.Conv2d(4, 4, 3, padding="valid")
        self.reflect = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.circular = nn.Conv2d(4, 4, (3, 5), padding=(1, 2), padding_mode="circular", stride=(1, 2))

    def forward(self, x):
        return self.circular(self.reflect(F.relu(self.valid(F.relu(self.same(x))))))


class DoubleNet(nn.Module):
    """float64: XNNPACK has no kernels for it, so everything must stay."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3), nn.ReLU()).double()

    def forward(self, x):
        return self.net(x)


class Clamps(nn.Module):
    """Clamps with awkward bounds, results that are used twice, in-place on shared values."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 5)
        self.fc2 = nn.Linear(5, 5)

    def forward(self, x):
        a = self.fc(x)
        b = F.relu(a)
        c = torch.clamp(self.fc2(x), max=0.2)
        d = F.hardtanh(F.relu(self.fc(x)), -1.0, 0.3)
        e = torch.clamp(self.fc(x), 0, 1)
        f = self.fc2(x)
        g = F.relu_(f)
        h = f + 1
        return a + b, c, d, e, g, h, F.relu6(self.fc(x)), self.fc(x).clamp_min(0.1), self.fc(x).clamp_(-0.2, 0.2)


class AddReLU(nn.Module):
    def forward(self, x, y):
        a = torch.relu(x + y)
        b = torch.relu_(torch.add(x, y, alpha=2))
        c = x.clone()
        c += y
        d = F.relu_(c)
        e = (x > 0).int() + (y > 0).int()
        f = torch.relu(e)
        g = torch.relu(x + 1)
        s = x + y
        h = torch.relu(s) + s
        return a, b, d, f, g, h, torch.relu(x + x[0])


class Dropouts(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Dropout(0.2), nn.Dropout2d(0.2), nn.AlphaDropout(0.1), nn.FeatureAlphaDropout(0.1), nn.Dropout(0.1, inplace=True))

    def forward(self, x):
        y = self.net(x * 1)
        return y + 1, y


class DynamicShapes(nn.Module):
    def forward(self, x):
        b, c, h, w = x.shape
        y = x.view(b, c, h * w).transpose(1, 2)
        z = F.interpolate(x, size=[h * 2, w + 1], mode="bilinear", align_corners=False)
        p = F.pad(x, [1, 2, 0, 1], value=0.5)
        return y, z, p, F.adaptive_avg_pool2d(x, [2, 3]), torch.arange(h) + w, x.unbind(0)[0], x.split([1, c - 1], dim=1)[1], x.chunk(2, dim=2)


class Matmuls(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(6, 5))
        self.b = nn.Parameter(torch.randn(6))

    def forward(self, x):
        return x @ self.w.t(), torch.addmm(self.b, x, self.w.t()), torch.matmul(x, self.w.t()) + self.b, F.linear(x, self.w), torch.einsum("bi,oi->bo", x, self.w)


class SharedWeights(nn.Module):
    """Tied parameters and a view into a larger storage."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 6)
        self.head = nn.Linear(6, 10, bias=False)
        self.head.weight = self.embedding.weight
        big = torch.randn(20, 6)
        self.register_buffer("part", big[3:5])
        self.register_buffer("whole", big)

    def forward(self, tokens):
        return self.head(F.relu(self.embedding(tokens))) + self.part.sum() + self.whole[19, 5]


class NestedOutputs(nn.Module):
    def forward(self, x):
        nested: List[Dict[str, Tuple[Tensor, int]]] = [{"a": (x, 1)}, {"b": (x + 1, 2)}]
        empty: List[int] = []
        return nested, empty, None, True, 1.5, "text"


class Constants(nn.Module):
    scale: torch.jit.Final[float]

    def __init__(self):
        super().__init__()
        self.scale = 0.25
        self.names = ["ä", "b"]
        self.table = {"k": [1, 2], "l": [3]}
        self.limit = float("inf")
        self.nan = float("nan")
        self.big = 2**40

    def forward(self, x):
        if len(self.names) == 2 and self.limit > 1.0:
            x = x * self.scale
        return x + self.table["k"][1], self.names[0], self.big - 1, self.nan != self.nan, -1e-7, 1e300


class TrainModeBatchNorm(nn.Module):
    """Statistics of the batch itself, on purpose: folding would be wrong."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4, track_running_stats=False)
        self.instance = nn.InstanceNorm2d(4)
        self.group = nn.GroupNorm(2, 4)

    def forward(self, x):
        return self.group(self.instance(self.bn(self.conv(x))))


class ConvBeforeReshape(nn.Module):
    """The conv's result is viewed and written in place before and after the activation."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        y = self.conv(x)
        flat = y.view(y.size(0), -1)
        z = F.relu(y, inplace=True)
        return flat, z + 1


class Forked(nn.Module):
    def forward(self, x):
        future = torch.jit.fork(helper, x, 2)
        return torch.jit.wait(future) + 1


class Old(nn.Module):
    """Division kinds and functions whose meaning changed over the operator versions."""

    def forward(self, x, n: int):
        return torch.div(x, 2), torch.div(x, 2, rounding_mode="floor"), torch.full([2], n), torch.linspace(0, 1, 5), torch.logspace(0, 1, 3), F.gelu(x)


def language_models():
    from zoo import Model

    def rand(*shapes, **extra):
        generator = torch.Generator().manual_seed(11)
        return tuple(torch.randn(s, generator=generator) for s in shapes)

    def one(*shapes):
        return [rand(shape) for shape in shapes]

    def listed(*sets):
        return lambda: list(sets)

    both, scripted, traced = ("traced", "scripted"), ("scripted",), ("traced",)
    table = [
        (DecisionGate, listed(*one((3, 4), (2, 5)), (torch.ones(2, 2),), (-torch.ones(1, 3),)), scripted),
        (Loops, listed((torch.ones(2),), (torch.ones(3), 0), (torch.ones(1), 6), (torch.full((2,), -40.0), 5)), scripted),
        (BreakContinue, listed((torch.ones(2),), (torch.ones(3), 0), (torch.ones(1), 6), (torch.ones(1), 3)), scripted),
        (EarlyReturn, listed((torch.ones(2), 0), (torch.ones(3), 3), (torch.ones(1), 9)), scripted),
        (Lists, listed(*one((3, 2), (5, 2))), scripted),
        (SharedListMutation, listed(*one((3,), (2, 2))), scripted),
        (ConstantListMutated, listed(*one((3,), (2, 2), (3,))), both),
        (Dicts, listed(*one((3,), (2, 2))), scripted),
        (NamedTuples, listed(*one((3,), (2, 2))), both),
        (Tuples, listed((torch.ones(2), (2, torch.ones(2))), (torch.ones(3, 1), (5, torch.ones(3, 2)))), scripted),
        (Optionals, listed((torch.ones(2),), (torch.ones(2), torch.rand(2)), (torch.ones(3), None, 2.5)), scripted),
        (Strings, listed((torch.ones(2),), (torch.ones(3), "negate"), (torch.ones(3), "other")), scripted),
        (Exceptions, listed(*one((3,), (2, 2))), scripted),
        (AttributeWrites, listed(*one((3,), (2, 2), (4,))), scripted),
        (BufferInPlace, listed(*one((3,), (1, 3), (3,))), scripted),
        (ModuleContainers, listed(*one((3, 6), (2, 6))), both),
        (Interfaces, listed(*one((3, 4), (2, 4))), scripted),
        (Enums, listed((torch.ones(2), True), (torch.ones(2), False)), scripted),
        (Classes, listed(*one((3, 4), (2, 4))), scripted),
        (Functions, listed(*one((3, 4), (2, 4))), both),
        (Isinstance, listed(*one((3, 4), (2, 4))), scripted),
        (Numbers, listed((torch.ones(2), 7, 2.5), (torch.ones(3), 4, 1.25), (torch.ones(1), 3, 0.5)), scripted),
        (Indexing, listed(*one((3, 4), (2, 6))), both),
        (InPlaceViews, listed(*one((3, 4), (2, 6))), both),
        (Comprehensions, listed((list(one((3,), (2,))[0] + one((3,), (2,))[1]),), ([torch.ones(2)],)), scripted),
        (Warnings, listed(*one((3,), (8,))), scripted),
        (Dtypes, listed(*one((3,), (1, 3))), scripted),
        (ConvReLULinear, listed(*one((1, 3, 8, 8), (2, 3, 10, 12))), both),
        (Conv1d, listed(*one((1, 4, 20), (3, 4, 31))), both),
        (Conv3d, listed(*one((1, 2, 4, 5, 6), (2, 2, 3, 7, 4))), both),
        (OneConvTwoNorms, listed(*one((1, 3, 8, 8), (2, 3, 10, 12))), both),
        (SharedNorm, listed(*one((1, 3, 8, 8), (2, 3, 10, 12))), both),
        (CalledTwice, listed(*one((1, 3, 8, 8), (2, 3, 10, 12))), both),
        (PaddingModes, listed(*one((1, 3, 12, 12), (2, 3, 10, 13))), both),
        (DoubleNet, listed((torch.rand(1, 3, 8, 8).double(),), (torch.rand(4, 3, 8, 8).double(),)), both),
        (Clamps, listed(*one((3, 5), (1, 5), (2, 4, 5))), both),
        (AddReLU, listed(rand((3, 4), (3, 4)), rand((2, 5), (1, 5))), both),
        (Dropouts, listed(*one((2, 3, 4, 4), (1, 2, 5, 5))), both),
        (DynamicShapes, listed(*one((2, 3, 6, 8), (1, 3, 4, 6))), both),
        (Matmuls, listed(*one((3, 5), (1, 5))), both),
        (SharedWeights, listed((torch.tensor([[1, 2, 3]]),), (torch.tensor([[0, 9], [4, 4]]),)), both),
        (NestedOutputs, listed(*one((3,), (2, 2))), scripted),
        (Constants, listed(*one((3,), (2, 2))), scripted),
        (TrainModeBatchNorm, listed(*one((2, 3, 8, 8), (3, 3, 9, 7))), both),
        (ConvBeforeReshape, listed(*one((2, 3, 4, 4), (1, 3, 5, 6))), both),
        (Old, listed((torch.randn(3), 2), (torch.randn(2, 2), -1)), scripted),
        (Forked, listed(*one((3,), (2, 2))), scripted),
    ]

    def make(kind):
        def build():
            torch.manual_seed(0)
            return kind()
        return build

    return [Model(kind.__name__, make(kind), inputs, forms, quick=True, blocked=True, family="language") for kind, inputs, forms in table]
