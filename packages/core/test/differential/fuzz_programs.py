"""Random modules as Python source: typed grammars of expressions and statements that PyTorch can script or trace.

A hole `{M}` in a template is filled with an expression of kind M, `{M!}` with a variable of it. Same seed, same program.
Tensors have few shapes, so that nearly every program runs: M is float [4, 4], V float [4], S float [], I int64 [4], B bool [4],
F float [batch, 4, height, width] and L float [batch, 4]; P is a parameter of any shape. Other kinds: n int, f float, b bool, s str, Ln list of int, LM list of M,
DM dict from str to M, OM optional M, TM tuple of M and int, O an object of a class.
"""

import random
import re

ANNOTATIONS = {
    "n": "int", "f": "float", "b": "bool", "s": "str", "Ln": "List[int]", "LM": "List[Tensor]", "DM": "Dict[str, Tensor]",
    "OM": "Optional[Tensor]", "TM": "Tuple[Tensor, int]", "O": "Cell",
}
TENSORS = ("M", "V", "S", "I", "B", "F", "L")

# First the leaves: what a kind is made of where nothing else fits.
EXPRESSIONS = {
    "M": ["torch.ones(4, 4)", "{M!}", "{M!}", "{M!}", "{M} + {M}", "{M} - {M}", "{M} * {M}", "{M} + {V}", "{M} * {f}", "{M} + {n3}", "{M} * {I}", "{M!}.t()",
          "{M!}.clone()", "{M!}.view(16).view(4, 4)", "{M!}.view([-1, 4])", "torch.relu({M})", "torch.tanh({M})", "torch.sigmoid({M})", "{M}.clamp(-1, 1)",
          "torch.clamp({M}, min={n3})", "F.relu({M!})", "F.relu6({M})", "F.hardtanh({M}, -0.5, {f3})", "torch.matmul({M}, {M}) * 0.25", "{M!}.contiguous()",
          "{M!}.expand(4, 4)", "{M}.detach()", "torch.stack([{V}, {V}, {V}, {V}])", "torch.stack({M}.unbind(1))", "torch.cat({M!}.chunk(2, {d}), 0).view(4, 4)",
          "torch.where({B}, {M}, {M})", "({M} if {b} else {M})", "{LM!}[{i0}]", "{LM!}[0]", "{DM!}['a']", "{TM}[0]", "(torch.relu({M}) + {M})", "torch.relu({M} + {M})",
          "torch.add({M}, {M}, alpha={n3}).relu()", "{M!}.to(torch.float32)", "{M!}.flatten().reshape(4, 4)", "{M!}[0:4]", "{M!}[:, {n3}:4].sum(1) + {M}", "F.dropout({M!}, 0.5, False)",
          "F.dropout({M!}, 0.5, self.training)", "{M!}.permute(1, 0)", "{M!}.transpose(0, {d})", "{M!}.flip(0)", "torch.zeros_like({M!})", "torch.full([4, 4], {f})",
          "{M!}.squeeze(0)", "{M!}.unsqueeze({d}).squeeze({d})", "torch.softmax({M}, {d})", "F.linear({M}, {M!}, {V!}) * 0.2", "{M!}.type_as({M!})", "{M!}.double().float()",
          "torch.addmm({V}, {M}, {M}) * 0.2", "{M!}.narrow(0, 0, 4)", "torch.relu({M} + {V})", "torch.relu({M} + {n3})", "F.relu({M} + {S})",
          "{M!}.mul(2).add_({M})", "{M!}.abs().sqrt_()", "F.relu({M} * 2, inplace=True)", "F.hardtanh({M} * 2, inplace=True)", "F.relu6({M} + {M}, inplace=True)",
          "F.gelu({M})", "F.layer_norm({M}, [4])", "torch.einsum('ij,jk->ik', [{M}, {M}]) * 0.2", "{M!} ** 2", "{M}.pow({n3})", "F.pad({M!}, [0, 0, 0, 0])", "{M!}.new_zeros([4, 4])", "{M!}.to({M!})", "{M!}.to('cpu')", "{M!}.float()", "{M!}.repeat(1, 1)", "F.relu({I} + {M})",
          "torch.relu({M} + {B})", "F.relu(torch.add({V}, {M}))", "torch.relu(torch.add({S}, {M}))", "{M!}.as_strided([4, 4], [4, 1])", "torch.zeros(4, 4)", "torch.eye(4)", "torch.tensor([[1.0, 2.0, 3.0, {f}]]).repeat(4, 1)", "{M!}.tril()", "torch.rsub({M!}, {f})", "{f} - {M!}", "torch.outer({V}, {V})",
          "torch.max({M}, {M})", "{M!}.unfold(0, 4, 1)[0]", "torch.flip({M!}, [0, 1])", "{M!}[[0, 1, 2, 3]]", "{M!}[{I} % 4]", "{M!}.index_select(0, {I} % 4)", "{M!}.gather(0, torch.zeros(4, 4, dtype=torch.long))", "{M!}.roll(1)", "{M!}.masked_fill({B}, {f})", "torch.atleast_2d({M!})", "{M!}.split_with_sizes([4], 0)[0]", "torch.ones_like({M!}) * {n}", "{M!}.topk(4)[0]", "{M!}.sort(0)[0]", "torch.cat([{M!}[:2], {M!}[2:]])", "torch.stack([{M!}, {M!}]).mean(0)", "torch.where({M!} > 0, {M}, {M})", "{M!}.mT", "{M!}.T", "{M!}.clamp({n3}, 6)", "torch.hardtanh({M})", "F.hardswish({M})", "F.leaky_relu({M}, 0.1)", "F.threshold({M}, 0.1, 0.0)", "torch.add({M!}, {M!}, alpha={f3}).relu()", "{M!}.add({M}).relu()", "{M!}.movedim(0, 1)", "{M!}.view_as({M!})"],
    "V": ["torch.ones(4)", "{V!}", "{V!}", "{V!}", "{M!}[{i4}]", "{M!}[:, {i4}]", "{M!}.select({d}, {i4})", "{M!}.diagonal()", "{M!}.view(16)[{n4}:{n4} + 4]", "{M!}.unbind({d})[{n4}]", "{M!}.chunk(4, 0)[1][0]",
          "{V} + {V}", "{V} * {I}", "{V} - {f}", "{V} / ({V}.abs() + 1)", "{M}.sum({d})", "{M}.mean({d})", "{M}.max({d})[0]", "{M}.argmax({d}).float()", "{V!}.clone()", "{V}.relu()", "{I} / 2", "{I}.float()", "{B}.float()",
          "torch.where({B}, {V}, {V})", "{V}[{I} % 4]", "{V!}.view(4)", "{V!}.cumsum(0)", "torch.cat([{v:V!}[:{n4}], {v}], 0)[-4:]", "torch.arange(4).float()", "{M!}.split(1)[{n4}].squeeze(0)", "({V} if {b} else {V})",
          "torch.tensor([{f}, {f}, 1.0, 2.0])", "{M!}.min(dim={d}, keepdim=True).values.view(4)", "torch.sort({V!})[0]", "torch.relu({V} + {V})", "torch.matmul({M}, {V})", "{V!}.expand_as({V!})", "{V!}.ceil()"],
    "S": ["{V}.sum()", "{M}.mean()", "{V!}[{i4}]", "{M!}[{i4}, {i4}]", "{S} + {S}", "{S} * {f}", "torch.tensor({f})", "{F}.mean()", "{L}.sum()", "{M}.max()", "({S} if {b} else {S})", "{M!}.view(16)[{n4}]"],
    "I": ["torch.tensor([1, -2, {n8}, 3])", "{I!}", "{I!}", "{I} + {n8}", "{I} * 2", "{I} % 3", "{I} // 2", "{I} + {I}", "torch.arange(4)", "{V}.clamp(-99, 99).long()", "{B}.long()", "{M}.argmax({d})", "{I!}.clone()", "{I!}.flip(0)", "{I}.clamp(max=2)", "{I}.relu()", "{I} - {B}.int()"],
    "B": ["{V} > {V}", "{I} % 2 == 0", "{B} & {B}", "~{B}", "{V} < {f}", "{V}.isnan()", "{B!}", "{V!} == {V!}"],
    "F": ["{F!}", "{F!}", "{F!}", "{F!}", "{C}", "{C}", "{C}", "{F} + {F}", "torch.relu({F})", "F.relu({C})", "F.relu({F!} + {C})", "torch.relu({C} + {F!})", "F.relu6({C})", "torch.clamp({C}, -0.5, 0.5)", "torch.clamp({C}, min=0)", "{C}.clamp(max=1.0)",
          "F.hardtanh({C}, -0.2, 0.4)", "{F} * {S}", "{F!}.clone()", "{F!} + {L}[:, :, None, None]", "F.relu({C}, inplace=True)", "torch.relu_({C})", "{C}.relu()", "{C}.clamp_(0, 6)", "torch.add({C}, {F!}, alpha={n3}).relu_()", "torch.relu({F!} + {n3})", "{W}({F!})", "{W}({W}({F!}))", "{W}({F!}) + {W}({F!})", "torch.relu({F!} + {V}[:, None, None])", "F.relu({W}({F!})) + {W}({F!})",
          "torch.tanh({F})", "{F} * 0.5 + {V}[:, None, None]", "{F!}.view({F!}.size(0), 4, -1).view_as({F!})", "{F!}.contiguous()", "F.hardtanh({C}, 0., 6., inplace=True)", "({F} if {b} else {C})", "{F!}.flip(2)", "F.max_pool2d({F}, 3, 1, 1)", "F.dropout({F!}, 0.2, False)",
          "F.dropout({F!}, 0.2, self.training)", "torch.cat([{F!}[:, :2], {F!}[:, 2:]], 1)", "F.relu({C} + {F!}.sum())", "({F!} + {C}).relu_()"],
    "L": ["{F}.mean([2, 3])", "{F}.amax(dim=[2, 3])", "{L!}", "{L} + {V}", "torch.relu({L})", "{F!}[:, :, 0, 0]", "F.relu({L} + {L})", "torch.sigmoid({L})", "F.linear({L}, {M!}, {V!}) * 0.3", "torch.addmm({V!}, {L}, {M!}.t()) * 0.3", "torch.matmul({L}, {M!}.t()) * 0.2"],
    "n": ["{n8}", "{n!}", "{n!}", "{n!}", "{n} + {n}", "{n} - {n}", "{n} * {n8}", "{n} // {nz}", "{n} % {nz}", "-{n}", "abs({n})", "min({n}, {n})", "max({n}, {n8})", "{n} << {n4}", "{n} >> {n4}", "{n} & {n}", "{n} | {n8}", "{n} ^ {n}", "{n8} // ({n} % 4 + 1)",
          "int({b})", "int({f} * 4)", "len({Ln!})", "{Ln!}[0]", "{Ln!}[{im}]", "len({LM!})", "len({s})", "{M!}.size(0)", "{F!}.size({d})", "{F!}.shape[2]", "{F!}.dim()", "({n} if {b} else {n})", "{TM}[1]", "int({V}.clamp(-9, 9).sum())", "{I!}.max().item() + 0 * {n!}",
          "sum({Ln!})", "max({Ln!})", "{n} * 4611686018427387904", "{n8} % ({n} * 2 + 1)", "len({M!})", "{M!}.numel()", "{n} ** 2 // 1", "{F!}.stride(1)", "round({n} * 2.5)", "len({F!}.shape)", "math.floor({f})", "math.gcd({n8}, 6)", "divmod({n}, {nz})[1]"],
    "f": ["{f3}", "{f!}", "{f!}", "{f} + {f}", "{f} - {n8}", "{f} * {n8}", "{f} / 3", "{n} / 7", "{n8} / {nz}", "float({n})", "abs({f})", "min({f}, {f})", "{f} // 0.75", "{f} % 0.75", "{f} % -0.5", "{n8} % 1.5", "-{f}", "float({b})", "{S}.item() + 0.0 * {f!}", "float({V!}[0])", "math.sqrt(abs({f}))",
          "math.exp(min({f}, 2.0))", "{n8} ** 2.0", "{f} ** 2", "({f} if {b} else {f})", "{n} * 0.5", "{f} + {b}", "max({f}, 0.5)", "math.floor({f}) / 2", "float({n8} ** -1 if {n8} != 0 else 0.5)", "float('1.5')"],
    "b": ["{n} > {n}", "{n} == {n8}", "{f} < {f}", "{b!}", "not {b}", "{b} and {b}", "{b} or {b}", "{F!}.size(0) > 1", "{F!}.size(2) > 4", "bool({V}.sum() > 0)", "{n} % 2 == 0", "{n8} in {Ln!}", "'a' in {DM!}", "{s} == 'ab'", "{n} != {n}", "{OM!} is None", "{OM!} is not None",
          "{M!}.is_contiguous()", "{M!}.is_floating_point()", "{M!}.dim() == 2", "{M!}.dtype == torch.float32", "bool({b}) ^ True", "{Ln!} == [{n}, 2]", "{s} in 'abc'", "bool({n} & 1)", "self.training", "True", "False", "{n8} < {n!} <= 5", "{M!} is not None"],
    "s": ["'ab'", "{s!}", "{s!}", "({s} + 'c')[-5:]", "str({n})", "str({b})", "'%d' % {n}", "'{}-{}'.format({n}, 'x')", 'f"n={{n!}}"', "{s}.upper()", "{s}[1:]", "{s}.replace('a', 'bc')[:6]", "('x' if {b} else 'y')", "'-'.join([{s}, {s}])[:9]", "{s} * 2", "{s}.split('b')[0]", "{s}[::-1]"],
    "Ln": ["[{n}, {n}, {n}]", "[1, 2, 3]", "[{n} for _ in range({n4})] + [{n}]", "{Ln!}", "{Ln!}[:]", "{Ln!}[:2] + [{n}]", "list({Ln!})", "[{n8}] * 3", "[q * 2 for q in {Ln!}]", "{Ln!}.copy()", "sorted({Ln!})", "[{n}] + {M!}.shape", "list(range({n4} + 1))", "{Ln!}[-1:] + [{n}]"],
    "LM": ["[{M}, {M}]", "[{M!}, {M!}]", "{LM!}", "[{M}] + {LM!}[:3]", "list({LM!})", "[q + 1 for q in {LM!}]", "{LM!}[:2] + [{M}]", "{LM!}.copy()"],
    "DM": ["{'a': {M}, 'b': {M}}", "{DM!}", "{'a': {M!}}"],
    "OM": ["({M!} if {b} else None)", "{OM!}", "{DM!}.get('b')"],
    "TM": ["({M}, {n})", "{TM!}", "({M!}, {n!})"],
    "O": ["Cell(torch.ones(4, 4), 1)", "{O!}", "Cell({M!}, {n})"],
    # Not kinds of variables: small numbers that stay in range. Two more are made otherwise: C, a feature map from a layer, and W, a layer of them.
    "n3": ["1", "2", "0"], "n4": ["0", "1", "2", "3", "{n} % 4"], "i4": ["0", "1", "-1", "3", "{n} % 4", "2 - {n} % 3"], "d": ["0", "1", "-1"],
    "n8": ["0", "1", "2", "-3", "7", "-8", "5"], "nz": ["2", "3", "-3", "-4", "({n} % 3 + 1)", "7"], "f3": ["0.5", "-1.25", "2.0", "0.1", "3.75"],
    "i0": ["0", "-1"], "im": ["-1", "0"],
}

