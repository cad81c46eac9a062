"""What may differ between our files and those of PyTorch's own passes, with the reason; everything else has to be the same."""

import collections
import hashlib
from typing import Dict, FrozenSet, List, NamedTuple, Tuple

import torch
from archive import Archive, pickled


class Rule(NamedTuple):
    """Operators that our file may call less (`fewer`) or more often (`more`) than PyTorch's."""

    name: str
    reason: str
    fewer: FrozenSet[str] = frozenset()
    more: FrozenSet[str] = frozenset()
    backends: Tuple[str, ...] = ("vulkan", "metal")


RULES: List[Rule] = []


def key(value) -> str:
    """Equal for the same state alone: types, numbers, sizes, strides and every value."""
    if isinstance(value, torch.Tensor):
        digest = hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()
        return f"{value.dtype}{list(value.shape)}{list(value.stride())}#{digest}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({', '.join(map(key, value))})"
    if isinstance(value, pickled) or hasattr(value, "state"):
        return f"{value.name} {key(value.state)}"
    return f"{type(value).__name__} {value!r}"


def compare(ours: Archive, theirs: Archive, backend: str) -> Tuple[Dict[str, int], List[str]]:
    """How often each rule was needed, and what none allows."""
    applied: Dict[str, int] = collections.Counter()
    left = []
    a, b = (collections.Counter(call.operator for call in archive.methods["forward"]) for archive in (ours, theirs))
    for name in sorted(a | b):
        change = a[name] - b[name]
        rule = next((rule for rule in RULES if backend in rule.backends and name in (rule.more if change > 0 else rule.fewer)), None)
        if change and rule:
            applied[rule.name] += abs(change)
        elif change:
            left.append(f"{name} {b[name]} -> {a[name]}")
    x, y = (collections.Counter(f"{call.operator} {key(call.context)}" for call in archive.methods["forward"] if call.context) for archive in (ours, theirs))
    for text, count in (y - x).items():
        left.append(f"{count} lost: {text[:200]}")
    for text, count in (x - y).items():
        left.append(f"{count} new: {text[:200]}")
    return applied, left
