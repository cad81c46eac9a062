import torch
from torch import nn

method = "trace"

scale = torch.ones(4, requires_grad=True)


class Net(nn.Module):
    def forward(self, x):
        return x * scale  # <- here


model = Net()
example_inputs = (torch.rand(2, 4),)