# `T!` is a variable of a random tensor kind whose other operands may be numbers alone.
STATEMENTS = {
    "M": ["{M!}.add_({M})", "{M!} += {M}", "{M!} *= {M}", "{M!} -= {V}", "{M!}.mul_({f})", "{M!}.copy_({M})", "{M!}.copy_({V})", "{M!}.relu_()", "torch.relu_({M!})", "F.relu({M!}, inplace=True)", "F.relu6({M!}, inplace=True)", "F.hardtanh({M!}, -1.0, 0.5, inplace=True)", "{M!}.clamp_(-0.5, 2)",
          "{M!}.zero_()", "{M!}.fill_({f})", "{M!}[{i4}] = {V}", "{M!}[:, {i4}] = {V}", "{M!}[{i4}] = {f}", "{M!}[{n4}:] = {f}", "{M!}[1:3, :2] += {f}", "{M!}[{i4}, {i4}] = {f}", "{M!}[{B}] = {f}", "{M!}[{I} % 4] = {V}", "{M!}.masked_fill_({B}, {f})", "{M!}[{i4}].add_({V})", "{M!}.t().mul_({V})",
          "{M!}.index_put_(({I} % 4,), {V})", "{M!}.view(16)[{n4}] = {f}", "{M!}.select({d}, {i4}).copy_({V})", "{M!}.transpose_(0, 1)", "{M!}.diagonal().add_({V})", "torch.add({M}, {M}, out={M!})", "{M!}.unbind({d})[1].mul_(2)", "{M!}.chunk(2)[0].zero_()", "{M!}.neg_()", "{M!}.sigmoid_()", "{M!}.tanh_()",
          "{M!}.narrow(0, 1, 2).add_({n3})", "{M!}.add_({M}).relu_()", "{M!}.add_({M}, alpha={n3})", "{M!}[:] = {M}", "{M!}[{i4}] = {M!}[{i4}]", "{M!}.index_add_(0, {I} % 4, {M})", "{M!}.t_()", "{M!}[..., 0] = {S}", "{M!} /= 2", "{M!}[::2] = {f}", "{M!}[..., 1::2] += {n3}", "{M!}[{M!} > {f}] = {f}", "{M!}[{M!} < 0] *= 2", "{M!}[{B!}] += 1", "{M!}.index_put_(({I} % 4, {I} % 4), {V}, accumulate=True)", "{M!}[None].add_(1)", "{M!}.split([1, 3])[1].mul_({f3})", "{M!}.view(2, 8)[0] = {f}", "{M!}[-1] -= {M!}[0]",
          "{M!}.index_fill_({d}, torch.tensor([0, 2]), {f})", "{M!}.masked_scatter_({B!}, {M!})", "{M!}.topk(2)[0].zero_()", "{M!}.diagonal(1).zero_()", "{M!}.swapaxes(0, 1)[0].add_({V})", "{M!}.unsqueeze(0)[0, 1] = {V}", "{M!}.detach().mul_({f3})", "{M!}.data.add_(1)", "{M!}.requires_grad_(False)", "{M!}.reshape(16).add_(1)", "{M!}.contiguous().add_(1)",
          "{M!}.to(torch.float).add_(1)", "{M!}.expand(4, 4).add_(1)", "{M!}.view_as({M!}).add_(1)", "{M!}.flatten()[{n4}] = {f}", "{M!}.squeeze().neg_()", "F.dropout({M!}, 0.5, False).add_(1)", "{M!}.float().mul_(2)", "{M!}.type_as({M!}).add_(1)", "{M!}.masked_fill_({B}, 0)", "{M!}.scatter_(0, torch.zeros(1, 4, dtype=torch.long), {f})"],
    "V": ["{V!}.add_({V})", "{V!} += {f}", "{V!}[{i4}] = {f}", "{V!}[{B}] = {V!}[{B!}].sum()", "{V!}.relu_()", "{V!}.copy_({M!}[{i4}])", "{V!}.zero_()", "{V!}[1:].mul_({f})", "{V!}.mul_({I})", "{V!}[{n4}:{n4} + 1] += {V!}[0]", "{V!}[{i4}] += {S}", "{V!}.resize_(4)"],
    "I": ["{I!}.add_({n8})", "{I!} += {n8}", "{I!}[{i4}] = {n8}", "{I!}.mul_({I})", "{I!}[{B}] = 0", "{I!} //= 2", "{I!} <<= 1", "{I!}.relu_()"],
    "B": ["{B!}[{i4}] = {b}", "{B!} &= {B}", "{B!}.logical_not_()"],
    "F": ["{F!}.add_({F})", "{F!} += {C}", "{F!}.relu_()", "F.relu({F!}, inplace=True)", "{F!}.mul_({S})", "{F!}[:, {i4}] = {f}", "{F!}.clamp_(0, 6)", "{F!}[:, 1:3].add_({f})", "F.relu6({F!}, inplace=True)", "F.hardtanh({F!}, inplace=True)", "{F!}.add_({C}).relu_()", "{F!}.zero_()", "{F!}.copy_({C})", "{F!}.add_({F!}, alpha=2)"],
    "L": ["{L!}.add_({V})", "{L!}.relu_()", "{L!} += {L}", "{L!}[0] = {V}"],
    "n": ["{n!} += {n}", "{n!} -= {n8}", "{n!} *= {n8}", "{n!} //= {nz}", "{n!} %= {nz}"],
    "f": ["{f!} += {f}", "{f!} *= {f3}", "{f!} /= 3"],
    "s": ["{s!} = ({s!} + {s})[-8:]"],
    "Ln": ["{Ln!}.append({n})", "{Ln!}[0] = {n}", "{Ln!}[-1] += {n}", "{Ln!}.insert({n3}, {n})", "{Ln!}.sort()", "{Ln!}.reverse()", "{Ln!} += [{n}]", "{Ln!}.extend([{n}, 1])", "{Ln!}.sort(reverse=True)"],
    "LM": ["{LM!}.append({M})", "{LM!}[0] = {M}", "{LM!}[-1].add_({M})", "{LM!}.insert(0, {M!})", "{LM!}.reverse()", "{LM!} += [{M!}]", "{LM!}[{i0}][{i4}] = {f}", "{LM!}[0] += {M}", "{LM!}[-1] = {LM!}[0]"],
    "DM": ["{DM!}['a'] = {M}", "{DM!}['b'] = {M!}", "{DM!}[{s}] = {M!}", "{DM!}['a'].add_({M})", "{DM!}['a'] += {M}", "{DM!}.update({'b': {M}})"],
}

