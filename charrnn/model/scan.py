"""Recurrent layers over a window, written out for speed: the equations of `cells.py` in place, and their gradients.

Autograd over the single steps of `cells.py` gives the same numbers (tests hold the two against each other) at several
times the cost. Here a step sweeps memory as seldom as it can and writes where the gradient will look for it; what does
not depend on the later steps is computed for all steps at once, and each weight's gradient is one product. Time comes
first, so that a step's numbers lie together: a is [T, B, G·H], and hidden states [T, B, H] come out. Everything is in
the number format of a but the peephole LSTM's cell state, a sum over time, which keeps its own.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

THROUGH = torch.ops.aten  # a gradient times the slope of σ, tanh or ReLU, by its result, in one sweep of the memory


class RnnScan(torch.autograd.Function):
    """(a [T, B, H], weight_hh, bias_hh, h [B, H], nonlinearity) -> hidden states [T, B, H]."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, weight_hh: Tensor, bias_hh: Tensor, h: Tensor, nonlinearity: str) -> Tensor:
        """Take the steps h' = φ(a + W_hh h + b_hh), and keep what the gradient needs."""
        a, hs = a + bias_hh, _states(a, h)
        for step_a, before, after in zip(a.unbind(), hs.unbind(), hs[1:].unbind(), strict=False):
            torch.addmm(step_a, before, weight_hh.T, out=after)
            torch.clamp_(after, min=0) if nonlinearity == "relu" else torch.tanh_(after)
        ctx.save_for_backward(weight_hh, hs)
        ctx.relu = nonlinearity == "relu"
        return hs[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor) -> Any:
        """Go back through the steps with s, what φ is taken of: ∂h'/∂s is 1 − h'² for tanh, and 0 or 1 for ReLU."""
        weight_hh, hs = ctx.saved_tensors
        grad_s, dh = torch.empty_like(hs[1:]), torch.zeros_like(hs[0])
        for given, after, step_s in _backwards(grad_h, hs[1:], grad_s):
            dh.add_(given)
            if ctx.relu:
                THROUGH.threshold_backward.grad_input(dh, after, 0, grad_input=step_s)
            else:
                THROUGH.tanh_backward.grad_input(dh, after, grad_input=step_s)
            torch.mm(step_s, weight_hh, out=dh)
        return grad_s, *_of_weights(grad_s, hs[:-1]), dh, None


class GruScan(torch.autograd.Function):
    """(a [T, B, 3H], weight_hh, bias_hh, h [B, H]) -> hidden states [T, B, H]."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, weight_hh: Tensor, bias_hh: Tensor, h: Tensor) -> Tensor:
        """Take the steps with u = W_hh h + b_hh, and keep what the gradient needs: r and z, u_n, and n."""
        H, hs = h.shape[-1], _states(a, h)
        u, n = torch.empty_like(a), a.new_empty(*a.shape[:2], H)
        a_rz, a_n, rz, u_n = a[..., : 2 * H], a[..., 2 * H :], u[..., : 2 * H], u[..., 2 * H :]
        steps = (part.unbind() for part in (a_rz, a_n, u, rz, rz[..., :H], rz[..., H:], u_n, n, hs[:-1], hs[1:]))
        for t_rz, t_n, t_u, both, reset, update, seen, new, before, after in zip(*steps, strict=True):
            torch.addmm(bias_hh, before, weight_hh.T, out=t_u)
            both.add_(t_rz).sigmoid_()
            torch.addcmul(t_n, reset, seen, out=new).tanh_()
            torch.lerp(new, before, update, out=after)  # (1 − z) ∘ n + z ∘ h
        ctx.save_for_backward(weight_hh, hs, u, n)
        return hs[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor) -> Any:
        """Go back through the steps with s_n = a_n + r ∘ u_n, what n's tanh is taken of."""
        weight_hh, hs, u, n = ctx.saved_tensors
        r, z, u_n = u.chunk(3, dim=2)
        before = hs[:-1]
        h_to_n = THROUGH.tanh_backward(1 - z, n)  # ∂h'/∂s_n
        h_to_u = n.new_empty(*n.shape[:2], 3, n.shape[2])
        THROUGH.sigmoid_backward.grad_input(h_to_n * u_n, r, grad_input=h_to_u[:, :, 0])
        THROUGH.sigmoid_backward.grad_input(before - n, z, grad_input=h_to_u[:, :, 1])
        torch.mul(h_to_n, r, out=h_to_u[:, :, 2])
        grad_u, dhs, dh = torch.empty_like(h_to_u), torch.empty_like(n), torch.zeros_like(n[0])
        for given, kept, to_u, step_u, total in _backwards(grad_h, z, h_to_u, grad_u, dhs):
            torch.add(dh, given, out=total)
            torch.mul(total.unsqueeze(1), to_u, out=step_u)
            torch.mul(total, kept, out=dh)
            dh.addmm_(step_u.flatten(1), weight_hh)
        grad_u = grad_u.flatten(2)
        grad_a = torch.cat([grad_u[..., : -n.shape[2]], dhs * h_to_n], dim=2)
        return grad_a, *_of_weights(grad_u, before), dh


