import torch
from torch import nn

from typing import NamedTuple

from torch import Tensor


class Output(NamedTuple):
    logits: Tensor
    hidden: Tensor


class Net(nn.Module):
    def forward(self, x):
        return Output(logits=x, hidden=x * 2).logits


model = Net()
example_inputs = (torch.rand(2, 4),)
