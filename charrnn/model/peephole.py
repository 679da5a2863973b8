"""A peephole LSTM over a whole window: forward by the equation of `cells.py`, backward by its gradient, written out.

Autograd over the single steps gives the same gradient (a test holds the two against each other) at several times the
cost: here what does not depend on the later steps is computed for all steps at once, and each weight's gradient is one
product.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from charrnn.model.cells import LayerWeights, peephole_step


class PeepholeScan(torch.autograd.Function):
    """(a [B, T, 4H], weight_hh, bias_hh, peephole, h [B, H], c [B, H]) -> (hidden states [B, T, H], last c [B, H])."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, weight_hh: Tensor, bias_hh: Tensor, peephole: Tensor, h: Tensor, c: Tensor) -> Any:
        """Take the steps and keep what the gradient needs."""
        weights = LayerWeights(None, weight_hh, None, bias_hh, peephole.unbind())
        hidden, cell, gates = [h], [c], []
        for step_a in a.unbind(1):
            (h, c), step_gates = peephole_step(weights, step_a, (h, c))
            hidden.append(h)
            cell.append(c)
            gates.append(step_gates)
        hs, cs = torch.stack(hidden, dim=1), torch.stack(cell, dim=1)
        stacked = (torch.stack(each, dim=1) for each in zip(*gates, strict=True))
        ctx.save_for_backward(weight_hh, peephole, hs, cs, *stacked)
        return hs[:, 1:], c

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor, grad_c: Tensor) -> Any:
        """Go back through the steps with s = (s_i, s_f, s_g, s_o), what the gates' σ and tanh are taken of."""
        weight_hh, peephole, hs, cs, i, f, g, o = ctx.saved_tensors
        before, squashed = cs[:, :-1], cs[:, 1:].tanh()
        from_c = torch.stack([g * i * (1 - i), before * f * (1 - f), i * (1 - g * g)], dim=2)  # ∂c'/∂(s_i, s_f, s_g)
        h_to_c, h_to_o = o * (1 - squashed * squashed), squashed * o * (1 - o)  # ∂h'/∂c' and ∂h'/∂s_o
        # with ∂h'/∂s_o comes ∂h'/∂c' through the output gate's peephole, with ∂c'/∂s_i and ∂c'/∂s_f ∂c'/∂c
        h_to_c = h_to_c + h_to_o * peephole[2]
        c_to_c = f + from_c[:, :, 0] * peephole[0] + from_c[:, :, 1] * peephole[1]
        dh, dc = torch.zeros_like(grad_c), grad_c
        steps = f.new_empty(f.shape[1], f.shape[0], 4, f.shape[2])  # ∂loss/∂s [T, B, 4, H], filled in place
        for t in reversed(range(len(steps))):
            dh = grad_h[:, t] + dh
            dc = torch.addcmul(dc, dh, h_to_c[:, t])
            torch.mul(dc.unsqueeze(1), from_c[:, t], out=steps[t, :, :3])
            torch.mul(dh, h_to_o[:, t], out=steps[t, :, 3])
            dc = dc * c_to_c[:, t]
            dh = steps[t].flatten(1) @ weight_hh
        grad_s = steps.flatten(2).transpose(0, 1)
        flat = grad_s.flatten(0, 1)
        grad_p = torch.stack([(s * seen).sum((0, 1)) for s, seen in _seen(grad_s, before, cs[:, 1:])])
        return grad_s, flat.T @ hs[:, :-1].flatten(0, 1), flat.sum(0), grad_p, dh, dc


def _seen(grad_s: Tensor, before: Tensor, after: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Pair each gate's gradient with the cell state that its peephole sees: i and f the one before, o the new one."""
    s_i, s_f, _, s_o = grad_s.chunk(4, dim=2)
    return [(s_i, before), (s_f, before), (s_o, after)]
