"""Reads a date in words, one word a call; the hidden state goes around outside of the model."""

from typing import Tuple

from torch import Tensor, nn

from .vocabulary import HIDDEN_SIZE, INPUT_WORDS


class EncoderRNN(nn.Module):
    """A word [1, 1] and the hidden state [1, 1, hidden] to the output [1, 1, hidden] and the next hidden state."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)

    def forward(self, word: Tensor, hidden: Tensor) -> Tuple[Tensor, Tensor]:
        return self.gru(self.embedding(word), hidden)


def model() -> EncoderRNN:
    return EncoderRNN(len(INPUT_WORDS), HIDDEN_SIZE)
