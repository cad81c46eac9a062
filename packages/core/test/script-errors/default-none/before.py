import torch
from torch import nn

method = "run"


class Net(nn.Module):
    def forward(self, x, mask=None):  # <- here
        if mask is not None:
            x = x * mask
        return x


model = Net()
example_inputs = (torch.rand(2, 4),)
