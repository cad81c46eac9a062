import torch
from torch import nn

method = "trace"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 4)

    def forward(self, x):
        return self.linear(x)  # <- here


model = Net()
example_inputs = (torch.ones(1, 8, dtype=torch.long),)
