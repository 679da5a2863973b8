"""Planted units are found and told from mere letter detectors; what is not there is not found."""

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.model.units import Unit
from charrnn.neurons.columns import Columns, recorded_columns
from charrnn.neurons.controls import Surface
from charrnn.neurons.features import FEATURES, Feature
from charrnn.neurons.measures import Labels, score, strength
from charrnn.neurons.recording import record
from charrnn.neurons.search import best_unit, search

QUOTES = FEATURES["inside_quotes"]


@pytest.fixture
def find(planted):
    """A function that searches what a planted network does over a text of quotations."""

    def find(model, signals=("h",), **text):
        characters = planted.text(**text)
        ids = planted.letters.encode(characters)
        with recorded_columns(model, ids, signals) as columns:
            return search(columns, ids, characters, [QUOTES])[0]

    return find


@pytest.mark.parametrize("signal", ["h", "tanh_c"])
def test_a_planted_quote_neuron_is_found_as_a_single_unit(planted, find, signal):
    found = find(planted.quote_neuron, [signal], seed=1, inside=40, outside=40)
    assert (found.unit, found.signal, found.verdict) == (Unit(0, planted.unit), signal, "single unit")
    assert found.score > 0.999
    assert (found.kind, found.metric) == ("binary", "AUC")
    assert found.low <= found.score <= found.high
    assert found.p_value == 1 / 201  # none of 200 shifts did as well
    assert found.surface_score < 0.75
    assert found.average_precision > 0.99
    assert 0.4 < found.share < 0.6


def test_a_unit_that_only_marks_the_letter_is_called_surface(planted, find):
    found = find(planted.letter_neuron, seed=2, inside=4, outside=30)
    assert (found.unit, found.verdict) == (Unit(0, planted.unit), "surface")
    assert found.p_value < 0.05  # it does go along with quotations
    assert found.surface_score > 0.9


def test_a_letter_detector_does_not_pass_for_a_quote_neuron_in_long_quotations(planted, find):
    assert find(planted.letter_neuron, seed=3, inside=60, outside=60).verdict in ("not found", "surface")


def noise(units=12, characters=4000, seed=0):
    return np.random.default_rng(seed).normal(size=(units, characters)).astype(np.float16)


