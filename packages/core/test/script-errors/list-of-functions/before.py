import torch
from torch import nn

import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.activations = [F.relu, F.gelu]

    def forward(self, x):
        for activation in self.activations:  # <- here
            x = activation(x)
        return x


model = Net()
example_inputs = (torch.rand(2, 4),)
