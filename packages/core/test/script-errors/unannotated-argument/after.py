import torch
from torch import nn

import torch.nn.functional as F


class Net(nn.Module):
    def forward(self, x, mode: str):
        return F.interpolate(x, scale_factor=2.0, mode=mode)


model = Net()
example_inputs = (torch.rand(1, 1, 2, 4), "nearest")
