"""Operators of torchvision; without it there are no cases."""
try:
    import torchvision  # noqa: F401
except ImportError:
    pass
import torch

CASES = {}


def boxes(g, count, size=20.0):
    corner = g.elements([count, 2], torch.float32, 0, size)
    return torch.cat([corner, corner + g.elements([count, 2], torch.float32, 0.5, size)], 1)


def nms(g):
    count = g.choice((0, 1, 5, 20, 60))
    return [g.lay_out(boxes(g, count)), g.tensor([count], torch.float32, 0, 1, distinct=True), g.choice((0.1, 0.3, 0.5, 0.7, 0.0))]


def roi_align(g):
    batch, channels, height, width = g.randint(1, 3), g.choice((1, 3, 8)), g.randint(3, 12), g.randint(3, 12)
    count = g.randint(0, 5)
    rois = torch.cat([g.elements([count, 1], torch.float32, 0, batch - 0.01).floor(), boxes(g, count, 10.0)], 1)
    return [g.tensor([batch, channels, height, width]), rois, g.choice((1.0, 0.5, 0.25)), g.randint(1, 4), g.randint(1, 4), g.choice((-1, 1, 2)), g.chance(0.5)]


def roi_pool(g):
    return roi_align(g)[:5]


CASES["torchvision::nms"] = nms
CASES["torchvision::roi_align"] = roi_align
CASES["torchvision::roi_pool"] = roi_pool
