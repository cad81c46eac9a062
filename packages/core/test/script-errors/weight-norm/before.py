import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.utils.weight_norm(nn.Conv1d(4, 4, 1))  # <- here

    def forward(self, x):
        return self.conv(x)


model = Net()
example_inputs = (torch.rand(2, 4, 3),)
