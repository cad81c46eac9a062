import torch
from torch import nn

method = "trace"


class Net(nn.Module):
    def forward(self, x):
        return {"a": x * 2, "b": x}


model = Net()
example_inputs = (torch.rand(2, 4),)
