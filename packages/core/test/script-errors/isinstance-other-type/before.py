import torch
from torch import nn

import numpy as np


class Net(nn.Module):
    def forward(self, x):
        if isinstance(x, np.ndarray):  # <- here
            return x
        return x * 2


model = Net()
example_inputs = (torch.rand(2, 4),)
