"""Trains the encoder and the decoder to read dates: `python3 -m seq2seq.train`, in the folder above, with PyTorch.

Every date of 1900 to 2029 in several wordings; a tenth of the dates is held out and used once, at the end.
"""

import datetime
import itertools
import json
import pathlib
import random
from typing import List, Tuple

import torch
from torch import Tensor
from torch.nn import functional as F

from . import decoder as decoder_file
from . import encoder as encoder_file
from .translator import Translator
from .vocabulary import (
    DAYS, EOS_TOKEN, HIDDEN_SIZE, INPUT_WORDS, MAX_LENGTH, MONTHS, OUTPUT_CHARACTERS, SOS_TOKEN, TEENS, TENS, UNITS,
)

HERE = pathlib.Path(__file__).parent
WORD = {word: index for index, word in enumerate(INPUT_WORDS)}
CHARACTER = {character: index for index, character in enumerate(OUTPUT_CHARACTERS)}
PAD = -1


def day_words(day: int) -> str:
    if day <= 20 or day == 30:
        return DAYS[day - 1] if day <= 20 else DAYS[20]
    return f"{TENS[day // 10 - 2]} {DAYS[day % 10 - 1]}"


def below_hundred(n: int) -> str:
    if n < 10:
        return UNITS[n - 1]
    if n < 20:
        return TEENS[n - 10]
    return TENS[n // 10 - 2] + (f" {UNITS[n % 10 - 1]}" if n % 10 else "")


def year_words(year: int) -> List[str]:
    century, rest = divmod(year, 100)
    if year < 2000:
        if rest == 0:
            return ["nineteen hundred"]
        return [f"nineteen {'oh ' if rest < 10 else ''}{below_hundred(rest)}"]
    thousand = ["two thousand" if rest == 0 else f"two thousand {and_}{below_hundred(rest)}" for and_ in ("", "and ")]
    return (thousand if rest else thousand[:1]) + ([f"twenty {below_hundred(rest)}"] if rest >= 10 else [])


def wordings(date: datetime.date) -> List[str]:
    day, month = day_words(date.day), MONTHS[date.month - 1]
    orders = (f"{month} {day}", f"{month} the {day}", f"{day} {month}", f"the {day} of {month}")
    return [f"{order} {year}" for order, year in itertools.product(orders, year_words(date.year))]


def encode_words(text: str) -> List[int]:
    return [*(WORD[word] for word in text.split()), EOS_TOKEN]


def encode_date(date: datetime.date) -> List[int]:
    return [*(CHARACTER[character] for character in date.isoformat()), EOS_TOKEN]


def padded(rows: List[List[int]]) -> Tensor:
    """[longest, rows]"""
    length = max(map(len, rows))
    return torch.tensor([row + [PAD] * (length - len(row)) for row in rows]).T


def loss_of(encoder, decoder, batch: List[Tuple[str, datetime.date]]) -> Tensor:
    words = padded([encode_words(text) for text, _ in batch])
    targets = padded([encode_date(date) for _, date in batch])
    hidden = torch.zeros(1, len(batch), HIDDEN_SIZE)
    memory = []
    for word in words:
        known = (word != PAD).view(1, -1, 1)
        output, after = encoder(word.clamp(min=0).unsqueeze(0), hidden)
        hidden = torch.where(known, after, hidden)
        memory.append((output * known)[0])
    memory += [torch.zeros_like(memory[0])] * (MAX_LENGTH - len(memory))
    memory = torch.stack(memory, 1)
    character = torch.full((1, len(batch)), SOS_TOKEN)
    loss = torch.zeros(())
    for target in targets:
        scores, hidden, _ = decoder.step(character, hidden, memory)
        loss = loss + F.nll_loss(scores, target)
        character = target.unsqueeze(0)
    return loss / len(targets)


def split(generator: random.Random):
    """(train, held out): dates, each with all its wordings."""
    first, last = datetime.date(1900, 1, 1).toordinal(), datetime.date(2029, 12, 31).toordinal()
    dates = [datetime.date.fromordinal(day) for day in range(first, last + 1)]
    generator.shuffle(dates)
    return dates[len(dates) // 10:], dates[:len(dates) // 10]


def main(steps: int = 2400, size: int = 96) -> None:
    torch.manual_seed(3)
    generator = random.Random(3)
    train, held_out = split(generator)
    encoder, decoder = encoder_file.model(), decoder_file.model()
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.006, total_steps=steps)
    for step in range(steps):
        batch = [(generator.choice(wordings(date)), date) for date in generator.choices(train, k=size)]
        loss = loss_of(encoder, decoder, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*encoder.parameters(), *decoder.parameters()], 1.0)
        optimizer.step()
        schedule.step()
        if step % 200 == 199:
            print(f"step {step + 1}  loss {loss.item():.4f}", flush=True)

    translator = Translator(encoder, decoder).eval()
    tested = [(generator.choice(wordings(date)), date) for date in held_out[:1000]]
    with torch.no_grad():
        read = [[*translator(torch.tensor(encode_words(text))).tolist(), EOS_TOKEN] for text, _ in tested]
    right = sum(characters == encode_date(date) for characters, (_, date) in zip(read, tested))
    for name, part in (("encoder", encoder), ("decoder", decoder)):
        torch.save(part.state_dict(), HERE / f"{name}.pth")
    report = {
        "task": "dates in words to ISO 8601",
        "held-out dates": len(tested),
        "right, every character": round(right / len(tested), 4),
        "steps": steps,
        "trained with": f"PyTorch {torch.__version__}, seed 3",
    }
    (HERE / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
