"""Nested values of tensors, and where they are."""

import torch


def moved(value, move):
    """The same structure with `move` applied to every tensor of float32; the GPU backends have no others."""
    if isinstance(value, torch.Tensor):
        return move(value) if value.dtype == torch.float32 else value
    if isinstance(value, dict):
        return {key: moved(each, move) for key, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(moved(each, move) for each in value))
    if isinstance(value, (list, tuple)):
        return type(value)(moved(each, move) for each in value)
    return value


def devices(value):
    """Types of devices that float32 tensors in it are on."""
    found = set()

    def note(tensor):
        found.add(tensor.device.type)
        return tensor

    moved(value, note)
    return found
