import pytest
import torch

from charrnn.model.cells import LayerWeights, gru_step, peephole_step, rnn_step
from charrnn.model.scan import GruScan, PeepholeScan, RnnScan

T, B, H = 5, 2, 3


def rnn(nonlinearity):
    def steps(a, weight_hh, bias_hh, h):
        weights, hidden = LayerWeights(None, weight_hh, None, bias_hh), []
        for step_a in a:
            (h,), _ = rnn_step(weights, step_a, (h,), nonlinearity)
            hidden.append(h)
        return (torch.stack(hidden),)

    return 1, lambda *values: RnnScan.apply(*values, nonlinearity), steps, ()


def gru():
    def steps(a, weight_hh, bias_hh, h):
        weights, hidden = LayerWeights(None, weight_hh, None, bias_hh), []
        for step_a in a:
            (h,), _ = gru_step(weights, step_a, (h,))
            hidden.append(h)
        return (torch.stack(hidden),)

    return 3, GruScan.apply, steps, ()


def peephole():
    def steps(a, weight_hh, bias_hh, peephole, h, c):
        weights, hidden = LayerWeights(None, weight_hh, None, bias_hh, peephole), []
        for step_a in a:
            (h, c), _ = peephole_step(weights, step_a, (h, c))
            hidden.append(h)
        return torch.stack(hidden), c

    return 4, PeepholeScan.apply, steps, ("peephole", "c")


@pytest.fixture(params=[rnn("tanh"), rnn("relu"), gru(), peephole()], ids=["rnn-tanh", "rnn-relu", "gru", "peephole"])
def scanned(request):
    """A scan, the same by steps of the equation, and arguments for both."""
    blocks, scan, steps, more = request.param
    shapes = {"a": (T, B, blocks * H), "weight_hh": (blocks * H, H), "bias_hh": (blocks * H,)}
    shapes |= {"peephole": (3, H)} if "peephole" in more else {}
    shapes |= {"h": (B, H)} | ({"c": (B, H)} if "c" in more else {})
    generator = torch.Generator().manual_seed(3)
    values = {n: torch.randn(s, generator=generator, dtype=torch.float64) for n, s in shapes.items()}
    return scan, steps, {name: value.requires_grad_() for name, value in values.items()}


def outputs(result):
    return result if isinstance(result, tuple) else (result,)


def weighted_sum(results):
    generator = torch.Generator().manual_seed(4)
    return sum((x * torch.randn(x.shape, generator=generator, dtype=x.dtype)).sum() for x in results)


def test_the_scan_takes_the_steps_of_the_equation(scanned):
    scan, steps, values = scanned
    for one, other in zip(outputs(scan(*values.values())), steps(**values), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_the_gradient_written_out_is_that_of_autograd_over_the_steps(scanned):
    scan, steps, values = scanned
    by_hand = torch.autograd.grad(weighted_sum(outputs(scan(*values.values()))), list(values.values()))
    by_autograd = torch.autograd.grad(weighted_sum(steps(**values)), list(values.values()))
    for name, one, other in zip(values, by_hand, by_autograd, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12, msg=name)


def test_the_gradient_is_that_of_finite_differences(scanned):
    scan, _, values = scanned
    assert torch.autograd.gradcheck(scan, tuple(values.values()))


def test_products_in_half_the_digits_stay_close_to_the_exact_ones(scanned):
    scan, steps, values = scanned
    halves = ["a", "weight_hh", "bias_hh", "h"]
    rough = {n: v.detach().bfloat16() if n in halves else v.detach().float() for n, v in values.items()}
    exact = steps(**{n: v.detach() for n, v in values.items()})
    for one, other in zip(outputs(scan(*rough.values())), exact, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=0.05, atol=0.05)
