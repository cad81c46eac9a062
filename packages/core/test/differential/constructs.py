"""Hand-written models of what PyTorch's own lite interpreter cannot hold and the compiler takes apart: objects, enums, with, fork, interfaces."""

from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional

import torch
from torch import nn, Tensor


class Mode(Enum):
    ADD = "add"
    MUL = "mul"
    SUB = "sub"


class Level(Enum):
    LOW = 0.5
    HIGH = 2.0


def apply(mode: Mode, x, y):
    if mode == Mode.ADD:
        return x + y
    elif mode == Mode.MUL:
        return x * y
    return x - y


class EnumArguments(nn.Module):
    """Enums handed to functions, compared, named; some known while compiling, some chosen while running."""

    def forward(self, x, k: int):
        mode = Mode.ADD
        if k == 1:
            mode = Mode.MUL
        elif k > 1:
            mode = Mode.SUB
        level = Level.LOW if k % 2 == 0 else Level.HIGH
        return apply(mode, x, x + 1), apply(Mode.MUL, x, x), mode.name, mode.value, level.value, mode != Mode.ADD, Mode.SUB.value


class EnumAttribute(nn.Module):
    def __init__(self):
        super().__init__()
        self.mode = Mode.MUL
        self.modes = [Mode.SUB, Mode.ADD]

    def forward(self, x):
        for mode in self.modes:
            x = apply(mode, x, x * 0.5 + 1)
        return apply(self.mode, x, x), self.mode.name


class EnumState(nn.Module):
    """An attribute that goes from member to member from call to call."""

    def __init__(self):
        super().__init__()
        self.mode = Mode.ADD

    def forward(self, x):
        y = apply(self.mode, x, x + 1)
        if self.mode == Mode.ADD:
            self.mode = Mode.MUL
        else:
            self.mode = Mode.ADD
        return y


class EnumContainers(nn.Module):
    def forward(self, x, k: int):
        modes = [Mode.ADD, Mode.SUB]
        if k > 0:
            modes.append(Mode.MUL)
        table: Dict[str, Mode] = {"first": Mode.MUL, "second": modes[k % 2]}
        pair = (table["second"], k)
        for mode in modes:
            x = apply(mode, x, x + 2)
        return apply(table["first"], x, x), apply(pair[0], x, x), len(modes)


@torch.jit.script
class Accumulator:
    def __init__(self, start: Tensor, count: int = 0):
        self.total = start
        self.count = count

    def add(self, x: Tensor):
        self.total = self.total + x
        self.count += 1

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> Tensor:
        return self.total[i]

    def __add__(self, other: Tensor) -> Tensor:
        return self.total + other


class ClassInLoop(nn.Module):
    def forward(self, x, n: int):
        acc = Accumulator(x)
        for i in range(n):
            if i % 2 == 0:
                acc.add(x * i)
            else:
                acc.total.mul_(0.5)
        other = acc
        other.add(x)
        return acc.total, len(acc), acc[0], acc + x


class ClassChosen(nn.Module):
    """Objects that branches choose between, and that a loop replaces."""

    def forward(self, x, k: int):
        if k > 1:
            acc = Accumulator(x * 2, 5)
        else:
            acc = Accumulator(x)
            acc.add(x)
        for i in range(k):
            if bool(acc.total.sum() > 50.0):
                acc = Accumulator(acc.total * 0.1, acc.count)
            acc.add(x)
        return acc.total, acc.count


class ClassAliased(nn.Module):
    """One object under two names behind a branch: what one changes the other shows."""

    def forward(self, x, flag: bool):
        a = Accumulator(x)
        b = Accumulator(x * 2)
        c = a
        if flag:
            c = b
        c.add(x)
        return a.total, b.total, c.count


@torch.jit.script
class Pair:
    def __init__(self, x: Tensor):
        self.left = Accumulator(x)
        self.right = Accumulator(x + 1)

    def swap(self):
        left = self.left
        self.left = self.right
        self.right = left


class ClassNested(nn.Module):
    def forward(self, x, n: int):
        pair = Pair(x)
        for i in range(n):
            pair.left.add(x * i)
            pair.swap()
        return pair.left.total, pair.right.total, pair.left.count


class ClassUnrolled(nn.Module):
    def forward(self, x):
        parts = [Accumulator(x), Accumulator(x + 1)]
        parts[0].add(x)
        parts[1].add(parts[0].total)
        return parts[0].total, parts[1].total


@torch.jit.script
class Mapper:
    """Never changed once it is made: as torchvision's LevelMapper."""

    def __init__(self, low: int, high: int, scale: float):
        self.low = low
        self.high = high
        self.scale = scale

    def __call__(self, x: Tensor) -> Tensor:
        return torch.clamp(x * self.scale, float(self.low), float(self.high))


class ClassInList(nn.Module):
    """Objects in a list whose length is known only while running."""

    def forward(self, x, n: int):
        mappers: List[Mapper] = []
        for i in range(n):
            mappers.append(Mapper(-i, i, 0.5))
        out = x
        for mapper in mappers:
            out = out + mapper(x)
        best: Optional[Mapper] = None
        if n > 2:
            best = mappers[1]
        if best is not None:
            out = out + best.high
        return out, len(mappers)


class ClassAttribute(nn.Module):
    """An object that the first call makes and later ones use."""

    mapper: Optional[Mapper]

    def __init__(self):
        super().__init__()
        self.mapper = None

    def forward(self, x):
        if self.mapper is None:
            self.mapper = Mapper(0, x.size(0), 1.5)
        mapper = self.mapper
        assert mapper is not None
        return mapper(x)


