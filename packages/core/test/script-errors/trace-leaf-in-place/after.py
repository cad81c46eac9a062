import torch
from torch import nn

method = "trace"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x):
        return x * self.scale.clamp(0, 1)


model = Net()
example_inputs = (torch.rand(2, 4),)
