"""The alternative that bench/convert.mjs measures: PyTorch's own recipe as a script, for one Python source.

    python3 convert.py net.py out.ptl
"""

import runpy
import sys

import torch
from torch.utils.mobile_optimizer import optimize_for_mobile

net = runpy.run_path(sys.argv[1])
with torch.no_grad():
    traced = torch.jit.trace(net["model"].eval(), net["example_inputs"])
optimize_for_mobile(traced)._save_for_lite_interpreter(sys.argv[2])
