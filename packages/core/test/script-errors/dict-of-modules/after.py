import torch
from torch import nn


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleDict({"boxes": nn.Linear(4, 4), "scores": nn.Linear(4, 1)})

    def forward(self, x):
        y = x
        for name, head in self.heads.items():
            y = y + head(x)
        return y


model = Heads()
example_inputs = (torch.rand(3, 4),)