# Statements of several lines; `;` parts them and `>` indents.
PIECES = {
    "Ln": ["q = [[{n}], {Ln!}];q[1].append({n});{n!} = len(q[0])", "q = { 'a': {Ln!}};q['a'].append({n8});{n!} = len(q)", "q = ({Ln!}, {M!});q[0].append({n});q[1].add_(1)", "q = [1, 2, 3];for p in range(2):;>q.append(p);{Ln!} = q", "p = [1, 2];q = [1, 2];p.append(3);{Ln!} = q", "p = {v:Ln};q = {v};p.append(4);{Ln!} = q",
           "q = {F!}.shape;{n!} = q[2] * q[3]", "q = list({F!}.size());q[0] = 1;q.append({n});{Ln!} = q", "p = {Ln!};if {b}:;>p = [0, 1];p.append({n});{n!} = len(p)", "q = [{n}, {n}];q[0] = {n};q.append({n});{n!} = q[0] + q[-1]", "for p in range({n4}):;>q = [1];>q.append(p);>{n!} += len(q)",
           "if len({Ln!}) > 2:;>{Ln!}.pop()", "if len({v:Ln!}) > 1:;>{n!} = {v}.pop({i0})", "while len({v:Ln!}) > 3:;>{v}.pop(0)", "if 1 in {v:Ln!}:;>{v}[0] = {v}.index(1)", "{v:Ln!}.append(0);del {v}[0]", "if {n8} in {v:Ln!}:;>{n!} = {v}.count(1)"],
    "LM": ["q = [{LM!}, {LM!}];q[0].append({M!});{M!} = q[1][0]", "p = [{M!}, {M!}];p.append({M!});p[0].add_(1);{M!} = torch.stack(p).sum(0)", "p = [{M!}];p += [{M}];p[0] = p[1];p[0].add_(1);{M!} = p[1]", "q = {LM!};q[0] = {M};{M!} = q[0]", "q = torch.cat({LM!}, 0)[:4];{M!} = q", "if len({v:LM!}) > 1:;>{M!} = {v}.pop()", "while len({v:LM!}) > 2:;>{v}.pop(0)", "for q in {LM!}:;>q.add_({f3})", "for p, q in enumerate({LM!}):;>q[p % 4] = {f}", "for p, q in zip({LM!}, {LM!}):;>p.copy_(q * 0.5)", "for q in {LM!}[:3]:;>{LM!}.append(q)", "if len({v:LM!}) > 2:;>del {v}[1:]"],
    "V": ["p = {v:V};q = {v};p.add_(1);{V!} = q", "q = torch.tensor([1., 2., 3., 4.]);for p in range(2):;>q.add_(p);{V!} = q", "p = torch.zeros(4);q = torch.zeros(4);p.add_(1);{V!} = q", "q = {V} + {V};p = torch.relu_(q);{V!} = q", "q = {V!}.add_({V});{V!} = F.relu(q)", "q = {V!}.add_({S}).relu_();{V!} = q",
          "q = {V!}.expand(2, 4);p = q.sum(0);{V!} = p", "q = {V!};q = q + {V};q.relu_();{V!} = q", "p = [{V!}];p.append({V!});p[0].add_(1);{V!} = p[1]", "p = ({V!}, {V!});p[0].mul_(0.5);{V!} = p[1]"],
    "I": ["q = {I} + {I};{I!} = torch.relu(q)", "q = {I!};q += {n8};{I!} = q.relu_()", "q = {B}.nonzero().numel();{n!} = q", "{I!} = torch.relu({I} + {B})"],
    "P": ["{P!}.mul_(0.5)", "{P!}.view(-1)[0] = {f3}", "q = {P!};q.add_(0.1)", "{S!} = {P!}.sum()"],
    "W": ["{F!} = {v:W}({F!}) + {v}({F!})", "{F!} = F.relu({W}({F!}), inplace=True)", "for q in range({n4}):;>{F!} = {W}({F!})", "if {b}:;>{F!} = {W}({F!})", "q = {W}({F!});p = q.relu_();q.mul_(0.5);{F!} = p", "q = {W}({F!});p = {W}(q);{F!} = p + q", "q = {W}({F!});p = F.relu6(q);q.add_(1);{F!} = p", "q = {W}({F!});p = torch.relu(q + {F!});q.zero_();{F!} = p",
          "q = {v:W}({F!});{F!}.mul_(0.5);p = {v}({F!});{F!} = p + q"],
    "DM": ["if 'b' in {v:DM!}:;>{M!} = {v}.pop('b')", "for q in {DM!}.values():;>q.mul_(0.5)", "for p, q in {DM!}.items():;>{s!} = p;>{M!} = q", "for p in list({v:DM!}.keys()):;>{v}[p] = {v}[p] + {n3}", "if len({v:DM!}) > 1:;>{n!} = len({v})"],
    "OM": ["{OM!} = None", "if {v:OM!} is not None:;>{M!} = {v}", "q = {OM!};if q is not None:;>q.add_(1)", "q = {OM!};if q is None:;>q = {M!};q.mul_({f3})"],
    "O": ["{O!}.bump({n3})", "{O!}.value = {M!}", "{M!} = {O!}.value", "{n!} = {O!}.size", "{O!}.size += {n}", "{O!}.value.add_({V})", "q = {v:O!};q.bump(1);{n!} = {v}.size", "q = Pair({M!}, {n!});q.a.add_(q.b % 3);{M!} = q[0]", "q = {O!};if {b}:;>q = {O!};q.bump(2)", "for p in range({n4}):;>{O!}.bump(p)"],
    "TM": ["q = {v:TM!};p = q[0];p.mul_(0.5);{M!} = {v}[0]", "p, q = {TM!};p.add_(q % 3)", "{M!}, {n!} = {TM}"],
    "M": ["p, q = {M!}.chunk(2, {d});p.add_(1);{M!} = torch.cat([q, p], 0).reshape(4, 4)", "for q in {M!}.unbind({d}):;>q.add_({f})", "q = {M!};{M!}.add_(1);{M!} = q", "q = {M!}[{i4}];{M!}.mul_(2);{V!} = q", "for q in {M!}:;>q.relu_()", "p = {v:M};q = {v};p.add_(1);{M!} = q", "for p in range(3):;>q = {M};>{M!}.add_(1);>{M!} = q", "q = torch.zeros(4, 4);q[0] += {V};{M!} = q", "if {b}:;>q = {M!};else:;>q = {M};q.add_(1)", "p = 0;while True:;>p += 1;>{M!}.add_(1);>if p > {n4}:;>>break",
          "q = {v:M!}.add_({M});{M!} = torch.relu(q)", "q = {M!} + {M};p = q.relu_();{M!} = q", "q = {M!};for p in range(2):;>q = q + {M!};>{M!}.mul_(0.5);{M!} = q", "q = {M!};if {b}:;>q = q.clone();q.add_(1)", "q = {M!} if {b} else {M!};q.relu_()", "q = torch.relu({M!});p = q;q = q + 1;p.zero_();{M!} = q", "q = {M!}.view(2, 8);q[0] = 1.5"],
    "n": ["print({n!})", "q = None;if {b}:;>q = {n};if q is not None:;>{n!} += q", "for p in range(4):;>if p == {n4}:;>>continue;>{n!} += p;>if {n!} > 9:;>>break", "for p in range(2):;>for q in range(p + 1):;>>{n!} += p * q", "for q in range(3):;>{n!} = {n!} + q", "for q in range({n} % 4, -2, -1):;>{n!} += q * 2", "for q in [1, 2, 3]:;>{n!} = {n!} * 2 + q", "assert {n} != 123456"],
    "b": ["if {n} == 7:;>raise ValueError('no')"],
    "F": ["for w in self.blocks:;>{F!} = w({F!})", "q = {C};for w in self.blocks:;>q = w(q) + q;{F!} = q", "with torch.no_grad():;>{F!}.add_({C})", "q = {C};p = {C};q.add_(p).relu_();{F!} = p", "q = {C};p = torch.add(q, {F!});q.mul_(0.5);{F!} = F.relu(p)", "q = {C};q = F.relu(q.add_({F!}));{F!} = q",
          "if {b}:;>{F!} = F.relu({C});else:;>{F!} = F.relu6({C})", "q = {C} + {C};p = q.relu();{F!} = p + q", "q = {C};p = torch.relu(q);{F!} = torch.relu(p + q)", "q = [{F!}, {C}];q[1].relu_();{F!} = q[0] + q[1]", "q = {C}[:, :2];q.relu_();{F!} = torch.cat([q, q], 1)",
          "q = {C};{F!} = F.relu(q);{F!} = q", "q = {C};q = torch.relu_(q) + q;{F!} = q", "q = {C};q += {F!};{F!} = F.relu(q)", "q = {F!} + {C};{F!} = torch.relu(q) + q", "q = {C};p = q.view(q.size(0), -1);p.relu_();{F!} = q"],
}

