"""Traces small models that PyTorch warns of, and prints each warning as JSON; what a line is to be warned of stands behind it."""
import json
import os
import warnings

import torch
from torch import nn


class Boolean(nn.Module):
    def forward(self, x):
        if x.sum() > 0:  # warns: boolean
            return x
        return -x


class Integer(nn.Module):
    def forward(self, x):
        return x * int(x.sum())  # warns: number


class Float(nn.Module):
    def forward(self, x):
        return x * float(x.sum())  # warns: number


class ToList(nn.Module):
    def forward(self, x):
        return x * x.tolist()[0][0]  # warns: list


class ToNumpy(nn.Module):
    def forward(self, x):
        return x * float(x.numpy().sum())  # warns: numpy


class Length(nn.Module):
    def forward(self, x):
        return x * len(x)  # warns: len


class Iteration(nn.Module):
    def forward(self, x):
        y = x[0]
        for row in x:  # warns: iteration
            y = y + row
        return y


class Constant(nn.Module):
    def forward(self, x):
        return x * torch.tensor([1.0, 2.0])  # warns: constant


class InPlace(nn.Module):
    options = {"_force_outplace": True}

    def forward(self, x):
        y = x * 2
        z = y[0]
        y[0] = x[1]  # warns: in-place
        return y + z


class Container(nn.Module):
    options = {"strict": False}

    def forward(self, x):
        return {"y": x * 2}


class Random(nn.Module):
    options = {"check_trace": True}

    def forward(self, x):
        return x + torch.rand(2, 2)


def main():
    told = []
    for model in (Boolean, Integer, Float, ToList, ToNumpy, Length, Iteration, Constant, InPlace, Container, Random):
        with warnings.catch_warnings(record=True) as caught, torch.no_grad():
            warnings.simplefilter("always")
            torch.jit.trace(model(), torch.ones(2, 2), **{"check_trace": False, **getattr(model, "options", {})})
        for one in caught:
            row = {"model": model.__name__, "category": one.category.__name__, "message": str(one.message)}
            if os.path.realpath(one.filename) == os.path.realpath(__file__):
                row.update(file=os.path.realpath(one.filename), line=one.lineno)
            told.append(row)
    print(json.dumps(told))


main()
