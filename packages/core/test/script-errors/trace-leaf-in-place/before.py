import torch
from torch import nn

method = "trace"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x):
        self.scale.clamp_(0, 1)  # <- here
        return x * self.scale


model = Net()
example_inputs = (torch.rand(2, 4),)
