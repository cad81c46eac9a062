import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})

    def forward(self, x, name: str):
        y = x
        for key, head in self.heads.items():
            if key == name:
                y = head(x)
        return y


model = Net()
example_inputs = (torch.rand(2, 4), "b")
