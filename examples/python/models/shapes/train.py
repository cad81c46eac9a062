"""Trains the shape net: `python3 -m shapes.train`, in the folder above, with PyTorch. Every image is drawn for it."""

import json
import pathlib

import torch
from torch.nn import functional as F

from .drawing import draw
from .shapes import ShapeNet

HERE = pathlib.Path(__file__).parent


def main(steps: int = 400, size: int = 64) -> None:
    torch.manual_seed(1)
    model = ShapeNet()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)
    for step in range(steps):
        images, kinds = draw(size, seed=1000 + step)
        loss = F.cross_entropy(model(images), kinds)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()

    model.eval()
    images, kinds = draw(2000, seed=3)
    with torch.no_grad():
        accuracy = (model(images).argmax(1) == kinds).float().mean().item()
    torch.save(model.state_dict(), HERE / "shapes.pth")
    report = {
        "task": "circle, square, triangle or cross",
        "held-out images": len(images),
        "right": round(accuracy, 4),
        "steps": steps,
        "trained with": f"PyTorch {torch.__version__}, seed 1",
    }
    (HERE / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
