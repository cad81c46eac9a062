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


def deform_conv2d(g):
    groups, moved = g.choice((1, 2)), g.choice((1, 2))
    channels, outputs, batch = 4 * g.randint(1, 2), 2 * g.randint(1, 3), g.randint(1, 2)
    kernel, stride, pad, dilation = ([g.randint(low, high) for _ in range(2)] for low, high in ((1, 3), (1, 2), (0, 2), (1, 2)))
    size = [g.randint(5, 9) for _ in range(2)]
    out = [(size[i] + 2 * pad[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(2)]
    masked = g.chance(0.5)
    elements = kernel[0] * kernel[1]
    mask = g.tensor([batch, moved * elements, *out], torch.float32, 0, 1) if masked else torch.zeros(batch, 1)
    return [g.tensor([batch, channels, *size]), g.tensor([outputs, channels // groups, *kernel]), g.tensor([batch, 2 * moved * elements, *out], torch.float32, -2, 2),
            mask, g.tensor([outputs]), *stride, *pad, *dilation, groups, moved, masked]


CASES["torchvision::deform_conv2d"] = deform_conv2d
