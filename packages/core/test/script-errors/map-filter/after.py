import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        halves = [torch.relu(part) for part in x.chunk(2)]
        return torch.cat(halves)


model = Net()
example_inputs = (torch.rand(4, 4),)
