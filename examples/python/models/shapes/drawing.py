"""Drawn shapes, made up: what the model is trained, calibrated and tested on."""

import math
from typing import Tuple

import torch
from torch import Tensor

SIDE = 28
KINDS = ["circle", "square", "triangle", "cross"]


def draw(count: int, seed: int) -> Tuple[Tensor, Tensor]:
    """Images [count, 1, 28, 28] with ink 1 on paper 0 and some noise, and the kind of each [count]."""
    generator = torch.Generator().manual_seed(seed)

    def random(low: float, high: float) -> Tensor:
        return torch.rand(count, 1, 1, generator=generator) * (high - low) + low

    kinds = torch.randint(len(KINDS), (count,), generator=generator)
    axis = torch.arange(SIDE).float() - (SIDE - 1) / 2
    x, y = axis.view(1, 1, -1) - random(-4, 4), axis.view(1, -1, 1) - random(-4, 4)
    turn, radius, stroke = random(0, 2 * math.pi), random(5, 9), random(1.0, 1.8)
    x, y = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()

    circle = (x * x + y * y).sqrt() - radius
    square = torch.maximum(x.abs(), y.abs()) - radius * 0.85
    sides = [x * math.sin(angle) + y * math.cos(angle) for angle in (0, 2 * math.pi / 3, 4 * math.pi / 3)]
    triangle = torch.stack(sides).amax(0) - radius * 0.6
    cross = torch.maximum(torch.minimum(x.abs(), y.abs()), torch.maximum(x.abs(), y.abs()) - radius)
    distance = torch.stack([circle, square, triangle, cross], 1)[torch.arange(count), kinds].abs()
    ink = (stroke + 0.5 - distance).clamp(0, 1)
    noise = torch.rand(ink.shape, generator=generator) * random(0, 0.3)
    return (ink * random(0.6, 1) + noise).clamp(0, 1).unsqueeze(1), kinds
