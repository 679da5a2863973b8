"""Gradients carried back through time are derivatives of the loss, and can neither vanish nor overflow."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn.neurons.backwards import walk
from charrnn.neurons.influence import influence

T, B, SMALL = 4, 2, 1e-6


@pytest.fixture(params=[{"num_layers": 1}, {"num_layers": 2}, {"num_layers": 2, "embedding_size": 0}], ids=str)
def doubled(make_model, cell, request):
    """A network of each cell and shape, in float64, in which finite differences are exact enough."""
    return make_model(**cell, **request.param).double()


@pytest.fixture
def text():
    generator = torch.Generator().manual_seed(4)
    return torch.randint(6, (B, T), generator=generator), torch.tensor([1, 5])


def random_state(model, seed):
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        tuple(torch.randn(part.shape, generator=generator, dtype=torch.float64) for part in layer)
        for layer in model.initial_state(B)
    )


def moved(state, direction, by):
    pairs = zip(state, direction, strict=True)
    return tuple(tuple(s + by * d for s, d in zip(layer, towards, strict=True)) for layer, towards in pairs)


def losses(model, ids, target, state):
    """−ln p(target) [B] as the network's own forward pass has it, after reading ids from a state."""
    logits = model(ids, state)[0][:, -1] if ids.shape[1] else model.readout(state[-1][0])
    return F.cross_entropy(logits, target, reduction="none")


@torch.no_grad()
def test_the_gradient_is_the_slope_of_the_loss_in_the_state_k_characters_before(doubled, text):
    ids, target = text
    start, direction = random_state(doubled, 1), random_state(doubled, 2)
    with torch.enable_grad():
        gradients = list(walk(doubled, ids, target, start))
    assert len(gradients) == T + 1
    for k, gradient in enumerate(gradients):
        state = doubled(ids[:, : T - k], start)[1] if k < T else start
        ahead, behind = (
            losses(doubled, ids[:, T - k :], target, moved(state, direction, by)) for by in (SMALL, -SMALL)
        )
        dots = sum(
            (g * d).sum(1)
            for gs, ds in zip(gradient.state, direction, strict=True)
            for g, d in zip(gs, ds, strict=True)
        )
        torch.testing.assert_close(
            dots * gradient.log_scale.exp(), (ahead - behind) / (2 * SMALL), atol=1e-7, rtol=1e-5
        )


def test_the_gradient_of_an_input_is_the_slope_of_the_loss_in_the_characters_embedding(make_model, cell):
    model = make_model(**cell, num_layers=2).double()
    ids, target = torch.tensor([[3, 1, 4, 0]]), torch.tensor([2])  # each character once
    start = tuple(tuple(part.double() for part in layer) for layer in model.initial_state(1))
    direction = torch.tensor([0.5, -1.0, 0.25], dtype=torch.float64)
    for gradient, character in zip(walk(model, ids, target, start), [0, 4, 1, 3], strict=False):
        slopes = []
        for by in (SMALL, -SMALL):
            changed = make_model(**cell, num_layers=2).double()
            changed.embedding.weight.data[character] += by * direction
            slopes.append(float(losses(changed, ids, target, start).detach()))
        told = float((gradient.input[0] @ direction) * gradient.log_scale.exp())
        assert told == pytest.approx((slopes[0] - slopes[1]) / (2 * SMALL), rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("measure", ["norm", "product"])
def test_one_hot_characters_have_the_influence_of_an_embedding_that_is_the_identity(make_model, cell, measure):
    one_hot, embedded = make_model(**cell, embedding_size=0), make_model(**cell, embedding_size=6)
    weights = one_hot.weights() | {"embedding.weight": np.eye(6, dtype=np.float32)}
    embedded = type(embedded).from_weights(embedded.config, weights)
    ids = np.array([0, 3, 2, 5, 1, 1, 4])
    first, second = (influence(model, ids, 6, 6, measure=measure) for model in (one_hot, embedded))
    np.testing.assert_allclose(first.relative, second.relative, atol=1e-6)


@torch.no_grad()
def permuting(make_model, factor):
    """A ReLU network that is linear where all is positive: its recurrent matrix is a permutation, times a factor."""
    model = make_model(cell="rnn", nonlinearity="relu")
    weights = dict(model.named_weights())
    weights["layers.0.weight_hh"].copy_(factor * torch.eye(5)[[1, 2, 3, 4, 0]])
    weights["layers.0.bias_ih"].fill_(50.0)
    return model


@pytest.mark.parametrize("factor", [0.1, 0.8, 1.0, 1.5])
def test_in_a_linear_network_each_step_back_multiplies_the_norm_by_the_recurrent_factor(make_model, factor):
    steps = 90  # 0.1 ** 90 is far below what float32 has
    model, ids = permuting(make_model, factor), torch.zeros(1, steps, dtype=torch.int64)
    norms = [float(gradient.log_norms()[0][0]) for gradient in walk(model, ids, torch.tensor([3]))]
    expected = norms[0] + math.log(factor) * np.arange(steps + 1)
    np.testing.assert_allclose(norms, expected, atol=1e-3)


@torch.no_grad()
def test_an_lstm_whose_forget_gate_is_held_at_one_keeps_the_gradient_of_its_cell_state(make_model):
    for cell in ("lstm", "peephole"):
        model = make_model(cell=cell)
        weights = dict(model.named_weights())
        weights["layers.0.weight_hh"].zero_()
        weights["layers.0.bias_ih"][5:10] = 50.0
        if cell == "peephole":
            weights["layers.0.peephole"].zero_()
        with torch.enable_grad():
            gradients = list(walk(model, torch.ones(1, 200, dtype=torch.int64), torch.tensor([3])))
        norms = [float(gradient.log_norms()[0][1]) for gradient in gradients]
        assert norms[0] == -math.inf  # the read-out sees h alone
        np.testing.assert_allclose(norms[2:], norms[1], atol=1e-4)
