"""torchvision's detection models and optical flow: classes, dicts, lists of lists, warnings, branches on what was seen before.

Weights are random; heads are made loud enough that scores lie apart, so that rounding in another order does not reorder boxes.
"""

from typing import Callable, Dict, List

import torch
from torch import nn, Tensor
from torchvision.models import detection, mobilenet_v2
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FasterRCNN
from torchvision.models.optical_flow import raft_large, raft_small

NO_WEIGHTS = dict(weights=None, weights_backbone=None)
RCNN = dict(NO_WEIGHTS, num_classes=6, min_size=160, max_size=240, box_score_thresh=0.0)


class Detections(nn.Module):
    """What the eager model gives: scripted, torchvision's give losses as well."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images: List[Tensor]) -> List[Dict[str, Tensor]]:
        result = self.model(images)
        if torch.jit.is_scripting():
            return result[1]
        else:
            return result


def tiny_fasterrcnn(**options):
    """All of Faster R-CNN's code on a backbone of two layers."""
    backbone = mobilenet_v2(weights=None).features[:3]
    backbone.out_channels = 24
    anchors = AnchorGenerator(sizes=((16, 32, 64),), aspect_ratios=((0.5, 1.0, 2.0),))
    return FasterRCNN(backbone, num_classes=5, rpn_anchor_generator=anchors, min_size=64, max_size=96, rpn_pre_nms_top_n_test=60,
                      rpn_post_nms_top_n_test=20, **options)


def loud(model: nn.Module) -> nn.Module:
    """Gives the layers that score boxes weights of the size of their inputs, and no bias that silences them."""
    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)) and any(part in name for part in ("cls_logits", "cls_score", "bbox_pred", "classification_head", "kps_score")):
            nn.init.normal_(module.weight, std=0.02 if "predictor" in name else 0.1)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.5)
    return model


DETECTION: Dict[str, Callable[[], nn.Module]] = {
    "fasterrcnn (tiny)": lambda: tiny_fasterrcnn(box_score_thresh=0.2),
    "fasterrcnn_resnet50_fpn": lambda: detection.fasterrcnn_resnet50_fpn(**RCNN).double(),
    "fasterrcnn_resnet50_fpn_v2": lambda: detection.fasterrcnn_resnet50_fpn_v2(**RCNN).double(),
    "fasterrcnn_mobilenet_v3_large_fpn": lambda: detection.fasterrcnn_mobilenet_v3_large_fpn(**RCNN).double(),
    "fasterrcnn_mobilenet_v3_large_320_fpn": lambda: detection.fasterrcnn_mobilenet_v3_large_320_fpn(**RCNN).double(),
    "maskrcnn_resnet50_fpn": lambda: detection.maskrcnn_resnet50_fpn(**RCNN, box_detections_per_img=10).double(),
    "maskrcnn_resnet50_fpn_v2": lambda: detection.maskrcnn_resnet50_fpn_v2(**RCNN, box_detections_per_img=10).double(),
    "keypointrcnn_resnet50_fpn": lambda: detection.keypointrcnn_resnet50_fpn(**RCNN, box_detections_per_img=10).double(),
    "retinanet_resnet50_fpn": lambda: detection.retinanet_resnet50_fpn(**NO_WEIGHTS, min_size=160, max_size=240),
    "retinanet_resnet50_fpn_v2": lambda: detection.retinanet_resnet50_fpn_v2(**NO_WEIGHTS, min_size=160, max_size=240).double(),
    "fcos_resnet50_fpn": lambda: detection.fcos_resnet50_fpn(**NO_WEIGHTS, min_size=160, max_size=240),
    "ssd300_vgg16": lambda: detection.ssd300_vgg16(**NO_WEIGHTS).double(),
    "ssdlite320_mobilenet_v3_large": lambda: detection.ssdlite320_mobilenet_v3_large(**NO_WEIGHTS).double(),
}
QUICK = {"fasterrcnn (tiny)"}
FLOAT = {"fasterrcnn (tiny)", "retinanet_resnet50_fpn", "fcos_resnet50_fpn"}


def image_lists(dtype=torch.float32):
    """One image, then two of different sizes."""
    generator = torch.Generator().manual_seed(5)
    return [([torch.rand(3, *size, generator=generator).to(dtype) for size in sizes],) for sizes in (((160, 200),), ((180, 150), (150, 190)))]


def double_lists():
    """Most models of random weights score hundreds of boxes alike but for some 1e-8: their order would be that of the rounding."""
    return image_lists(torch.float64)


def image_pairs():
    generator = torch.Generator().manual_seed(5)
    return [tuple(torch.rand(batch, 3, 128, width, generator=generator) * 2 - 1 for _ in range(2)) for batch, width in ((1, 160), (2, 128))]


def vision_task_models():
    from zoo import Model

    def seeded(make):
        def build():
            torch.manual_seed(0)
            return Detections(loud(make()))
        return build

    def flow(make):
        def build():
            torch.manual_seed(0)
            return make(weights=None)
        return build

    # torchvision's own scripted code differs from its eager code by that much: it computes some sizes in float32 where eager mode has float64.
    models = [Model(name, seeded(make), image_lists if name in FLOAT else double_lists, ("scripted",), tolerance=1e-2 if "rcnn_" in name else 1e-3,
                    quick=name in QUICK, family="detection") for name, make in DETECTION.items()]
    # Twelve rounds of refinement amplify rounding.
    models += [Model(make.__name__, flow(make), image_pairs, ("scripted",), tolerance=1e-4, family="optical_flow") for make in (raft_small, raft_large)]
    return models
