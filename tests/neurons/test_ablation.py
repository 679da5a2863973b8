"""Ablation: other ways than the mean, controls that weigh as much, all places considered, and what random units do."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn.model.cells import step
from charrnn.model.clamping import Clamp
from charrnn.model.units import Unit
from charrnn.neurons.ablation import ALIKE, CONTROLS, _alike, _weights, ablate
from charrnn.neurons.effects import step_down
from charrnn.neurons.features import FEATURES
from charrnn.neurons.intervention import Trajectory, held_nats
from charrnn.neurons.recording import record


@torch.inference_mode()
def naive(model, ids, held):
    """−ln p of each character but the first, a unit following its values at every step."""
    nats, state = [], list(model.initial_state(1))
    for t, (now, following) in enumerate(zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True)):
        x = model.embedding(torch.tensor([now]))
        for index, layer in enumerate(model.layers):
            a = x @ layer.weights.weight_ih.T + layer.weights.bias_ih
            after, _ = step(model.config, layer.weights, a, state[index])
            if held.layer == index:
                after[0][0, held.index] = float(held.values[t])
            state[index], x = after, after[0]
        nats.append(F.cross_entropy(model.readout(x), torch.tensor([following])).item())
    return nats


def test_a_unit_follows_what_it_is_given_beside_others_that_are_held_or_free(each_model, ids):
    values = np.random.default_rng(3).uniform(-0.5, 0.5, len(ids)).astype(np.float32)
    settings = [None, Trajectory(0, 2, values), Clamp(0, 3, 0.25), Trajectory(1, 4, values[::-1].copy())]
    nats = held_nats(each_model, ids, settings)
    for number in (1, 3):
        np.testing.assert_allclose(nats[number], naive(each_model, ids, settings[number]), atol=1e-5)
    np.testing.assert_allclose(nats[2], naive(each_model, ids, Trajectory(0, 3, np.full(len(ids), 0.25))), atol=1e-5)


def test_a_unit_that_follows_itself_costs_nothing(each_model, ids):
    own = record(each_model, ids, ["h"]).values(Unit(1, 2), "h").astype(np.float32)
    free, held = held_nats(each_model, ids, [None, Trajectory(1, 2, own)])
    np.testing.assert_allclose(free, held, atol=1e-5)


@pytest.mark.parametrize("how", ["mean", "zero", "resample"])
def test_the_planted_unit_is_named_in_every_way_and_costs_inside_more_than_outside(planted, how):
    text = planted.text(seed=4, inside=30, outside=30)
    ids, labels = planted.letters.encode(text), FEATURES["inside_quotes"].values(text)
    found = ablate(planted.quote_neuron, ids, Unit(0, planted.unit), labels, np.random.default_rng(0), how=how)
    assert found.effects["closing"].tells
    assert found.effects["closing"].adjusted_p_value == pytest.approx(1 / (CONTROLS + 1))
    assert found.held_at == {"zero": 0.0, "resample": None}.get(how, found.held_at)
    assert (found.held_at is None) == (how == "resample")
    if how == "mean":  # at another value it may expect an end everywhere
        assert found.inside_minus_outside.low > 0
        inside, outside = found.effects["inside"], found.effects["outside"]
        assert found.inside_minus_outside.difference == pytest.approx(inside.difference - outside.difference, abs=1e-5)


def test_controls_weigh_as_much_where_there_are_such():
    weights = np.concatenate([[1.0], np.linspace(0.7, 1.4, 45), np.full(40, 5.0)])
    drawn = _alike(Unit(0, 0), weights, np.random.default_rng(1), CONTROLS)
    assert len(set(drawn)) == CONTROLS
    assert Unit(0, 0) not in drawn
    assert all(1 / ALIKE <= weights[each.index] <= ALIKE for each in drawn)


def test_where_no_unit_weighs_as_much_that_is_said_and_the_nearest_are_taken(planted):
    weights = np.concatenate([[9.0], np.linspace(0.1, 1.0, 60)])
    drawn = _alike(Unit(0, 0), weights, np.random.default_rng(1), CONTROLS)
    assert min(weights[each.index] for each in drawn) > 0.6
    found = ablate(planted.quote_neuron, planted.letters.encode(planted.text(seed=1, inside=9, outside=9, length=400)),
                   Unit(0, planted.unit), None, np.random.default_rng(0))  # fmt: skip
    assert not found.matched
    assert found.control_weights[1] < found.weight / ALIKE


def test_a_weight_is_the_spread_times_the_norm_of_all_weights_that_a_unit_goes_to(model):
    spread = np.arange(1.0, 11).reshape(2, 5)
    named = {name: weight.detach().numpy() for name, weight in model.named_weights()}
    for layer, names in (
        (0, ("layers.0.weight_hh", "layers.1.weight_ih")),
        (1, ("layers.1.weight_hh", "readout.weight")),
    ):
        for unit in range(5):
            column = np.concatenate([named[name][:, unit] for name in names])
            expected = spread[layer, unit] * np.linalg.norm(column)
            assert _weights(model, layer, spread)[unit] == pytest.approx(expected, rel=1e-5)


def test_random_units_are_named_no_more_often_than_in_one_of_twenty_one_cases_whatever_the_places():
    random = np.random.default_rng(2)
    named = 0
    for _ in range(600):
        common = random.normal(size=CONTROLS + 1)
        costs = np.stack([common + 0.5 * random.normal(size=CONTROLS + 1), *random.normal(size=(3, CONTROLS + 1)) * 9])
        named += min(step_down(costs)) <= 0.05
    assert named / 600 <= 1 / 21 + 3 * (1 / 21 / 600) ** 0.5


def test_a_cost_that_is_far_beyond_all_others_is_named_where_it_is():
    costs = np.random.default_rng(3).normal(size=(4, 21))
    costs[2, 0] = 50
    adjusted = step_down(costs)
    assert adjusted[2] == pytest.approx(1 / 21)
    assert min(adjusted[:2] + adjusted[3:]) > 1 / 21
