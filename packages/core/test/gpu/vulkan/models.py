"""Models whose tensors come and go in tuples, lists and dicts, each with two sets of inputs."""

from typing import Dict, List, Optional, Tuple

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 5)

    def features(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Tuples(Net):
    def forward(self, pair: Tuple[torch.Tensor, torch.Tensor]) -> Tuple[torch.Tensor, Tuple[torch.Tensor, int]]:
        y = self.features(pair[0] + pair[1])
        return y, (y * 2.0, 3)


class Lists(Net):
    def forward(self, images: List[torch.Tensor]) -> List[torch.Tensor]:
        results: List[torch.Tensor] = []
        for image in images:
            results.append(self.features(image))
        return results


class Dicts(Net):
    def forward(self, inputs: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        y = self.features(inputs["image"])
        return {"features": y, "scaled": y * inputs["scale"]}


class Nested(Net):
    def forward(self, x: torch.Tensor, more: Dict[str, List[torch.Tensor]]) -> Tuple[List[torch.Tensor], Dict[str, Tuple[torch.Tensor, torch.Tensor]]]:
        y = self.features(x)
        z = self.features(more["images"][0])
        return [y, z], {"both": (y + z, y - z)}


class Optionals(Net):
    def forward(self, x: torch.Tensor, y: Optional[torch.Tensor] = None) -> torch.Tensor:
        if y is not None:
            x = x + y
        return self.features(x)


def sets(make):
    generator = torch.Generator().manual_seed(5)
    return [make(lambda: torch.randn(1, 3, height, width, generator=generator)) for height, width in ((8, 8), (12, 16))]


CONTAINERS = {
    "tuples": (Tuples, lambda image: ((image(), image()),)),
    "lists": (Lists, lambda image: ([image(), image(), image()],)),
    "dicts": (Dicts, lambda image: ({"image": image(), "scale": image()[:, :1]},)),
    "nested": (Nested, lambda image: (image(), {"images": [image()]})),
    "optional": (Optionals, lambda image: (image(), image())),
    "optional, none": (Optionals, lambda image: (image(), None)),
}
