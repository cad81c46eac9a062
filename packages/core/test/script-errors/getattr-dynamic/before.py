import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer0 = nn.Linear(4, 4)
        self.layer1 = nn.Linear(4, 4)

    def forward(self, x):
        for i in range(2):
            x = getattr(self, "layer" + str(i))(x)  # <- here
        return x


model = Net()
example_inputs = (torch.rand(2, 4),)
