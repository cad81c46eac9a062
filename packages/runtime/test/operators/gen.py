"""Random values for cases. Everything follows from the seed."""
import math
import random

import torch

FLOATS = (torch.float32, torch.float64, torch.float16)
INTS = (torch.int64, torch.int32, torch.uint8, torch.int16, torch.int8)
DTYPE_WEIGHTS = {torch.float32: 60, torch.float64: 9, torch.float16: 5, torch.int64: 9, torch.int32: 6, torch.uint8: 4, torch.bool: 4, torch.int16: 2, torch.int8: 2}
BOUNDS = {torch.uint8: (0, 255), torch.int8: (-128, 127), torch.int16: (-32768, 32767), torch.int32: (-2 ** 31, 2 ** 31 - 1), torch.int64: (-2 ** 63, 2 ** 63 - 1)}
SPECIAL = (math.nan, math.inf, -math.inf, 0.0, -0.0)


class Gen(random.Random):
    def __init__(self, seed):
        super().__init__(seed)
        self.torch = torch.Generator().manual_seed(self.getrandbits(31))

    def chance(self, share):
        return self.random() < share

    def maybe(self, value, share=0.5):
        """The value, or None. A function is called only when its value is used."""
        if self.random() >= share:
            return None
        return value() if callable(value) else value

    # ---- shapes

    def size(self, high=7):
        return self.choice((1, 2, 3, 4, 5, 8, 16, 17, 33)) if self.chance(0.12) else self.randint(1, high)

    def shape(self, low=0, high=4, empty=0.05, limit=1500):
        """`low` to `high` dimensions; now and then a large one, so that vector loops and their tails are met."""
        if self.chance(0.06) and low <= 1 <= high:
            return [self.randint(60, 1200)]
        dims = self.randint(low, high)
        shape = [self.size() for _ in range(dims)]
        while math.prod(shape) > limit:
            shape[self.randrange(dims)] = self.randint(1, 3)
        if dims and self.chance(empty):
            shape[self.randrange(dims)] = 0
        return shape

    def broadcast(self, *_, count=2, low=0, high=4, wrong=0.015):
        """Shapes that broadcast together; rarely ones that do not."""
        full = self.shape(low, high)
        if self.chance(0.35):
            return [list(full) for _ in range(count)]
        shapes = []
        for _ in range(count):
            one = [1 if self.chance(0.25) else size for size in full]
            shapes.append(one[self.randint(0, len(one)):] if self.chance(0.3) else one)
        if self.chance(wrong) and shapes[-1]:
            shapes[-1][self.randrange(len(shapes[-1]))] += 1
        return shapes

    def dim(self, dims, wrong=0.015):
        """A dimension, counted from either end; rarely one that is not there."""
        top = max(dims, 1)
        return self.choice((top, -top - 1)) if self.chance(wrong) else self.randrange(-top, top)

    def dims(self, count, low=1):
        """Some different dimensions, in any order and counted from either end."""
        chosen = self.sample(range(count), self.randint(min(low, count), count))
        return [one - count if self.chance(0.4) else one for one in chosen]

    # ---- dtypes

    def dtype(self, *only):
        chosen = only or tuple(DTYPE_WEIGHTS)
        return self.choices(chosen, [DTYPE_WEIGHTS[one] for one in chosen])[0]

    def floating(self):
        return self.dtype(*FLOATS)

    def real(self):
        """float32 and float64, which all of PyTorch's CPU kernels know."""
        return self.choices((torch.float32, torch.float64), (9, 1))[0]

    def number(self):
        """Any but bool."""
        return self.dtype(*FLOATS, *INTS)

    def integral(self):
        return self.dtype(*INTS)

    # ---- values

    def elements(self, shape, dtype, low=-4.0, high=4.0, special=0.0, distinct=False):
        """A contiguous tensor of random values between the bounds; `special` is the chance that NaN and infinities are among them."""
        count = math.prod(shape)
        if dtype is torch.bool:
            return torch.randint(0, 2, shape, generator=self.torch).bool()
        if distinct:
            span = torch.randperm(max(count, 1), generator=self.torch)[:count].reshape(shape)
            if not dtype.is_floating_point:
                return span.to(dtype) if count <= BOUNDS[dtype][1] else self.dropped("too many for distinct ones")
            return (span.double() / max(count, 1) * (high - low) + low).to(dtype)
        if not dtype.is_floating_point:
            bottom, top = BOUNDS[dtype]
            low, high = max(math.ceil(low), bottom), min(math.floor(high), top)
            return torch.randint(min(low, high), max(high, low) + 1, shape, generator=self.torch).to(dtype)
        values = torch.rand(shape, generator=self.torch, dtype=torch.float64) * (high - low) + low
        if self.chance(0.12):
            values = (values * 2).round() / 2  # ties, exact zeros, equal values
            values = values.clamp(low, high)
        values = values.to(dtype)
        if special and self.chance(special) and count:
            flat = values.reshape(-1)
            for _ in range(self.randint(1, 1 + count // 4)):
                flat[self.randrange(count)] = self.choice(SPECIAL)
            values = flat.reshape(shape)
        return values

    def dropped(self, why):
        from record import Dropped
        raise Dropped(why)

    def lay_out(self, values, expand=False, plain=0.5):
        """The same values as a view of a storage: permuted, sliced, channels last, or with strides of 0."""
        shape = list(values.shape)
        if self.chance(plain):
            return values
        if expand and shape and self.chance(0.25):
            keep = [size if self.chance(0.5) else 1 for size in shape]
            return values[tuple(slice(0, min(one, size)) for one, size in zip(keep, shape))].contiguous().expand(shape)
        if len(shape) >= 3 and self.chance(0.3):
            order = [0, *range(2, len(shape)), 1]  # channels last
        elif self.chance(0.6):
            order = self.sample(range(len(shape)), len(shape))
        else:
            order = list(range(len(shape)))
        sliced = self.chance(0.45)
        bases, slices = [], []
        for dim in order:
            step = self.choice((1, 1, 2)) if sliced else 1
            start = self.choice((0, 0, 1, 2)) if sliced else 0
            bases.append(start + shape[dim] * step + (self.choice((0, 0, 1)) if sliced else 0))
            slices.append(slice(start, start + shape[dim] * step, step))
        if math.prod(bases) > 20000:
            return values
        base = torch.empty(bases, dtype=values.dtype)
        if values.numel():
            base.copy_(values.reshape(-1)[torch.randint(0, values.numel(), bases, generator=self.torch)])
        else:
            base.zero_()
        if not shape:
            base = base.expand(3).contiguous()
            view = base[self.randrange(3)]
        else:
            view = base[tuple(slices)].permute([order.index(dim) for dim in range(len(shape))])
        view.copy_(values)
        return view

    def tensor(self, shape=None, dtype=torch.float32, low=-4.0, high=4.0, special=0.0, expand=True, plain=0.5, distinct=False):
        shape = self.shape() if shape is None else shape
        return self.lay_out(self.elements(shape, dtype, low, high, special, distinct), expand and not distinct, plain)

    def own(self, shape=None, dtype=torch.float32, low=-4.0, high=4.0, special=0.0, plain=0.5):
        """A tensor that can be written to: no element lies twice."""
        return self.tensor(shape, dtype, low, high, special, expand=False, plain=plain)

    def whole(self, low=-5, high=5):
        return self.randint(low, high)

    def scalar(self, low=-4, high=4, kinds=("int", "float")):
        kind = self.choice(kinds)
        if kind == "bool":
            return self.chance(0.5)
        if kind == "int":
            return self.randint(math.ceil(low), math.floor(high))
        value = self.uniform(low, high)
        return round(value * 2) / 2 if self.chance(0.2) else value
