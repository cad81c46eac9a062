"""Writes an answer, one word a call, with an attention that compares its state with each word of the question."""

from typing import Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LuongAttention(nn.Module):
    """The state [1, batch, hidden] and the encoder's outputs [words, batch, hidden] to the weight of each word
    [batch, 1, words]."""

    def __init__(self, hidden_size: int):
        super().__init__()
        self.general = nn.Linear(hidden_size, hidden_size)

    def forward(self, state: Tensor, encoder_outputs: Tensor) -> Tensor:
        energies = (state * self.general(encoder_outputs)).sum(2)
        return F.softmax(energies.t(), dim=1).unsqueeze(1)


class LuongAttnDecoderRNN(nn.Module):
    """A word [1, batch], the hidden states [layers, batch, hidden] and the encoder's outputs [words, batch, hidden] to
    the probability of each next word [batch, words known] and the next hidden states."""

    def __init__(
        self, embedding: nn.Embedding, hidden_size: int, output_size: int, n_layers: int = 1, dropout: float = 0.1
    ):
        super().__init__()
        self.n_layers = n_layers
        self.embedding = embedding
        self.dropout = nn.Dropout(dropout)
        self.gru = nn.GRU(hidden_size, hidden_size, n_layers, dropout=dropout if n_layers > 1 else 0.0)
        self.attention = LuongAttention(hidden_size)
        self.combine = nn.Linear(hidden_size * 2, hidden_size)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, word: Tensor, hidden: Tensor, encoder_outputs: Tensor) -> Tuple[Tensor, Tensor]:
        state, hidden = self.gru(self.dropout(self.embedding(word)), hidden)
        weights = self.attention(state, encoder_outputs)
        context = weights.bmm(encoder_outputs.transpose(0, 1)).squeeze(1)
        combined = torch.tanh(self.combine(torch.cat((state[0], context), 1)))
        return F.softmax(self.out(combined), dim=1), hidden
