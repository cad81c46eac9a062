"""Turns Python models into TorchScript archives; `main.py` beside this package runs it. Standard library and torch only."""