LAYERS = {
    "conv": ["nn.Conv2d(4, 4, 3, padding=1)", "nn.Conv2d(4, 4, 1)", "nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)", "nn.Conv2d(4, 4, 3, padding='same')", "nn.Conv2d(4, 4, 3, padding=1, padding_mode='circular')", "nn.Conv2d(4, 4, 3, padding=2, dilation=2)",
             "nn.ConvTranspose2d(4, 4, 3, padding=1)", "nn.ConvTranspose2d(4, 4, 1, groups=4, bias=False)", "nn.Conv2d(4, 4, (3, 1), padding=(1, 0), groups=4)"],
    "norm": ["nn.BatchNorm2d(4)", "nn.BatchNorm2d(4, affine=False)", "nn.BatchNorm2d(4, eps=0.1)", "nn.BatchNorm2d(4, track_running_stats=False)", "nn.GroupNorm(2, 4)"],
    "act": ["nn.ReLU()", "nn.ReLU(inplace=True)", "nn.ReLU6()", "nn.ReLU6(inplace=True)", "nn.Hardtanh(-0.3, 0.7)", "nn.Dropout()", "nn.Dropout(inplace=True)", "nn.Dropout2d()", "nn.Identity()", "nn.Hardswish()", "nn.Sigmoid()", "nn.LeakyReLU(0.1, inplace=True)"],
    "conv1": ["nn.Conv1d(4, 4, 3, padding=1)", "nn.Conv1d(4, 4, 1, bias=False)", "nn.Conv1d(4, 4, 3, padding='same', groups=2)", "nn.ConvTranspose1d(4, 4, 3, padding=1)", "nn.Sequential(nn.Conv1d(4, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU(inplace=True))"],
    "conv3": ["nn.Conv3d(4, 4, 3, padding=1)", "nn.Sequential(nn.Conv3d(4, 4, 1), nn.BatchNorm3d(4), nn.ReLU())"],
    "linear": ["nn.Linear(4, 4)", "nn.Linear(4, 4, bias=False)", "nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4, 4))", "nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU6())"],
}
WIDE = ["nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU6(), nn.Conv2d(6, 4, 1)", "nn.ConvTranspose2d(4, 2, 1), nn.BatchNorm2d(2), nn.ConvTranspose2d(2, 4, 3, padding=1, bias=False)"]
HOLE = re.compile(r"\{(?:(\w+):)?([A-Za-z]\w*)(!?)\}")


