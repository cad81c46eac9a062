import torch
from torch import nn

if False:
    from torch import Tensor


class Net(nn.Module):
    def forward(self, x: "Tensor"):  # <- here
        return x * 2


model = Net()
example_inputs = (torch.rand(2, 4),)
