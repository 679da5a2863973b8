"""Recurrent layers over a window: forward by the equations of `cells.py`, backward by their gradients, written out.

Autograd over the single steps gives the same gradients (tests hold the two against each other) at several times the
cost: here what does not depend on the later steps is computed for all steps at once, and each weight's gradient is one
product. Time comes first, so that a step's numbers lie together: a is [T, B, G·H], and hidden states [T, B, H] come
out. Everything is in the number format of a but the peephole LSTM's cell state, a sum over time, which keeps its own.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from charrnn.model.cells import LayerWeights, gru_step, peephole_step, rnn_step


class RnnScan(torch.autograd.Function):
    """(a [T, B, H], weight_hh, bias_hh, h [B, H], nonlinearity) -> hidden states [T, B, H]."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, weight_hh: Tensor, bias_hh: Tensor, h: Tensor, nonlinearity: str) -> Tensor:
        """Take the steps and keep what the gradient needs."""
        weights = LayerWeights(None, weight_hh, None, bias_hh)
        hidden = [h.to(a.dtype)]
        for step_a in a.unbind():
            hidden += rnn_step(weights, step_a, (hidden[-1],), nonlinearity)[0]
        hs = torch.stack(hidden)
        ctx.save_for_backward(weight_hh, hs)
        ctx.relu = nonlinearity == "relu"
        return hs[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor) -> Any:
        """Go back through the steps with s, what φ is taken of: ∂h'/∂s is 1 − h'² for tanh, and 0 or 1 for ReLU."""
        weight_hh, hs = ctx.saved_tensors
        slopes = (hs[1:] > 0).to(hs.dtype) if ctx.relu else 1 - hs[1:] ** 2
        grad_s, dh = torch.empty_like(slopes), torch.zeros_like(hs[0])
        for t in reversed(range(len(slopes))):
            torch.mul(dh + grad_h[t], slopes[t], out=grad_s[t])
            dh = grad_s[t] @ weight_hh
        return grad_s, *_of_weights(grad_s, hs[:-1]), dh, None


class GruScan(torch.autograd.Function):
    """(a [T, B, 3H], weight_hh, bias_hh, h [B, H]) -> hidden states [T, B, H]."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, weight_hh: Tensor, bias_hh: Tensor, h: Tensor) -> Tensor:
        """Take the steps and keep what the gradient needs."""
        weights = LayerWeights(None, weight_hh, None, bias_hh)
        hidden, gates = [h.to(a.dtype)], []
        for step_a in a.unbind():
            (h,), step_gates = gru_step(weights, step_a, (hidden[-1],))
            hidden.append(h)
            gates.append(step_gates)
        hs = torch.stack(hidden)
        ctx.save_for_backward(weight_hh, bias_hh, hs, *_stacked(gates))
        return hs[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor) -> Any:
        """Go back through the steps with u = W_hh h + b_hh and s_n = a_n + r ∘ u_n, what n's tanh is taken of."""
        weight_hh, bias_hh, hs, r, z, n = ctx.saved_tensors
        H, before = r.shape[-1], hs[:-1]
        u_n = before @ weight_hh[2 * H :].T + bias_hh[2 * H :]
        h_to_n = (1 - z) * (1 - n * n)  # ∂h'/∂s_n
        h_to_u = torch.stack([h_to_n * u_n * r * (1 - r), (before - n) * z * (1 - z), h_to_n * r], dim=2)
        grad_u, dhs, dh = torch.empty_like(h_to_u), torch.empty_like(r), torch.zeros_like(r[0])
        for t in reversed(range(len(r))):
            torch.add(dh, grad_h[t], out=dhs[t])
            torch.mul(dhs[t].unsqueeze(1), h_to_u[t], out=grad_u[t])
            dh = torch.addmm(dhs[t] * z[t], grad_u[t].flatten(1), weight_hh)
        grad_u = grad_u.flatten(2)
        grad_a = torch.cat([grad_u[..., : 2 * H], dhs * h_to_n], dim=2)
        return grad_a, *_of_weights(grad_u, before), dh


class PeepholeScan(torch.autograd.Function):
    """(a [T, B, 4H], weight_hh, bias_hh, peephole [3, H], h, c [B, H]) -> (hidden states [T, B, H], last c [B, H])."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, weight_hh: Tensor, bias_hh: Tensor, peephole: Tensor, h: Tensor, c: Tensor) -> Any:
        """Take the steps and keep what the gradient needs."""
        weights = LayerWeights(None, weight_hh, None, bias_hh, peephole.unbind())
        hidden, cell, gates = [h.to(a.dtype)], [c], []
        for step_a in a.unbind():
            (h, c), step_gates = peephole_step(weights, step_a, (hidden[-1], c))
            hidden.append(h.to(a.dtype))
            cell.append(c)
            gates.append(step_gates)
        hs, cs = torch.stack(hidden), torch.stack(cell)
        ctx.save_for_backward(weight_hh, peephole, hs, cs, *_stacked(gates))
        return hs[1:], c

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor, grad_c: Tensor) -> Any:
        """Go back through the steps with s = (s_i, s_f, s_g, s_o), what the gates' σ and tanh are taken of."""
        weight_hh, peephole, hs, cs, i, f, g, o = ctx.saved_tensors
        before, squashed = cs[:-1], cs[1:].tanh()
        from_c = torch.stack([g * i * (1 - i), before * f * (1 - f), i * (1 - g * g)], dim=2)  # ∂c'/∂(s_i, s_f, s_g)
        h_to_c, h_to_o = o * (1 - squashed * squashed), squashed * o * (1 - o)  # ∂h'/∂c' and ∂h'/∂s_o
        # with ∂h'/∂s_o comes ∂h'/∂c' through the output gate's peephole, with ∂c'/∂s_i and ∂c'/∂s_f ∂c'/∂c
        h_to_c = h_to_c + h_to_o * peephole[2]
        c_to_c = f + from_c[:, :, 0] * peephole[0] + from_c[:, :, 1] * peephole[1]
        dh, dc = torch.zeros_like(hs[0]), grad_c
        grad_s = hs.new_empty(*f.shape[:2], 4, f.shape[2])  # [T, B, 4, H], filled in place
        for t in reversed(range(len(grad_s))):
            dh = grad_h[t] + dh
            dc = torch.addcmul(dc, dh, h_to_c[t])
            grad_s[t, :, :3] = dc.unsqueeze(1) * from_c[t]
            grad_s[t, :, 3] = dh * h_to_o[t]
            dc = dc * c_to_c[t]
            dh = grad_s[t].flatten(1) @ weight_hh
        grad_s = grad_s.flatten(2)
        grad_p = torch.stack([(s * seen).sum((0, 1)) for s, seen in _seen(grad_s, before, cs[1:])])
        return grad_s, *_of_weights(grad_s, hs[:-1]), grad_p, dh, dc


def _stacked(gates: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Each gate over all steps, [T, B, H]."""
    return tuple(torch.stack(each) for each in zip(*gates, strict=True))


def _of_weights(grad_s: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of weight_hh and bias_hh, from that of what they add up to and the hidden states they saw."""
    flat = grad_s.flatten(0, 1)
    return flat.T @ before.flatten(0, 1), flat.sum(0)


def _seen(grad_s: Tensor, before: Tensor, after: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Pair each gate's gradient with the cell state that its peephole sees: i and f the one before, o the new one."""
    s_i, s_f, _, s_o = grad_s.chunk(4, dim=2)
    return [(s_i, before), (s_f, before), (s_o, after)]
