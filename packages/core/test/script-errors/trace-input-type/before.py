import torch
from torch import nn

method = "trace"


class Net(nn.Module):
    def forward(self, x, k):
        return x * k


model = Net()
example_inputs = (torch.rand(2, 4), 3)
