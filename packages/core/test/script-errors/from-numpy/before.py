import torch
from torch import nn

import numpy as np


class Net(nn.Module):
    def forward(self, x):
        window = torch.from_numpy(np.hanning(4))  # <- here
        return x * window


model = Net()
example_inputs = (torch.rand(5, 4),)
