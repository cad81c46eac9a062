"""Models whose path depends on what they are given: a trace of most of them is wrong."""
from typing import List

import torch
from torch import nn


class MyDecisionGate(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        return -x


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = MyDecisionGate()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, h):
        new = torch.tanh(self.gate(self.linear(x)) + h)
        return new, new


class BakedBatch(nn.Module):
    def forward(self, x):
        return x.view(int(x.shape[0]), -1).sum(1)


class Steps(nn.Module):
    """A loop over a sequence, as long as the example in a trace."""

    def forward(self, x):
        h = torch.zeros(x.size(0))
        for step in range(x.size(1)):
            h = h * 0.5 + x[:, step]
        return h


class Chance(nn.Module):
    """Python draws a number, which a trace freezes."""

    def forward(self, x):
        import random
        return x + random.random()


class Index(nn.Module):
    """The value of an input decides; zero in all examples below 1."""

    def forward(self, ids):
        return ids + 2.0 if int(ids.max()) < 5 else ids + 3.0


class Masked(nn.Module):
    def forward(self, x, mask):
        return x.masked_fill(mask, 0.0) if bool(mask.any()) else x + 1


class Averages(nn.Module):
    """Assigns a buffer, which a trace does not see; writing into one it does."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1))

    def forward(self, x):
        self.mean = self.mean * 0.9 + x.mean() * 0.1
        return x + self.mean


class Neither(nn.Module):
    """Neither a trace nor a script can say this."""

    def forward(self, x):
        if x.sum() > 0:
            return x + len(list(map(lambda value: value, range(3))))
        return x


class Counting(nn.Module):
    """Different with every call, whatever the seed and the state of the model."""

    calls = [0]

    def forward(self, x):
        Counting.calls[0] += 1
        return x * Counting.calls[0]


class Scaled(nn.Module):
    """Takes batches of any size but does not take negative sums."""

    def forward(self, x):
        if not torch.jit.is_tracing() and float(x.sum()) < 0:
            raise ValueError("negative")
        return x * 2


class Remembers(nn.Module):
    """Scripted: counts its calls in a number, a list and a tensor that is no buffer."""

    seen: List[int]

    def __init__(self):
        super().__init__()
        self.calls = 0
        self.seen = []
        self.total = torch.zeros(1)

    def forward(self, x):
        self.calls += 1
        self.seen.append(x.shape[0])
        self.total = self.total + 1
        return x + self.calls + len(self.seen) + self.total
