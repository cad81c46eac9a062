import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, mask: torch.Tensor | None = None):  # <- here
        if mask is not None:
            x = x * mask
        return x


model = Net()
example_inputs = (torch.rand(2, 4), torch.rand(4))