class Writer:
    """Writes one function body; `scopes` are the variables that may be read, by kind."""

    def __init__(self, rng, parameters, attributes, traced):
        self.rng, self.traced = rng, traced
        self.scopes = [parameters, attributes]
        self.depth, self.counter, self.lines = 2, 0, []
        self.fixed, self.loops = set(), 0
        # The lite interpreter creates no objects, so that such programs only show that they are refused.
        self.objects = rng.random() < 0.03

    def emit(self, line):
        self.lines.append("    " * self.depth + line)

    def variables(self, kind):
        return [name for scope in self.scopes for name in scope.get(kind, ())]

    def leaf(self, kind):
        return self.fill(self.rng.choice([t for t in EXPRESSIONS[kind] if "{C}" not in t][:1] if kind != "F" else ["{F!}"]), 0)

    def variable(self, kind, target=False):
        names = [name for name in self.variables(kind) if not target or (name not in self.fixed and not (self.traced and "." in name))]
        if names and (target or self.rng.random() < 0.95):
            return self.rng.choice(names)
        if kind == "P":
            return "m"
        leaf = {"OM": "None", "F": "x.clone()", "TM": "(torch.ones(4, 4), 2)"}.get(kind) or self.fill(EXPRESSIONS[kind][0], 0)
        return self.declare(kind, leaf)

    def declare(self, kind, value):
        name = f"{kind.lower()}{self.counter}"
        self.counter += 1
        annotation = f": {ANNOTATIONS[kind]}" if kind in ANNOTATIONS and not self.traced else ""
        self.emit(f"{name}{annotation} = {value}")
        self.scopes[-1].setdefault(kind, []).append(name)
        return name

    def expression(self, kind, depth):
        if kind == "C":
            return self.convolution(depth)
        if kind == "W":
            return self.rng.choice([name for name, form in self.layers if form in ("conv", "norm", "act")] or ["torch.tanh"])
        options = EXPRESSIONS[kind]
        if depth <= 0:
            simple = [o for o in options if "{" not in o or (HOLE.sub("", o) == "")]
            options = [o for o in simple if not HOLE.fullmatch(o)] + ["{%s!}" % kind] * 3 if kind in ANNOTATIONS or kind in TENSORS else simple
        return self.fill(self.rng.choice(options), depth)

    def convolution(self, depth):
        layer = self.rng.choice(self.layers) if self.layers else None
        if layer is None:
            return "torch.tanh({})".format(self.variable("F"))
        name, form = layer
        inner = self.expression("F", depth - 1)
        if form == "conv1":
            return f"{name}(({inner}).flatten(2)).view_as(x)"
        if form == "conv3":
            return f"{name}(({inner}).unsqueeze(2)).squeeze(2)"
        if form == "linear":
            return f"({inner} + {name}({self.expression('L', depth - 1)})[:, :, None, None])"
        return f"{name}({inner})"

    def fill(self, template, depth, target=False):
        named = {}

        def hole(match):
            name, kind, bang = match.groups()
            if kind in named:
                return named[kind]
            if bang:
                text = self.variable(kind, target)
            else:
                text = self.expression(kind, depth - 1)
                if " " in text and not self.closed(text):
                    text = f"({text})"
            if name:
                named[name] = text
            return text

        return HOLE.sub(hole, template)

    @staticmethod
    def closed(text):
        """Whether the text is one bracketed whole or one call."""
        depth = 0
        for i, c in enumerate(text):
            depth += (c in "([{") - (c in ")]}")
            if depth == 0 and (c in ")]}" or c == " "):
                return i == len(text) - 1
        return False

    def kind(self, table):
        return self.rng.choice([k for k in table if not (self.traced and k in ("s", "DM", "OM")) and not (k in ("F", "W") and not self.layers) and (k != "O" or self.objects)])

    def statement(self, budget):
        roll = self.rng.random()
        if self.layers and self.rng.random() < 0.3:
            return self.feature(roll)
        if roll < 0.2:
            kind = self.kind(ANNOTATIONS if self.rng.random() < 0.3 else TENSORS)
            self.declare(kind, self.expression(kind, 2))
        elif roll < 0.32:
            kind = self.kind(ANNOTATIONS if self.rng.random() < 0.4 else TENSORS)
            value = self.expression(kind, 2)
            self.emit(f"{self.variable(kind, target=True)} = {value}")
        elif roll < 0.66:
            kind = self.kind(STATEMENTS)
            self.emit(self.fill(self.rng.choice(STATEMENTS[kind]), 2, target=kind in ("n", "f", "s", "Ln", "LM") or self.traced))
        elif roll < 0.82:
            kind = self.kind(PIECES)
            self.piece(self.rng.choice(PIECES[kind]))
        elif budget > 0:
            self.control(budget)

    def feature(self, roll):
        """A statement of feature maps, which most optimizations are about."""
        if roll < 0.4:
            self.declare("F", self.expression("F", 3))
        elif roll < 0.55:
            value = self.expression("F", 3)
            self.emit(f"{self.variable('F', target=True)} = {value}")
        elif roll < 0.7:
            self.emit(self.fill(self.rng.choice(STATEMENTS["F"]), 2, target=self.traced))
        else:
            self.piece(self.rng.choice(PIECES[self.rng.choice("FW")]))

    def piece(self, template):
        lines = self.fill(template.replace("{'", "{ '"), 2, target=True).split(";")
        for line in lines:
            indent = len(line) - len(line.lstrip(">"))
            self.emit("    " * indent + line.lstrip(">"))

    def control(self, budget):
        roll = self.rng.random()
        if roll < 0.45:
            self.emit(f"if {self.expression('b', 2)}:")
            self.block(budget - 1)
            if self.rng.random() < 0.6:
                self.emit("else:")
                self.block(budget - 1)
            return
        name = f"c{self.counter}"
        self.counter += 1
        self.fixed.add(name)
        if roll < 0.8:
            count = self.rng.choice(["2", "3", "{n} % 4", "len({Ln!}[:4])", "0", "1", "{F!}.size(0)", "1, 4", "5, {n} % 3, -2"])
            self.emit(f"for {name} in range({self.fill(count, 2)}):")
            self.block(budget - 1, loop=name)
        else:
            self.emit(f"{name} = 0")
            self.scopes[-1].setdefault("n", []).append(name)
            condition = f" and ({self.expression('b', 1)})" if self.rng.random() < 0.5 else ""
            self.emit(f"while {name} < {self.rng.choice('1234')}{condition}:")
            self.block(budget - 1, loop=name, first=f"{name} += 1")

    def block(self, budget, loop=None, first=None):
        self.depth += 1
        self.scopes.append({"n": [loop]} if loop and first is None else {})
        before = len(self.lines)
        if first:
            self.emit(first)
        self.loops += loop is not None
        for _ in range(self.rng.randint(1, 4)):
            self.statement(budget)
        if self.loops and self.rng.random() < 0.35:
            self.emit(f"if {self.expression('b', 1)}:")
            self.emit("    " + self.rng.choice(["break", "continue"]))
            if self.rng.random() < 0.7:
                self.statement(0)
        elif self.result and not self.traced and self.rng.random() < 0.12:
            self.emit(f"if {self.expression('b', 1)}:")
            value = self.value(self.result)
            self.emit(f"    return {value}")
        self.loops -= loop is not None
        if len(self.lines) == before:
            self.emit("pass")
        self.scopes.pop()
        self.depth -= 1

    def value(self, kinds):
        # A return inside an if must not declare variables between the two lines: only whole expressions without new variables.
        values = [self.rng.choice(self.variables(kind)) for kind in kinds]
        return values[0] if len(values) == 1 else f"({', '.join(values)})"

    result = ()
    layers = ()


