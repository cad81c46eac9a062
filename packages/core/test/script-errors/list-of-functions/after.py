import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.activations = nn.ModuleList([nn.ReLU(), nn.GELU()])

    def forward(self, x):
        for activation in self.activations:
            x = activation(x)
        return x


model = Net()
example_inputs = (torch.rand(2, 4),)
