"""The chatbot: the search is scripted, for its loop; the encoder and the decoder can be traced inside of it."""

from typing import Tuple

import torch
from torch import Tensor, nn

from .decoder import LuongAttnDecoderRNN
from .encoder import EncoderRNN
from .vocabulary import HIDDEN_SIZE, LAYERS, MAX_LENGTH, SOS_TOKEN, WORDS, encode


class GreedySearchDecoder(nn.Module):
    """A question [words, 1], its length [1] and how many words to answer with, to the words [max_length] and how sure
    it is of each."""

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, decoder_n_layers: int, device: torch.device, sos_token: int
    ):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        # Of a module that was traced only its call is left, and of globals nothing: both are kept here.
        self._decoder_n_layers = decoder_n_layers
        self._device = device
        self._sos_token = sos_token

    def forward(self, input_seq: Tensor, input_length: Tensor, max_length: int) -> Tuple[Tensor, Tensor]:
        memory, state = self.encoder(input_seq, input_length)
        hidden = state[:self._decoder_n_layers]
        word = torch.full((1, 1), self._sos_token, dtype=torch.long, device=self._device)
        words = torch.zeros(max_length, dtype=torch.long, device=self._device)
        scores = torch.zeros(max_length, device=self._device)
        for i in range(max_length):
            probabilities, hidden = self.decoder(word, hidden, memory)
            score, best = probabilities.max(1)
            words[i], scores[i] = best[0], score[0]
            word = best.view(1, 1)
        return words, scores


def make_chatbot() -> GreedySearchDecoder:
    """The untrained one; `weights=./chatbot.pth` are trained ones."""
    embedding = nn.Embedding(len(WORDS), HIDDEN_SIZE)
    encoder = EncoderRNN(HIDDEN_SIZE, embedding, LAYERS, dropout=0.2)
    decoder = LuongAttnDecoderRNN(embedding, HIDDEN_SIZE, len(WORDS), LAYERS, dropout=0.2)
    return GreedySearchDecoder(encoder, decoder, decoder.n_layers, torch.device("cpu"), SOS_TOKEN)


def example_inputs() -> Tuple[Tensor, Tensor, int]:
    words = encode("how are you today")
    return torch.tensor(words).view(-1, 1), torch.tensor([len(words)]), MAX_LENGTH
