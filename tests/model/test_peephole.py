import torch

from charrnn.model.cells import LayerWeights, peephole_step
from charrnn.model.peephole import PeepholeScan

B, T, H = 2, 5, 3


def arguments():
    generator = torch.Generator().manual_seed(3)
    shapes = {
        "a": (B, T, 4 * H),
        "weight_hh": (4 * H, H),
        "bias_hh": (4 * H,),
        "peephole": (3, H),
        "h": (B, H),
        "c": (B, H),
    }
    return {n: torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for n, s in shapes.items()}


def stepped(a, weight_hh, bias_hh, peephole, h, c):
    weights, hidden = LayerWeights(None, weight_hh, None, bias_hh, peephole), []
    for t in range(T):
        (h, c), _ = peephole_step(weights, a[:, t], (h, c))
        hidden.append(h)
    return torch.stack(hidden, dim=1), c


def weighted_sum(outputs):
    generator = torch.Generator().manual_seed(4)
    return sum((x * torch.randn(x.shape, generator=generator, dtype=x.dtype)).sum() for x in outputs)


def test_the_scan_takes_the_steps_of_the_equation():
    values = arguments()
    for scanned, step_by_step in zip(PeepholeScan.apply(*values.values()), stepped(**values), strict=True):
        torch.testing.assert_close(scanned, step_by_step, rtol=1e-12, atol=1e-12)


def test_the_gradient_written_out_is_that_of_autograd_over_the_steps():
    values = arguments()
    by_hand = torch.autograd.grad(weighted_sum(PeepholeScan.apply(*values.values())), list(values.values()))
    by_autograd = torch.autograd.grad(weighted_sum(stepped(**values)), list(values.values()))
    for name, one, other in zip(values, by_hand, by_autograd, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12, msg=name)


def test_the_gradient_is_that_of_finite_differences():
    assert torch.autograd.gradcheck(PeepholeScan.apply, tuple(arguments().values()))
