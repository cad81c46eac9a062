import torch
from torch import nn

method = "trace"


class Net(nn.Module):
    def forward(self, x):
        return x * 2


model = Net()
example_inputs = (torch.rand(2, 4),)
