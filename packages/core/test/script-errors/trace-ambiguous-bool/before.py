import torch
from torch import nn

method = "trace"


class Net(nn.Module):
    def forward(self, x):
        if x > 0.5:  # <- here
            return x * 2
        return x


model = Net()
example_inputs = (torch.rand(2, 4),)
