import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, length):
        n = length.max().item()
        return torch.zeros([n, 2]) + x[0, 0]  # <- here


model = Net()
example_inputs = (torch.rand(2, 4), torch.tensor([2, 4]))
