import torch
from torch import nn

method = "trace"


class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


class Net(nn.Module):
    def forward(self, x):
        return torch.round(x * 4) / 4


model = Net()
example_inputs = (torch.rand(2, 4),)
