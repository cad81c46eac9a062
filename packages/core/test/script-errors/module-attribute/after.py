import torch
from torch import nn


class Decoder(nn.Module):
    def __init__(self, n_layers: int = 2):
        super().__init__()
        self.n_layers = n_layers
        self.gru = nn.GRU(4, 4, n_layers)

    def forward(self, x, hidden):
        return self.gru(x, hidden)


decoder = Decoder()


class GreedySearch(nn.Module):
    def __init__(self, encoder, decoder, decoder_n_layers):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self._decoder_n_layers = decoder_n_layers

    def forward(self, x):
        outputs, hidden = self.encoder(x)
        hidden = hidden[:self._decoder_n_layers]
        return self.decoder(outputs, hidden)


model = GreedySearch(nn.GRU(4, 4, 3), decoder, decoder.n_layers)
example_inputs = (torch.rand(5, 1, 4),)
