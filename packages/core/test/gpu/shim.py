"""Loads the library of shim/ into this PyTorch (1.13), building it when that was not done yet."""

import functools
import os
import subprocess
import sys

import torch

FOLDER = os.path.dirname(os.path.abspath(__file__))


@functools.lru_cache(None)
def load() -> str:
    """Path of the library, loaded: the Vulkan and Metal passes run, and what they save runs on the CPU."""
    library = os.environ.get("PETAL_GPU_SHIM") or subprocess.run(
        ["node", os.path.join(FOLDER, "build.mjs"), sys.executable], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    torch.ops.load_library(library)
    return library