class ClassKept(nn.Module):
    """An object that belongs to the module and counts."""

    def __init__(self):
        super().__init__()
        self.acc = Accumulator(torch.zeros(1))

    def forward(self, x):
        self.acc.add(x.sum().reshape(1))
        return x + self.acc.total, self.acc.count


class ClassEscapes(nn.Module):
    """Objects that change inside of a list of unknown length."""

    def forward(self, x, n: int):
        parts: List[Accumulator] = []
        for i in range(n):
            parts.append(Accumulator(x * i))
        for part in parts:
            part.add(x)
        total = torch.zeros_like(x)
        for part in parts:
            total = total + part.total
        return total


@torch.jit.script
class Scope:
    def __init__(self, log: List[str], name: str):
        self.log = log
        self.name = name

    def __enter__(self) -> str:
        self.log.append("enter " + self.name)
        return self.name

    def __exit__(self, kind: Any, value: Any, trace: Any):
        self.log.append("leave " + self.name)


class WithBlocks(nn.Module):
    def forward(self, x, n: int):
        log: List[str] = []
        with Scope(log, "outer") as outer:
            x = x + 1
            for i in range(n):
                with Scope(log, outer + str(i)):
                    x = x * 2
                    log.append("inside")
        return x, log


class WithNoGrad(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        with torch.no_grad():
            y = self.fc(x)
        with torch.autograd.profiler.record_function("name"):
            y = torch.relu(y)
            with torch.no_grad():
                y = y * 2
        return y


def scaled(x, n: int):
    return x * n + 1


class ForkList(nn.Module):
    """Tasks in a list, tasks of modules, tasks that fork."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def branch(self, x, n: int):
        inner = torch.jit.fork(scaled, x, n)
        return torch.jit.wait(inner), n

    def forward(self, x):
        futures = torch.jit.annotate(List[torch.jit.Future[Tensor]], [])
        for i in range(3):
            futures.append(torch.jit.fork(scaled, x, i))
        module = torch.jit.fork(self.fc, x)
        pair = torch.jit.fork(self.branch, x, 4)
        y = torch.jit.wait(module)
        for future in futures:
            y = y + torch.jit.wait(future)
        z, n = torch.jit.wait(pair)
        return y + z, n


@torch.jit.interface
class Layer(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class Double(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.fc = nn.Linear(features, features)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x) * 2


class Shift(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


class InterfaceList(nn.Module):
    """Modules of a list and a dict by an index that is known only while running."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Double(4), Shift(), Double(4)])
        self.named = nn.ModuleDict({"a": Shift(), "b": Double(4)})

    def forward(self, x, order: List[int], name: str = "b"):
        for i in order:
            layer: Layer = self.layers[i]
            x = layer.forward(x)
        last: Layer = self.named[name]
        return last.forward(x)


class Result(NamedTuple):
    scores: Tensor
    boxes: List[Tensor]
    count: int


class NamedTupleInside(nn.Module):
    def make(self, x):
        return Result(x * 2, [x, x + 1], x.size(0))

    def forward(self, x, flag: bool):
        result = self.make(x)
        if flag:
            result = Result(result.scores + 1, result.boxes, 7)
        best: Optional[Result] = None
        if result.count > 2:
            best = result
        if best is not None:
            return best.scores, best.boxes, best.count
        return result.scores, result.boxes, -1


class OrderedPairs(nn.Module):
    """`dict` of a list of pairs, which PyTorch's lite interpreter stops at with an internal assert."""

    def forward(self, xs: List[Tensor]):
        known = dict([("a", xs[0]), ("b", xs[0] + 1)])
        pairs = [(str(i), x * i) for i, x in enumerate(xs)]
        return known, dict(pairs)


def construct_models():
    from zoo import Model

    def rand(*shape):
        return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))

    x, y = rand(3, 4), rand(2, 4)
    table = [
        (EnumArguments, [(x, 0), (y, 1), (x, 2)]),
        (EnumAttribute, [(x,), (y,)]),
        (EnumState, [(x,), (y,), (x,)]),
        (EnumContainers, [(x, 0), (y, 1), (x, 3)]),
        (ClassInLoop, [(x, 3), (y, 0), (x, 4)]),
        (ClassChosen, [(x, 0), (y, 2), (x + 3, 5)]),
        (ClassAliased, [(x, True), (y, False)]),
        (ClassNested, [(x, 0), (y, 3), (x, 4)]),
        (ClassUnrolled, [(x,), (y,)]),
        (ClassInList, [(x, 0), (y, 2), (x, 4)]),
        (ClassAttribute, [(x,), (y,), (x,)]),
        (ClassKept, [(x,), (y,), (x,)]),
        (ClassEscapes, [(x, 2), (y, 0)]),
        (WithBlocks, [(x, 2), (y, 0)]),
        (WithNoGrad, [(x,), (y,)]),
        (ForkList, [(x,), (y,)]),
        (InterfaceList, [(x, [0, 1]), (y, [2, 2, 1], "a"), (x, [0])]),
        (NamedTupleInside, [(x, True), (y, False), (x, False)]),
        (OrderedPairs, [([x, y],), ([y],)]),
    ]

    def make(kind):
        def build():
            torch.manual_seed(0)
            return kind()
        return build

    return [Model(kind.__name__, make(kind), lambda sets=sets: sets, ("scripted",), quick=True, family="language") for kind, sets in table]
