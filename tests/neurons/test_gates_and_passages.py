"""Saturated gates, passages alike, and units that two models share."""

import math
from itertools import pairwise

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.model.network import CharRNN
from charrnn.neurons.features import FEATURES
from charrnn.neurons.gates import saturation
from charrnn.neurons.matching import pairs
from charrnn.neurons.passages import alike, telling_passage
from charrnn.neurons.recording import record


def test_saturation_counts_what_recording_shows(each_model, ids):
    if each_model.config.cell == "rnn":
        with pytest.raises(ConfigError, match="a vanilla RNN has no gates"):
            saturation(each_model, ids)
        return
    result = saturation(each_model, ids)
    names = ("z", "r") if each_model.config.cell == "gru" else ("f", "i", "o")
    assert tuple(result.left) == tuple(result.right) == names
    recorded = record(each_model, ids, names).signals
    for name in names:
        np.testing.assert_allclose(result.left[name], (recorded[name] < 0.1).mean(1))
        np.testing.assert_allclose(result.right[name], (recorded[name] > 0.9).mean(1))
    half = recorded[names[0]].mean(1) ** result.half_life
    np.testing.assert_allclose(half, 0.5, rtol=1e-4)


def test_a_memory_of_which_nothing_is_forgotten_never_fades(make_model, ids):
    model = make_model(cell="lstm", hidden_size=4, vocabulary_size=7)
    weights = dict(model.weights())
    weights["layers.0.bias_ih"][4:8] = 1e4  # σ of it is 1
    assert (saturation(CharRNN.from_weights(model.config, weights), ids).half_life[0] == math.inf).all()


def test_a_unit_that_keeps_all_has_a_long_half_life_and_one_that_forgets_a_short_one(planted):
    ids = planted.letters.encode(planted.text(seed=5, inside=60, outside=60))
    lives = {
        name: saturation(getattr(planted, name), ids).half_life[0, planted.unit]
        for name in ("quote_neuron", "letter_neuron")
    }
    marks = np.isin(ids, planted.letters.encode("“”")).mean()
    assert lives["quote_neuron"] == pytest.approx(math.log(0.5) / math.log(1 - marks), rel=0.01)
    assert lives["letter_neuron"] < 0.1


def naive_distances(values, start, end):
    x = (values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)
    like, length = x[:, start:end], end - start
    return [np.sqrt(((x[:, t : t + length] - like) ** 2).mean()) for t in range(x.shape[1] - length + 1)]


def test_the_nearest_passages_come_first_and_none_overlaps_another_or_the_one_asked_for():
    values = np.random.default_rng(0).normal(size=(3, 200))
    matches = alike(values, 50, 58, 100)
    expected = naive_distances(values, 50, 58)
    assert [match.distance for match in matches] == pytest.approx(
        [expected[match.start] for match in matches], abs=1e-5
    )
    assert [match.distance for match in matches] == sorted(match.distance for match in matches)
    taken = sorted([(match.start, match.end) for match in matches] + [(50, 58)])
    assert all(end <= start for (_, end), (start, _) in pairwise(taken))
    free = [t for t in range(193) if t + 8 <= 50 or t >= 58]
    assert matches[0].start == min(free, key=lambda t: expected[t])


def test_a_repeated_passage_is_found_at_distance_0_whatever_the_scale_of_the_units():
    values = np.random.default_rng(0).normal(size=(2, 100)) * np.array([[1.0], [900.0]])
    values[:, 70:76] = values[:, 20:26]
    (match,) = alike(values, 20, 26, 1)
    assert (match.start, match.end) == (70, 76)
    assert match.distance == pytest.approx(0, abs=1e-5)


def test_a_long_text_in_float32_keeps_distances_that_are_small():
    values = np.random.default_rng(0).normal(size=(1, 1_000_000)).astype(np.float32)
    values[:, 700_000:700_040] = values[:, 900_000:900_040] = values[:, 200:240]
    values[:, 900_020] += 0.1
    first, second = alike(values, 200, 240, 2)
    assert (first.start, first.distance) == (700_000, pytest.approx(0, abs=1e-5))
    assert (second.start, second.distance) == (900_000, pytest.approx(0.1 / np.sqrt(40), rel=1e-2))


def test_each_unit_is_paired_with_its_copy_under_any_sign_order_and_scale():
    first = np.random.default_rng(0).normal(size=(70, 400)).astype(np.float16)
    order = np.random.default_rng(1).permutation(70)
    signs = np.where(np.arange(70) % 2, 1, -3)[:, None]
    found = pairs(first, (first[order] * signs).astype(np.float16))
    assert {(pair.first, pair.second) for pair in found} == {(int(order[n]), n) for n in range(70)}
    assert all(abs(pair.correlation) > 0.999 for pair in found)
    assert all(np.sign(pair.correlation) == np.sign(signs[pair.second]) for pair in found)


def test_models_of_different_sizes_are_paired_as_far_as_units_go():
    random = np.random.default_rng(0)
    found = pairs(random.normal(size=(3, 50)), random.normal(size=(5, 50)))
    assert len(found) == 3
    assert len({pair.second for pair in found}) == 3
    sizes = [abs(pair.correlation) for pair in found]
    assert sizes == sorted(sizes, reverse=True)


def test_a_telling_passage_is_where_the_feature_changes_after_the_stretch_it_was_chosen_on():
    text = 'x = "a" + "b"\n' + "y = 1\n" * 20 + 'z = "c" + "d"\n' + "y = 1\n" * 20
    start = telling_passage(text, FEATURES["python_comment_or_string"], 14, after=30)
    assert text[start : start + 14] == 'z = "c" + "d"\n'


def test_a_telling_passage_of_a_text_without_lines_is_its_beginning():
    assert telling_passage("x" * 50, FEATURES["inside_quotes"], 10, after=25) == 25


def test_a_passage_of_a_text_of_one_line_begins_with_a_word():
    text = "one two three four five six (seven eight) nine ten eleven twelve"
    start = telling_passage(text, FEATURES["inside_parentheses"], 24, after=3)
    assert text[start - 1] == " "