class PeepholeScan(torch.autograd.Function):
    """(a [T, B, 4H], weight_hh, bias_hh, peephole [3, H], h, c [B, H]) -> (hidden states [T, B, H], last c [B, H])."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, weight_hh: Tensor, bias_hh: Tensor, peephole: Tensor, h: Tensor, c: Tensor) -> Any:
        """Take the steps, and keep what the gradient needs: the gates, the cell states and their tanh."""
        H, hs = h.shape[-1], _states(a, h)
        s = a + bias_hh  # becomes the gates, step by step
        cs, squashed = c.new_empty(len(a) + 1, *c.shape), torch.empty_like(hs[1:])
        cs[0] = c
        p_if, p_o = peephole[:2].to(a.dtype).flatten(), peephole[2].to(a.dtype)
        i_f, i, f, g, o = s[..., : 2 * H], *s.chunk(4, dim=2)
        seen = a.new_empty(len(h), 2, H)  # c twice, in the number format of the gates
        steps = (part.unbind() for part in (s, i_f, i, f, g, o, cs[:-1], cs[1:], squashed, hs[:-1], hs[1:]))
        for t_s, t_if, t_i, t_f, t_g, t_o, c0, c1, tanh_c, before, after in zip(*steps, strict=True):
            t_s.addmm_(before, weight_hh.T)
            t_if.addcmul_(seen.copy_(c0.unsqueeze(1)).flatten(1), p_if).sigmoid_()
            t_g.tanh_()
            torch.mul(t_f, c0, out=c1).addcmul_(t_i, t_g)
            tanh_c.copy_(c1)
            t_o.addcmul_(tanh_c, p_o).sigmoid_()
            torch.mul(t_o, tanh_c.tanh_(), out=after)
        ctx.save_for_backward(weight_hh, peephole, hs, cs, s, squashed)
        return hs[1:], cs[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor, grad_c: Tensor) -> Any:
        """Go back through the steps with s = (s_i, s_f, s_g, s_o), what the gates' σ and tanh are taken of."""
        weight_hh, peephole, hs, cs, gates, squashed = ctx.saved_tensors
        i, f, g, o = gates.chunk(4, dim=2)
        p_i, p_f, p_o = peephole.to(gates.dtype)
        before = cs[:-1].to(gates.dtype)
        from_c = f.new_empty(*f.shape[:2], 3, f.shape[2])  # ∂c'/∂(s_i, s_f, s_g)
        THROUGH.sigmoid_backward.grad_input(g, i, grad_input=from_c[:, :, 0])
        THROUGH.sigmoid_backward.grad_input(before, f, grad_input=from_c[:, :, 1])
        THROUGH.tanh_backward.grad_input(i, g, grad_input=from_c[:, :, 2])
        h_to_c, h_to_o = THROUGH.tanh_backward(o, squashed), THROUGH.sigmoid_backward(squashed, o)  # ∂h'/∂c', ∂h'/∂s_o
        # with ∂h'/∂s_o comes ∂h'/∂c' through the output gate's peephole, with ∂c'/∂s_i and ∂c'/∂s_f ∂c'/∂c
        h_to_c.addcmul_(h_to_o, p_o)
        c_to_c = torch.addcmul(f, from_c[:, :, 0], p_i).addcmul_(from_c[:, :, 1], p_f)
        dh, dc = torch.zeros_like(hs[0]), grad_c.clone()
        grad_s = hs.new_empty(*f.shape[:2], 4, f.shape[2])  # [T, B, 4, H]
        steps = _backwards(grad_h, h_to_c, from_c, h_to_o, c_to_c, grad_s, grad_s[:, :, :3], grad_s[:, :, 3])
        for given, to_c, c_to_s, to_o, kept, step_s, s_ifg, s_o in steps:
            dc.addcmul_(dh.add_(given), to_c)
            torch.mul(dc.unsqueeze(1), c_to_s, out=s_ifg)
            torch.mul(dh, to_o, out=s_o)
            dc.mul_(kept)
            torch.mm(step_s.flatten(1), weight_hh, out=dh)
        grad_s = grad_s.flatten(2)
        grad_p = torch.stack([(s * seen).sum((0, 1)) for s, seen in _seen(grad_s, cs[:-1], cs[1:])])
        return grad_s, *_of_weights(grad_s, hs[:-1]), grad_p, dh, dc


def _states(a: Tensor, h: Tensor) -> Tensor:
    """Room for the hidden states before and after each step, [T + 1, B, H]; the first is h."""
    hs = a.new_empty(len(a) + 1, *h.shape)
    hs[0] = h
    return hs


def _backwards(*parts: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Each step's share of tensors [T, …], from the last step to the first."""
    return zip(*(reversed(part.unbind()) for part in parts), strict=True)


def _of_weights(grad_s: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of weight_hh and bias_hh, from that of what they add up to and the hidden states they saw."""
    flat = grad_s.flatten(0, 1)
    return flat.T @ before.flatten(0, 1), flat.sum(0)


def _seen(grad_s: Tensor, before: Tensor, after: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Pair each gate's gradient with the cell state that its peephole sees: i and f the one before, o the new one."""
    s_i, s_f, _, s_o = grad_s.chunk(4, dim=2)
    return [(s_i, before), (s_f, before), (s_o, after)]
