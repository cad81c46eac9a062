"""Trains the chatbot on pairs.txt: `python3 -m chatbot.train`, in the folder above, with PyTorch.

The last wording of each question is held out and used once, at the end.
"""

import json
import pathlib
import random
from typing import List, Tuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .searcher import GreedySearchDecoder, make_chatbot
from .vocabulary import EOS_TOKEN, LAYERS, MAX_LENGTH, SOS_TOKEN, UNKNOWN, WORDS, encode

HERE = pathlib.Path(__file__).parent
Pair = Tuple[str, str]


def read_pairs() -> Tuple[List[Pair], List[Pair]]:
    """(train, held out)"""
    train, held_out = [], []
    questions: List[str] = []
    for line in (HERE / "pairs.txt").read_text().splitlines():
        kind, text = line[:2], line[2:]
        if kind == "? ":
            questions.append(text)
        elif kind == "= ":
            train += [(question, text) for question in questions[:-1]]
            held_out.append((questions[-1], text))
            questions = []
    return train, held_out


def padded(rows: List[List[int]]) -> Tensor:
    """[longest, rows], filled up with EOS."""
    length = max(map(len, rows))
    return torch.tensor([row + [EOS_TOKEN] * (length - len(row)) for row in rows]).T


def loss_of(bot: GreedySearchDecoder, pairs: List[Pair], generator: random.Random) -> Tensor:
    """Some words are hidden, so that a question is known by all of its words."""
    pairs = sorted(pairs, key=lambda pair: -len(pair[0].split()))
    questions = [
        [UNKNOWN if generator.random() < 0.1 else word for word in encode(question)[:-1]] + [EOS_TOKEN]
        for question, _ in pairs
    ]
    targets = padded([encode(answer) for _, answer in pairs])
    encoder_outputs, hidden = bot.encoder(padded(questions), torch.tensor([len(question) for question in questions]))
    hidden = hidden[:LAYERS]
    word = torch.full((1, len(pairs)), SOS_TOKEN)
    loss = torch.zeros(())
    for target in targets:
        probabilities, hidden = bot.decoder(word, hidden, encoder_outputs)
        loss = loss + F.nll_loss(torch.log(probabilities + 1e-9), target)
        word = target.unsqueeze(0)
    return loss / len(targets)


def answer(bot: GreedySearchDecoder, question: str) -> str:
    words = encode(question)
    with torch.no_grad():
        tokens = bot(torch.tensor(words).view(-1, 1), torch.tensor([len(words)]), MAX_LENGTH)[0].tolist()
    return " ".join(WORDS[token] for token in tokens[:tokens.index(EOS_TOKEN) if EOS_TOKEN in tokens else None])


def accuracy(bot: GreedySearchDecoder, pairs: List[Pair]) -> float:
    return sum(answer(bot, question) == expected for question, expected in pairs) / len(pairs)


def main(epochs: int = 600, size: int = 32) -> None:
    torch.manual_seed(5)
    generator = random.Random(5)
    train, held_out = read_pairs()
    bot = make_chatbot()
    optimizer = torch.optim.AdamW(bot.parameters(), weight_decay=0.05)
    steps = -(-len(train) // size) * epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)
    for epoch in range(epochs):
        generator.shuffle(train)
        for start in range(0, len(train), size):
            loss = loss_of(bot, train[start:start + size], generator)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(bot.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        if epoch % 50 == 49:
            print(f"epoch {epoch + 1}  loss {loss.item():.4f}", flush=True)

    bot.eval()
    torch.save(bot.state_dict(), HERE / "chatbot.pth")
    report = {
        "task": "answers to the questions of pairs.txt",
        "trained questions": len(train),
        "right on trained questions": round(accuracy(bot, train), 4),
        "held-out wordings": len(held_out),
        "right on held-out wordings, every word": round(accuracy(bot, held_out), 4),
        "epochs": epochs,
        "trained with": f"PyTorch {torch.__version__}, seed 5",
    }
    (HERE / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    for question, expected in held_out:
        if answer(bot, question) != expected:
            print(f"  {question}: {answer(bot, question)}  (not: {expected})")


if __name__ == "__main__":
    main()
