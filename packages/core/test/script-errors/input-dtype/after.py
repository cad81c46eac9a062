import torch
from torch import nn

method = "trace"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4)

    def forward(self, tokens):
        return self.embedding(tokens)


model = Net()
example_inputs = (torch.randint(10, (1, 3)),)
