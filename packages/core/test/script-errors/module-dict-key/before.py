import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})

    def forward(self, x, name: str):
        return self.heads[name](x)  # <- here


model = Net()
example_inputs = (torch.rand(2, 4), "b")
