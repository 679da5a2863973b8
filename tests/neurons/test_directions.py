"""Directions: found over two planted units, read, held along themselves alone, and kept in a file of one model."""

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.model.clamping import DirectionClamp
from charrnn.model.directions import Direction, named, save
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.model.units import Unit
from charrnn.neurons.ablation import ALIKE, CONTROLS, ablate
from charrnn.neurons.columns import recorded_columns
from charrnn.neurons.features import FEATURES
from charrnn.neurons.intervention import Along, Trajectory, held_nats
from charrnn.neurons.recording import record, watch
from charrnn.neurons.search import search

QUOTES = FEATURES["inside_quotes"]


@pytest.fixture(scope="module")
def text(planted):
    return planted.text(seed=4, inside=30, outside=30)


@pytest.fixture(scope="module")
def found(planted, text):
    """The direction of quotations in a network in which two units are inside_quotes."""
    ids = planted.letters.encode(text)
    with recorded_columns(planted.twin_neurons, ids, ["h", "tanh_c"]) as columns:
        (found,) = search(columns, ids, text, [QUOTES], directions=True)
    return found.direction


def along(layer, weights, feature="planted", centre=0.0, scale=1.0):
    weights = np.asarray(weights, float)
    return Direction(feature, layer, weights / np.linalg.norm(weights), centre, scale)


def test_a_direction_over_two_planted_units_is_found_and_read(planted, text, found):
    weights = np.abs(found.weights)
    assert np.linalg.norm(weights) == pytest.approx(1)
    assert set(np.argsort(-weights)[:2]) == {planted.unit, planted.other_unit}
    assert weights[[planted.unit, planted.other_unit]] == pytest.approx(0.707, abs=0.03)
    assert (found.metric, found.layer) == ("AUC", 0)
    assert found.score > 0.999
    values = watch(planted.twin_neurons, planted.letters.encode(text), [found], "h").values[0]
    labels = QUOTES.values(text)
    assert values[labels == 1].min() > values[labels == 0].max()
    assert np.abs(values).mean() == pytest.approx(0.5, abs=0.2)  # two standard deviations are 1


def test_a_direction_costs_more_than_either_of_the_units_that_it_is_over(planted, text, found):
    ids, labels = planted.letters.encode(text), QUOTES.values(text)
    whole, one = (
        ablate(planted.twin_neurons, ids, each, labels, np.random.default_rng(0))
        for each in (found, Unit(0, planted.unit))
    )
    assert whole.effects["closing"].tells
    assert whole.effects["closing"].difference > 1.5 * one.effects["closing"].difference > 0
    assert len(whole.controls) == CONTROLS
    told = whole.to_dict()
    assert (told["unit"], told["kind"]) == ("direction inside_quotes of layer 0", "direction")


@pytest.mark.parametrize("how", ["mean", "zero", "resample"])
def test_random_directions_cost_little_however_they_are_held(planted, text, how):
    ids, random = planted.letters.encode(text)[:2000], np.random.default_rng(5)
    weights = random.normal(size=30)
    weights[[planted.unit, planted.other_unit]] = 0
    result = ablate(planted.twin_neurons, ids, along(0, weights), None, random, how=how)
    assert result.how == how
    assert abs(result.effects["all"].difference) < 0.1
    assert not result.matched or all(1 / ALIKE <= each / result.weight <= ALIKE for each in result.control_weights)


def test_holding_a_direction_that_is_one_unit_is_holding_the_unit(each_model, ids):
    values = np.random.default_rng(3).uniform(-0.5, 0.5, len(ids)).astype(np.float32)
    settings = [None, Trajectory(1, 2, values), Along(1, np.eye(5)[2], values), Along(0, np.eye(5)[1], values[:1])]
    free, unit, direction, _ = held_nats(each_model, ids, settings)
    np.testing.assert_allclose(unit, direction, atol=1e-5)
    assert np.abs(free - unit).max() > 1e-3


def test_what_follows_itself_costs_nothing(each_model, ids):
    one = along(0, [1.0, -2, 0.5, 0, 3])
    own = one.projection(record(each_model, ids, ["h"]).signals["h"][0]).astype(np.float32)
    free, held = held_nats(each_model, ids, [None, Along(0, one.weights, own)])
    np.testing.assert_allclose(free, held, atol=1e-5)


def test_a_clamp_moves_the_state_along_the_direction_alone():
    one, h = along(0, [3.0, 4, 0]), np.array([[0.5, -0.2, 0.9], [0, 0, 0]], np.float32)
    held = h.copy()
    DirectionClamp(one, 0.7).hold(held)
    np.testing.assert_allclose(one.projection(held), 0.7, rtol=1e-6)
    np.testing.assert_allclose(held[:, 2], h[:, 2])
    np.testing.assert_allclose((held - h) @ [4, -3, 0], 0, atol=1e-6)


def test_one_stream_and_many_hold_a_direction_alike(each_model, ids):
    clamp = DirectionClamp(along(1, [1.0, -2, 0.5, 0, 3]), 0.3)
    network = SteppedCharRNN(each_model.config, each_model.weights(), [clamp])
    many, _ = network(ids[None].astype(np.int64))
    stream = network.stream()
    one = np.stack([stream.read(int(each)).copy() for each in ids])
    np.testing.assert_allclose(many[0], one, atol=1e-5)


def test_a_file_gives_back_what_it_was_given_to_the_model_that_it_is_of(model, tmp_path):
    file, one = tmp_path / "found.json", along(1, [1.0, -2, 0.5, 0, 3], "inside_quotes", 0.25, 2.0)
    save(file, [along(0, np.eye(5)[0], "other"), one], model.weights())
    back = named(f"{file}:inside_quotes", model.config, model.weights)
    assert (back.feature, back.layer, back.centre, back.scale) == ("inside_quotes", 1, 0.25, 2.0)
    np.testing.assert_array_equal(back.weights, one.weights)
    assert named("1:3", model.config, model.weights) == Unit(1, 3)
    with pytest.raises(ConfigError, match="has no direction of inside_quote; did you mean inside_quotes"):
        named(f"{file}:inside_quote", model.config, model.weights)
    with pytest.raises(ConfigError, match=r"did you mean .*found\.json"):
        named(f"{tmp_path}/find.json:other", model.config, model.weights)
    changed = {name: weight + 1 for name, weight in model.weights().items()}
    with pytest.raises(ConfigError, match="are of another model"):
        named(f"{file}:other", model.config, lambda: changed)


@pytest.mark.parametrize(
    "forged",
    [
        ('"format_version":1', '"format_version":2'),
        ('"layer":0', '"layer":-1'),
        ('"layer":0', '"layer":2'),
        ('"scale":1.0', '"scale":0.0'),
        ('"scale":1.0', '"scale":1e999'),
        ('"weights":[1.0', '"weights":[3.0'),
        ('"weights":[1.0', '"weights":[1.0,0.0'),
        ('{"format"', '[{"format"'),
        ('"feature":"other"', '"feature":""'),
    ],
)
def test_a_forged_file_is_refused_in_one_line(model, tmp_path, forged):
    file = tmp_path / "found.json"
    save(file, [along(0, np.eye(5)[0], "other")], model.weights())
    content = file.read_text("utf-8")
    assert forged[0] in content
    file.write_text(content.replace(*forged), "utf-8")
    with pytest.raises(ConfigError) as refused:
        named(f"{file}:other", model.config, model.weights)
    assert "\n" not in str(refused.value)
