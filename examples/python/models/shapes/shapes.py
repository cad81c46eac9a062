"""Tells drawn shapes apart. `quantize=static` makes it one of 8-bit numbers, calibrated with `calibration_inputs`."""

from typing import List

import torch
from torch import Tensor, nn

from .drawing import KINDS, SIDE, draw


def block(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class ShapeNet(nn.Module):
    """Images [batch, 1, 28, 28] to a score for each kind [batch, 4]."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(block(1, 16), block(16, 32), block(32, 64))
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(64 * 4 * 4, len(KINDS)))

    def forward(self, image: Tensor) -> Tensor:
        return self.head(torch.flatten(self.features(image), 1))


model = ShapeNet

example_inputs = (torch.zeros(1, 1, SIDE, SIDE),)


def calibration_inputs() -> List[Tensor]:
    """What the ranges of the numbers are measured on: images as they come, none of them used to train or to test."""
    return list(draw(64, seed=2)[0].split(8))
