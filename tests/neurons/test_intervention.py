"""A unit held inside the recurrence: it is the same as a loop that sets it, and it shows what the unit is good for."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn.errors import ConfigError
from charrnn.evaluation.scoring import nats_per_character
from charrnn.model import readers
from charrnn.model.cells import step
from charrnn.model.clamping import Clamp
from charrnn.model.units import Unit
from charrnn.neurons import intervention
from charrnn.neurons.ablation import CONTROLS, ablate
from charrnn.neurons.features import FEATURES
from charrnn.neurons.intervention import held_nats

CLAMPS = [Clamp(0, 2, 0.5), None, Clamp(1, 4, -0.25)]


@torch.inference_mode()
def naive(model, ids, clamp):
    """−ln p of each character but the first, one step at a time, a unit being set after every step of its layer."""
    nats, state = [], list(model.initial_state(1))
    for now, following in zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True):
        x = model.embedding(torch.tensor([now]))
        for index, layer in enumerate(model.layers):
            a = x @ layer.weights.weight_ih.T + layer.weights.bias_ih
            after, _ = step(model.config, layer.weights, a, state[index])
            if clamp and clamp.layer == index:
                after[0][0, clamp.index] = clamp.value
            state[index], x = after, after[0]
        nats.append(F.cross_entropy(model.readout(x), torch.tensor([following])).item())
    return nats


def test_a_held_unit_is_held_at_every_step_of_every_setting_by_itself(each_model, ids):
    nats = held_nats(each_model, ids, CLAMPS)
    for row, clamp in zip(nats, CLAMPS, strict=True):
        np.testing.assert_allclose(row, naive(each_model, ids, clamp), atol=1e-5)


def test_a_free_network_costs_what_scoring_says(each_model, ids):
    assert held_nats(each_model, ids, [None]).mean() == pytest.approx(nats_per_character(each_model, ids), rel=1e-5)


def test_several_readers_agree_with_one(model, monkeypatch):
    ids = np.random.default_rng(2).integers(0, 7, 700)
    one = held_nats(model, ids, CLAMPS)
    for name, value in {"STRETCH": 60, "WARM_UP": 220}.items():
        monkeypatch.setattr(readers, name, value)
    monkeypatch.setattr(intervention, "READERS", 3)
    np.testing.assert_allclose(held_nats(model, ids, CLAMPS), one, atol=1e-4)


@pytest.fixture(scope="session")
def ablations(planted):
    """The planted quote neuron held at its mean, and a bystander of the same network."""
    characters = planted.text(seed=4, inside=30, outside=30)
    ids, labels = planted.letters.encode(characters), FEATURES["inside_quotes"].values(characters)
    units = (Unit(0, planted.unit), Unit(0, planted.unit + 1))
    return [ablate(planted.quote_neuron, ids, unit, labels, np.random.default_rng(0)) for unit in units]


def test_holding_the_planted_unit_hurts_where_the_quotation_closes_above_all(ablations):
    effects = ablations[0].effects
    assert effects["closing"].low > 0.5
    assert effects["closing"].difference > 10 * max(0.01, effects["closing"].random_high)
    assert effects["all"].low > 0
    assert effects["closing"].p_value == 1 / (CONTROLS + 1)


def test_holding_a_bystander_does_not(ablations):
    effects = ablations[1].effects
    assert abs(effects["closing"].difference) < 0.05
    assert abs(effects["all"].difference) < 0.01


def test_without_another_unit_there_is_no_claim(make_model):
    model, ids = make_model(hidden_size=1), np.random.default_rng(0).integers(0, 5, 300)
    result = ablate(model, ids, Unit(0, 0), None, np.random.default_rng(0))
    assert (result.controls, result.effects["all"].random_high, result.effects["all"].tells) == ((), None, False)


def test_a_text_without_a_prediction_is_refused(model):
    with pytest.raises(ConfigError, match="the text has 1 character that the model knows; give two or more"):
        ablate(model, np.array([1]), Unit(0, 0), None, np.random.default_rng(0))


def test_the_parts_of_an_ablation_make_up_the_whole(ablations):
    effects = ablations[0].effects
    assert effects["inside"].characters + effects["outside"].characters == effects["all"].characters
    parts = sum(effects[name].characters * effects[name].difference for name in ("inside", "outside"))
    assert parts == pytest.approx(effects["all"].characters * effects["all"].difference, rel=1e-3)
    for effect in effects.values():
        assert effect.difference == pytest.approx(effect.held - effect.free)
        assert effect.low <= effect.difference <= effect.high


def test_the_controls_are_other_units_of_the_same_layer(ablations, planted):
    controls = ablations[0].controls
    assert len(set(controls)) == CONTROLS
    assert {name.partition(":")[0] for name in controls} == {"0"}
    assert f"0:{planted.unit}" not in controls
