"""Models that a trace gets right, each with something that might make a check doubt it."""
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean, self.spread, self.decode = nn.Linear(6, 3), nn.Linear(6, 3), nn.Linear(3, 6)

    def forward(self, x):
        mean, spread = self.mean(x), self.spread(x)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * spread)
        return torch.sigmoid(self.decode(z)), mean, spread


class AlwaysDrops(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5, training=True)


class Detection(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.boxes, self.scores = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1), nn.Conv2d(8, 2, 1)

    def forward(self, x):
        x = torch.relu(self.body(x))
        return {"boxes": self.boxes(x).flatten(2), "scores": self.scores(x).softmax(1)}


class Pair(NamedTuple):
    low: torch.Tensor
    high: torch.Tensor


class Named(nn.Module):
    def forward(self, x):
        return Pair(x.amin(-1), x.amax(-1)), [x, x + 1]


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(8, 4, 3))
        self.layers[1].running_mean.normal_()

    def forward(self, x):
        return self.layers(x)


class Stateful(nn.Module):
    """Its buffers change with every call, in place."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(1))
        self.register_buffer("mean", torch.zeros(1))

    def forward(self, x):
        self.count.add_(1)
        self.mean.mul_(0.9).add_(x.mean() * 0.1)
        return x * self.count + self.mean


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.lstm = nn.Embedding(20, 8), nn.LSTM(8, 8, batch_first=True)
        self.gru, self.head = nn.GRU(8, 8), nn.Linear(8, 5)

    def forward(self, ids):
        y, (h, _) = self.lstm(self.embed(ids))
        y, _ = self.gru(y)
        return self.head(y), h


class Chaotic(nn.Module):
    """Rounding grows a millionfold on the way, in the model as in the trace."""

    def forward(self, x):
        for _ in range(40):
            x = 3.9 * x.abs().frac() * (1 - x.abs().frac())
        return x


class Nearest(nn.Module):
    def forward(self, x):
        return x.argmax(-1), x.topk(2).indices


class Poles(nn.Module):
    """NaN and infinities, at the same places."""

    def forward(self, x):
        return torch.log(x), 1 / (x * 0)


class Writes(nn.Module):
    """Writes into its own input."""

    def forward(self, x):
        x.mul_(2)
        return x + 1


class Options(nn.Module):
    """Arguments by name, some left out."""

    def forward(self, x, mask=None, *, scale=None, times: int = 2):
        if mask is not None:
            x = x * mask
        return x * scale * times if scale is not None else x


class Half(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(4, dtype=torch.bfloat16))

    def forward(self, x):
        return x * self.scale, x.to(torch.float64).sum(), None if False else x.long()