def columns_of(values, layers=1):
    return Columns(values, ("h",), layers, len(values) // layers)


def feature(labels, binary=True, name="planted"):
    return Feature(name, "as planted", binary, lambda characters: labels)


def runs(characters, seed, mean=30):
    """Labels that are on and off in runs, as most features are."""
    lengths = np.random.default_rng(seed).integers(1, 2 * mean, characters)
    return np.repeat(np.arange(characters) % 2, lengths)[:characters].astype(float)


def letters(characters, seed=9):
    return "".join(np.random.default_rng(seed).choice(list("abcdef"), characters))


def test_shuffled_labels_are_found_no_more_often_than_the_stated_error_rate():
    characters, labels = letters(4000), runs(4000, 1)
    values = noise()
    values[4] = labels + 0.3 * noise(1)[0]  # a perfect unit, for the labels where they belong
    ids = np.frombuffer(characters.encode(), np.uint8)
    offsets = np.random.default_rng(2).integers(400, 3600, 200)
    shuffled = [feature(np.roll(labels, by), name=f"{n}") for n, by in enumerate(offsets)]
    found = search(columns_of(values), ids, characters, [feature(labels), *shuffled])
    assert found[0].verdict == "single unit"
    assert sum(each.p_value < 0.05 for each in found[1:]) <= 0.05 * 200 + 9  # three standard deviations
    assert sum(each.verdict in ("single unit", "distributed") for each in found[1:]) <= 0.05 * 200


def test_wandering_units_do_not_pass_for_a_layer_that_knows_a_feature_of_one_stretch():
    """The probe's score is large by chance where little changes: it must do better than on shifted labels too."""
    characters, values = letters(4000), np.tanh(np.cumsum(noise(characters=4000), axis=1) / 30)
    ids = np.frombuffer(characters.encode(), np.uint8)
    asked = []
    for number, (first, second) in enumerate(np.random.default_rng(4).integers(0, 1900, (60, 2))):
        labels = np.zeros(4000)
        labels[first : first + 80] = labels[2000 + second : 2080 + second] = 1
        asked.append(feature(labels, name=f"{number}"))
    found = search(columns_of(values.astype(np.float16)), ids, characters, asked)
    large = sum(each.layer_score > 0.65 for each in found)
    assert large > 15
    assert (
        sum(each.verdict in ("single unit", "distributed") for each in found) <= 0.05 * 60 + 5
    )  # three standard deviations


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_unit_of_any_layer_and_sign_is_chosen(layers, sign):
    characters, labels = letters(2000), runs(2000, 3)
    values = noise(characters=2000)
    values[7] = sign * labels
    (found,) = search(columns_of(values, layers), np.frombuffer(characters.encode(), np.uint8), characters,
                      [feature(labels)])  # fmt: skip
    assert (found.unit, found.sign) == (Unit(*divmod(7, 12 // layers)), sign)
    assert found.score == pytest.approx(1, abs=1e-4)


def test_every_figure_is_of_the_second_half():
    characters, labels = letters(2000), runs(2000, 3)
    values = noise(characters=2000)
    values[7, :1000] = labels[:1000]
    values[2, 1000:] = labels[1000:]
    (found,) = search(columns_of(values), np.frombuffer(characters.encode(), np.uint8), characters, [feature(labels)])
    assert found.unit == Unit(0, 7)  # the second half has no say in the choice
    expected = strength(found.sign * values[7, 1000:], Labels.of(labels[1000:], binary=True))
    assert found.score == pytest.approx(score(expected, binary=True))
    assert found.score < 0.65


def test_what_is_spread_over_many_units_is_distributed():
    characters, labels = letters(4000), runs(4000, 3)
    values = (0.35 * labels + noise(units=60)).astype(np.float16)
    (found,) = search(columns_of(values), np.frombuffer(characters.encode(), np.uint8), characters, [feature(labels)])
    assert found.verdict == "distributed"
    assert found.layer_score > 0.9 > found.score
    assert found.layer_p_value == 1 / 201


def test_a_count_is_measured_by_its_rank_correlation():
    characters = letters(2000)
    labels = np.arange(2000) % 17.0
    values = noise(characters=2000)
    values[5] = -np.tanh(labels / 5)
    (found,) = search(columns_of(values), np.frombuffer(characters.encode(), np.uint8), characters,
                      [feature(labels, binary=False)])  # fmt: skip
    assert (found.unit, found.metric, found.sign) == (Unit(0, 5), "Spearman's ρ", -1)
    assert found.score == pytest.approx(1, abs=1e-2)
    assert found.average_precision is None


def test_what_hardly_changes_is_named_and_the_rest_is_found_in_the_order_asked_for():
    characters, labels = letters(2000), runs(2000, 3)
    values, rare = noise(characters=2000), np.zeros(2000)
    rare[:40] = 1
    part = labels.copy()
    part[::7] = np.nan
    asked = [feature(labels, name="a"), feature(rare, name="rare"), feature(part, name="b"), feature(labels, name="c")]
    found = search(columns_of(values), np.frombuffer(characters.encode(), np.uint8), characters, asked)
    assert [each if isinstance(each, str) else each.feature for each in found] == ["a", "rare", "b", "c"]
    assert found[1] == "rare"


def test_the_same_seed_gives_the_same_figures():
    characters, labels = letters(2000), runs(2000, 3)
    ids = np.frombuffer(characters.encode(), np.uint8)
    first, again, other = (search(columns_of(noise(characters=2000)), ids, characters, [feature(labels)], "", seed)
                           for seed in (1, 1, 2))  # fmt: skip
    assert first == again != other


def test_the_best_unit_alone_is_the_one_that_the_search_finds():
    characters, labels = letters(2000), runs(2000, 3)
    values = noise(characters=2000)
    values[7] -= 2 * labels.astype(np.float16)
    best = best_unit(columns_of(values, 2), characters, feature(labels))
    (found,) = search(columns_of(values, 2), np.frombuffer(characters.encode(), np.uint8), characters,
                      [feature(labels)])  # fmt: skip
    assert (best.unit, best.signal, best.metric) == (found.unit, found.signal, found.metric)
    assert best.score == pytest.approx(found.score)
    with pytest.raises(ConfigError, match="planted is on nowhere in 2,000 characters"):
        best_unit(columns_of(values), characters, feature(np.zeros(2000)))


def test_what_stands_before_a_part_tells_whether_it_begins_inside(planted):
    whole = "“" + planted.text(seed=6, inside=40, outside=40)
    cut = whole.index("“", 2000) + 5
    before, part = whole[:cut], whole[cut:]
    ids = planted.letters.encode(part)
    labels = QUOTES.values(whole)[cut:]
    values = noise(2, len(part))
    values[1] = labels
    assert QUOTES.values(part)[0] != labels[0] == 1
    (found,) = search(columns_of(values), ids, part, [QUOTES], before)
    assert found.score == 1
    assert best_unit(columns_of(values), part, QUOTES, before).score == 1


def test_the_last_characters_tell_what_they_tell_and_no_more():
    characters = letters(6000)
    ids = np.frombuffer(characters.encode(), np.uint8)
    near = np.array([characters[max(0, t - 4) : t + 1].endswith(("ab", "abc", "abd")) for t in range(6000)], float)
    far = np.array([characters[max(0, t - 6)] == "a" for t in range(6000)], float)
    anywhere = np.array(["a" in characters[max(0, t - 4) : t + 1] for t in range(6000)], float)
    surface = Surface(ids)
    for labels, low, high in ((near, 0.99, 1.001), (anywhere, 0.99, 1.001), (far, 0.4, 0.6)):
        discover, report = Labels.of(labels[:3000], binary=True), Labels.of(labels[3000:], binary=True)
        assert low <= score(surface.strength(discover, report, 3000), binary=True) <= high


def test_columns_hold_what_is_recorded(each_model, ids):
    whole = record(each_model, ids, ["h"]).signals["h"]
    with recorded_columns(each_model, ids, ["h"]) as columns:
        for row in range(len(columns.values)):
            signal, unit = columns.unit(row)
            assert columns.row(signal, unit) == row
            np.testing.assert_allclose(columns.values[row], whole[unit.layer, :, unit.index], atol=1e-3)
        assert columns.layer_of(7) == slice(5, 10)
