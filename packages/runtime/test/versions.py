"""Writes models in every version of bytecode that PyTorch can make, with debug information, and what the eager model gives.

    python3 versions.py FOLDER
"""

import json
import os
import sys

import torch
from torch import nn, Tensor
from torch.jit.mobile import _backport_for_mobile


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.linear = nn.Linear(4, 5)

    def forward(self, x: Tensor, n: int = 2):
        parts = [self.conv(x)]
        for i in range(n):
            parts.append(parts[-1] * i + 1)
        y = torch.cat(parts, 1).mean([2, 3])
        if y.size(1) > 100:
            raise ValueError("too many parts: {}".format(y.size(1)))
        z = self.linear(y.view(-1, 4))
        return z.view(x.size(0), -1), {"sizes": [y.dim(), y.size(0)], "n": [n]}


torch.manual_seed(0)
folder = sys.argv[1]
eager = Net().eval()
scripted = torch.jit.script(eager)
x = torch.rand(2, 3, 6, 7)
with torch.no_grad():
    y, sizes = eager(x)
newest = os.path.join(folder, "v8.ptl")
scripted._save_for_lite_interpreter(newest, _save_mobile_debug_info=True)
for version in (4, 5, 6, 7):
    _backport_for_mobile(newest, os.path.join(folder, f"v{version}.ptl"), version)
with open(os.path.join(folder, "expected.json"), "w") as out:
    json.dump({"x": x.flatten().tolist(), "y": y.flatten().tolist(), "dims": list(y.shape), "sizes": sizes}, out)
