import torch
from torch import nn

import numpy as np


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.window = torch.from_numpy(np.hanning(4))

    def forward(self, x):
        return x * self.window


model = Net()
example_inputs = (torch.rand(5, 4),)
