import torch
from torch import nn

method = "trace"


class Net(nn.Module):
    def forward(self, x, y):
        return x + y


model = Net()
example_inputs = (torch.rand(1, 3),)