def write_function(rng, header, parameters, attributes, result, statements, traced, layers=(), calls=()):
    writer = Writer(rng, parameters, attributes, traced)
    writer.result, writer.layers = result, layers
    for kind in result:
        if not writer.variables(kind):
            writer.declare(kind, writer.fill(EXPRESSIONS[kind][0], 0) if kind != "F" else "x.clone()")
    for _ in range(statements):
        writer.statement(2)
        if calls and rng.random() < 0.15:
            writer.emit(writer.fill("{M!} = %s({M}, {n!} %% 5)" % rng.choice(calls), 1, target=True))
    values = [writer.expression(kind, 1) if kind != "P" and rng.random() < 0.3 else rng.choice(writer.variables(kind)) for kind in result]
    writer.emit(f"return {values[0] if len(values) == 1 else '(' + ', '.join(values) + ')'}")
    return [header] + writer.lines


ATTRIBUTES = {
    "n": ("self.count", "3"), "f": ("self.gain", "0.5"), "Ln": ("self.sizes", "[1, 2, 3]"), "LM": ("self.mats", "[torch.ones(4, 4), torch.eye(4)]"), "s": ("self.name", "'ab'"),
    "DM": ("self.table", "{'a': torch.ones(4, 4)}"), "b": ("self.flag", "True"), "OM": ("self.maybe", "torch.full([4, 4], 0.25)"),
}


