import torch
from torch import nn

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))
from axes import merge_axes


class Net(nn.Module):
    def forward(self, x):
        return merge_axes(x, start=1, end=2)  # <- here


model = Net()
example_inputs = (torch.rand(5, 4, 2),)
