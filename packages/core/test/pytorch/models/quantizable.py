"""Models to quantize, with calibration data."""
import torch
from torch import nn
from torch.ao.quantization import DeQuantStub, QuantStub


class Convs(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.linear = nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.Linear(16, 4)

    def forward(self, x):
        return self.linear(torch.relu(self.norm(self.conv(x))).mean([2, 3]))


class Decides(nn.Module):
    """FX cannot read it; its stubs tell where it is quantized."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU())
        self.linear = nn.Linear(16, 4)

    def forward(self, x):
        if x.sum() < 0:
            x = -x
        return self.dequant(self.linear(self.body(self.quant(x)).mean([2, 3])))


class NoStubs(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3)

    def forward(self, x):
        return self.conv(x if x.sum() > 0 else -x)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.lstm, self.gru = nn.Embedding(20, 32), nn.LSTM(32, 32, batch_first=True), nn.GRU(32, 32)
        self.cell, self.head = nn.GRUCell(32, 32), nn.Linear(32, 5)

    def forward(self, ids):
        y, (h, _) = self.lstm(self.embed(ids))
        y, _ = self.gru(y)
        return self.head(y), self.cell(h[0])


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)

    def forward(self, x):
        return self.encoder(x)


class Plain(nn.Module):
    def forward(self, x):
        return torch.relu(x)


calibration_inputs = [torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in range(8)]