def write_program(seed):
    """Source text of a program: classes and a class `Program`; whether it is to be traced; and the kinds it returns."""
    rng = random.Random(seed)
    traced = rng.random() < 0.25
    lines = ["import math", "from typing import Dict, List, NamedTuple, Optional, Tuple", "", "import torch", "import torch.nn.functional as F", "from torch import Tensor, nn", ""]
    sub_attributes = {"n": ["self.step"], "M": ["self.state"]}
    lines += ["", "class Pair(NamedTuple):", "    a: Tensor", "    b: int", "", "", "class Cell:", "    def __init__(self, value: Tensor, size: int):", "        self.value = value", "        self.size = size", "",
              "    def bump(self, by: int):", "        self.size += by", "        self.value.mul_(0.5).add_(by)", ""]
    lines += ["", "class Sub(nn.Module):", "    def __init__(self):", "        super().__init__()", "        self.step = 1", "        self.register_buffer('state', torch.arange(16.).view(4, 4) * 0.1)", ""]
    lines += write_function(rng, "    def forward(self, m: Tensor, n: int) -> Tensor:", {"M": ["m"], "n": ["n"]}, sub_attributes, ("M",), rng.randint(1, 4), traced) if not traced else [
        "    def forward(self, m, n: int):", "        return m + self.state * n"]
    lines = [line.replace("{'", "{'") for line in lines]
    init, attributes, layers = [], {}, []
    for kind, (name, value) in ATTRIBUTES.items():
        if rng.random() < 0.5 and not traced:
            init.append(f"{name}{': ' + ANNOTATIONS[kind] if kind == 'OM' else ''} = {value}")
            attributes.setdefault(kind, []).append(name)
    for kind, name, value in [("M", "buffer", "torch.linspace(-1, 1, 16).view(4, 4)"), ("V", "vector", "torch.tensor([0.5, -1., 2., 0.])"), ("I", "index", "torch.tensor([3, 1, -2, 0])")]:
        if rng.random() < 0.6:
            init.append(f"self.register_buffer('{name}', {value})")
            attributes.setdefault(kind, []).append(f"self.{name}")
    # Attributes that share memory.
    if "M" in attributes and rng.random() < 0.4:
        init.append("self.row = self.buffer[1]")
        attributes.setdefault("V", []).append("self.row")
        if rng.random() < 0.5:
            init.append("self.same = self.buffer" + rng.choice(["", ".t()", ".view(2, 2, 4).view(4, 4)"]))
            attributes["M"].append("self.same")
    if "M" in attributes and "LM" in attributes and rng.random() < 0.5:
        init.append("self.mats = [self.buffer, torch.eye(4), self.buffer.t()]")
    if "DM" in attributes and "LM" in attributes and rng.random() < 0.5:
        init.append("self.table = {'a': self.mats[0], 'c': torch.ones(4, 4)}")
    if not traced and rng.random() < 0.2:
        init.append("self.pair = (torch.ones(4, 4), 3)")
        attributes.setdefault("TM", []).append("self.pair")
    if rng.random() < 0.3:
        init.append("self.weight = nn.Parameter(torch.linspace(-0.5, 0.5, 16).view(4, 4))")
        attributes.setdefault("M", []).append("self.weight")
    for i in range(rng.randint(1, 5)):
        form = rng.choice(["conv", "conv", "conv", "norm", "act", "block", "block", "conv1", "conv3", "linear"])
        if form == "block":
            parts = [rng.choice(LAYERS["conv"] + WIDE)] + [rng.choice(LAYERS[p]) for p in rng.choice([["norm"], ["norm", "act"], ["act"], ["act", "norm"], ["norm", "act", "conv", "norm"]])]
            value, form = f"nn.Sequential({', '.join(parts)})", "conv"
        else:
            value = rng.choice(LAYERS[form])
        init.append(f"self.layer{i} = {value}")
        if rng.random() < 0.25 and "Sequential" not in value and value.startswith(("nn.Conv", "nn.Batch", "nn.Linear")) and "False" not in value:
            names = ["weight", "bias"] + (["running_mean", "running_var"] if "Batch" in value else [])
            attributes.setdefault("P", []).append(f"self.layer{i}.{rng.choice(names)}")
        layers.append((f"self.layer{i}", form))
        if form == "conv1" and "Sequential" not in value and rng.random() < 0.1:
            init.append(f"self.norm{i} = nn.BatchNorm1d(4)")
        plain = [n for n, f in layers[:-1] if f == "conv" and value.startswith("nn.Conv2d(4, 4, 3, padding=1)") and f"{n} = {value}" in init]
        if plain and rng.random() < 0.5:
            init.append(f"self.layer{i}.weight = {plain[0]}.weight")
        if rng.random() < 0.15:
            init.append(f"self.shared{i} = self.layer{i}")
            layers.append((f"self.shared{i}", form))
    calls = []
    if rng.random() < 0.6:
        init.append("self.sub = Sub()")
        calls.append("self.sub")
        if rng.random() < 0.5 and not traced:
            init.append("self.other = " + rng.choice(["Sub()", "self.sub"]))
            calls.append("self.other")
        if not traced and rng.random() < 0.5:
            attributes.setdefault("M", []).append("self.sub.state")
            attributes.setdefault("n", []).append("self.sub.step")
    if not traced and rng.random() < 0.4:
        lines += ["", ""] + [line[4:] for line in write_function(rng, "    def helper(m: Tensor, n: int) -> Tensor:", {"M": ["m"], "n": ["n"]}, {}, ("M",), 3, traced)]
        lines = [line.replace("self.training", "(n > 2)") for line in lines] if any("self.training" in line for line in lines[-60:]) else lines
        calls.append("helper")
    kinds = [k for k in ("M", "V", "I", "F", "n", "f", "LM", "Ln", "s", "DM", "L", "B", "S", "b") if not (traced and k not in TENSORS)]
    result = tuple(rng.sample(kinds, rng.randint(2, 5)))
    init.append(f"self.blocks = nn.ModuleList([{', '.join(rng.choice(LAYERS[rng.choice(['conv', 'norm', 'act'])]) for _ in range(rng.randint(1, 3)))}])")
    if "P" in attributes and rng.random() < 0.5:
        result += ("P",)
    if layers and "F" not in result and rng.random() < 0.7:
        result += ("F",)
    parameters = {"M": ["m"], "V": ["v"], "I": ["k"], "F": ["x"]}
    if traced:
        header = "    def forward(self, m, v, k, x):"
    else:
        header = "    def forward(self, m: Tensor, v: Tensor, k: Tensor, x: Tensor, n: int, f: float):"
        parameters.update({"n": ["n"], "f": ["f"]})
    lines += ["", "", "class Program(nn.Module):", "    def __init__(self):", "        super().__init__()"] + ["        " + line for line in init] + [""]
    lines += write_function(rng, header, parameters, attributes, result, rng.randint(2, 9), traced, tuple(layers), tuple(calls))
    return "\n".join(lines) + "\n", traced
