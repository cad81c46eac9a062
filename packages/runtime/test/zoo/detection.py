"""Detection models. Torchvision's own cannot be saved for the lite interpreter (their lists of images are objects of a class of their
own, which it does not know), so a detector out of the same parts stands for them."""

from typing import Dict, List

import torch
import torchvision
from torch import nn, Tensor
from torchvision.ops import batched_nms, box_convert, clip_boxes_to_image, nms, remove_small_boxes, roi_align, roi_pool

import zoo


class Detector(nn.Module):
    """Two stages: proposals of a grid of anchors, suppressed by levels; then classes and boxes of what RoIAlign cuts out."""

    def __init__(self):
        super().__init__()
        features = torchvision.models.mobilenet_v3_small(weights=None).features
        self.fine = features[:4]
        self.coarse = features[4:9]
        self.laterals = nn.ModuleList([nn.Conv2d(24, 16, 1), nn.Conv2d(48, 16, 1)])
        self.head = nn.Conv2d(16, 3 * 5, 3, padding=1)
        self.fc = nn.Linear(16 * 4 * 4, 32)
        self.classes = nn.Linear(32, 4)
        self.boxes = nn.Linear(32, 16)
        self.register_buffer("shapes", torch.tensor([[24.0, 24.0], [16.0, 32.0], [40.0, 20.0]]))

    def anchors(self, height: int, width: int, stride: int) -> Tensor:
        y = (torch.arange(height) + 0.5) * stride
        x = (torch.arange(width) + 0.5) * stride
        grid = torch.stack(torch.meshgrid([y, x], indexing="ij"), dim=-1).flip(-1).reshape(-1, 1, 2)
        shapes = self.shapes * (stride / 8)
        return torch.cat([grid.expand(-1, 3, 2), shapes.unsqueeze(0).expand(grid.size(0), 3, 2)], dim=2).reshape(-1, 4)

    def decode(self, anchors: Tensor, deltas: Tensor) -> Tensor:
        center = anchors[..., :2] + deltas[..., :2] * anchors[..., 2:]
        size = anchors[..., 2:] * torch.exp(torch.clamp(deltas[..., 2:], max=2.0))
        return box_convert(torch.cat([center, size], dim=-1), "cxcywh", "xyxy")

    def forward(self, images: Tensor) -> List[Dict[str, Tensor]]:
        height, width = images.shape[-2:]
        fine = self.fine(images)
        levels = [self.laterals[0](fine), self.laterals[1](self.coarse(fine))]
        found: List[Dict[str, Tensor]] = []
        for n in range(images.size(0)):
            boxes: List[Tensor] = []
            scores: List[Tensor] = []
            ids: List[Tensor] = []
            for i, level in enumerate(levels):
                raw = self.head(level[n:n + 1])[0].permute(1, 2, 0).reshape(-1, 5)
                score, top = torch.sigmoid(raw[:, 0]).topk(min(30, raw.size(0)))
                stride = height // level.size(2)
                boxes.append(self.decode(self.anchors(level.size(2), level.size(3), stride)[top], raw[top, 1:]))
                scores.append(score)
                ids.append(torch.full_like(top, i))
            proposals = clip_boxes_to_image(torch.cat(boxes), (height, width))
            kept = remove_small_boxes(proposals, 2.0)
            proposals, score, level_of = proposals[kept], torch.cat(scores)[kept], torch.cat(ids)[kept]
            kept = batched_nms(proposals, score, level_of, 0.6)[:12]
            proposals = proposals[kept]
            cut = roi_align(levels[0][n:n + 1], [proposals], 4, levels[0].size(2) / height, 2, True)
            pooled = roi_pool(levels[0][n:n + 1], [proposals], [4, 4], 1.0 / 8)
            hidden = torch.relu(self.fc((cut + pooled).flatten(1)))
            classes = torch.softmax(self.classes(hidden), -1)
            deltas = self.boxes(hidden).reshape(-1, 4, 4)
            centers = box_convert(proposals, "xyxy", "cxcywh")
            refined = clip_boxes_to_image(self.decode(centers.unsqueeze(1).expand(-1, 4, 4), deltas * 0.2), (height, width))
            label = torch.arange(4).view(1, -1).expand_as(classes)
            wanted = torch.where(classes[:, 1:] > 0.2)
            box, kind = wanted[0], wanted[1] + 1
            flat = refined[box, kind], classes[box, kind], label[box, kind]
            last = nms(flat[0], flat[1], 0.5)
            found.append({"boxes": flat[0][last], "scores": flat[1][last], "labels": flat[2][last]})
        return found


class Detections(nn.Module):
    """What a torchvision model finds; scripted it returns losses too."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images: List[Tensor]) -> List[Dict[str, Tensor]]:
        y = self.model(images)
        if torch.jit.is_scripting():
            return y[1]
        else:
            return y


def image_lists():
    generator = torch.Generator().manual_seed(7)
    return [([torch.rand(3, h, w, generator=generator) for h, w in sizes],) for sizes in ([(96, 128)], [(128, 96), (100, 100)])]


def detection_models():
    def seeded(make):
        def build():
            torch.manual_seed(0)
            return make()
        return build

    def whole(name):
        return zoo.Model(name, seeded(lambda: Detections(torchvision.models.get_model_builder(name)(weights=None, weights_backbone=None))),
                         image_lists, ("scripted",), family="detection")

    return [
        zoo.Model("Detector", seeded(Detector), zoo.tensors((1, 3, 96, 128), (2, 3, 128, 96)), ("scripted",), quick=True, family="detection"),
        *map(whole, ("fasterrcnn_mobilenet_v3_large_320_fpn", "ssdlite320_mobilenet_v3_large", "retinanet_resnet50_fpn")),
    ]
