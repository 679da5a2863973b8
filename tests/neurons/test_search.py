"""Planted units are found and told from mere letter detectors; what is not there is not found."""

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.model.config import CELL_NAMES
from charrnn.model.units import Unit
from charrnn.neurons.best import best_unit
from charrnn.neurons.columns import Columns, recorded_columns
from charrnn.neurons.controls import Untrained, untrained_strengths
from charrnn.neurons.features import FEATURES, Feature
from charrnn.neurons.measures import Labels, score, strength
from charrnn.neurons.recording import record
from charrnn.neurons.search import search
from charrnn.neurons.stretches import REPORT, Stretches
from charrnn.neurons.tasks import task_of, thinned

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
    found = find(planted.quote_neuron, [signal], seed=1, inside=40, outside=40, again=0.05)
    assert (found.unit, found.signal, found.verdict) == (Unit(0, planted.unit), signal, "single unit")
    assert found.score > 0.999
    assert (found.kind, found.metric) == ("binary", "AUC")
    assert found.low <= found.score <= found.high
    assert found.p_value < 0.001  # no shift did as well
    assert found.units_needed == 1
    assert found.surface_score < 0.75
    assert found.average_precision > 0.99
    assert 0.4 < found.share < 0.6


def test_a_unit_that_only_marks_the_letter_is_no_better_than_the_text(planted, find):
    found = find(planted.letter_neuron, seed=2, inside=4, outside=30)
    assert (found.unit, found.verdict) == (Unit(0, planted.unit), "baseline")
    assert found.p_value < 0.05  # it does go along with quotations
    assert found.named.startswith("no better than ")
    assert found.surface_score > 0.9


def test_a_letter_detector_does_not_pass_for_a_quote_neuron_in_long_quotations(planted, find):
    assert find(planted.letter_neuron, seed=3, inside=60, outside=60).verdict in ("not found", "baseline")


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
    offsets = np.random.default_rng(2).integers(400, 3600, 60)
    shuffled = [feature(np.roll(labels, by), name=f"{n}") for n, by in enumerate(offsets)]
    found = search(columns_of(values), ids, characters, [feature(labels), *shuffled])
    assert found[0].verdict == "single unit"
    assert sum(each.p_value < 0.05 for each in found[1:]) <= 0.05 * 60 + 5  # three standard deviations
    assert sum(each.verdict in ("single unit", "distributed") for each in found[1:]) <= 1


def test_wandering_units_do_not_pass_for_a_layer_that_knows_a_feature_of_one_stretch():
    """The probe's score is large by chance where little changes: it must do better than on shifted labels too."""
    characters, values = letters(4000), np.tanh(np.cumsum(noise(characters=4000), axis=1) / 30)
    ids = np.frombuffer(characters.encode(), np.uint8)
    asked = []
    for number, (first, second) in enumerate(np.random.default_rng(4).integers(200, 1900, (40, 2))):
        labels = np.zeros(4000)
        labels[first : first + 80] = labels[2000 + second : 2080 + second] = 1
        asked.append(feature(labels, name=f"{number}"))
    found = search(columns_of(values.astype(np.float16)), ids, characters, asked)
    large = sum(each.layer_score > 0.65 for each in found)
    assert large > 15
    assert sum(each.verdict in ("single unit", "distributed") for each in found) <= 1


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_unit_of_any_layer_and_sign_is_chosen(layers, sign):
    characters, labels = letters(2000), runs(2000, 3)
    values = noise(characters=2000)
    values[7] = sign * labels
    (found,) = search(
        columns_of(values, layers), np.frombuffer(characters.encode(), np.uint8), characters, [feature(labels)]
    )
    assert (found.unit, found.sign) == (Unit(*divmod(7, 12 // layers)), sign)
    assert found.score == pytest.approx(1, abs=1e-4)


def test_a_unit_of_one_half_alone_is_told_with_its_score_on_the_other():
    characters, labels = letters(2000), runs(2000, 3)
    halves, values = Stretches.over(2000).halves, noise(characters=2000)
    values[7] += (4 * labels * (halves != REPORT)).astype(np.float16)
    values[2] += (3 * labels * (halves == REPORT)).astype(np.float16)
    (found,) = search(columns_of(values), np.frombuffer(characters.encode(), np.uint8), characters, [feature(labels)])
    assert found.verdict not in ("single unit", "distributed")
    assert not found.agree
    assert {each.unit.index for each in found.candidates} >= {2, 7}
    seven = next(each for each in found.candidates if each.unit.index == 7)
    assert seven.discover > 0.95 > 0.65 > seven.report


def test_every_figure_is_of_the_half_that_did_not_choose():
    characters, labels = letters(2000), runs(2000, 3)
    halves, values = Stretches.over(2000).halves, noise(characters=2000)
    values[7] += (2 * labels).astype(np.float16)
    (found,) = search(columns_of(values), np.frombuffer(characters.encode(), np.uint8), characters, [feature(labels)])
    assert found.chosen_on == "discover"
    where = halves == REPORT
    expected = strength(values[7, where], Labels.of(labels[where], binary=True))
    assert found.score == pytest.approx(score(expected, binary=True))
    assert found.candidates[0].report == pytest.approx(found.score, abs=1e-5)


def test_two_units_planted_as_a_pair_are_distributed_over_two():
    characters, values = letters(6000), noise(characters=6000)
    first, second = runs(6000, 3, 20), runs(6000, 4, 33)
    values[3], values[8] = first + 0.05 * values[3], second + 0.05 * values[8]
    both = (first * second).astype(float)
    (found,) = search(columns_of(values), np.frombuffer(characters.encode(), np.uint8), characters, [feature(both)])
    assert (found.verdict, found.units_needed) == ("distributed", 2)
    assert found.named == "distributed over 2 units"
    assert {each.index for each in found.curve_units[:2]} == {3, 8}


@pytest.mark.parametrize("cell", CELL_NAMES)
def test_a_planted_quote_neuron_ranks_first_in_every_cell(planted, find, cell):
    found = find(planted.quote_neuron_in(cell), seed=1, inside=40, outside=40, again=0.05)
    assert (found.unit, found.verdict) == (Unit(0, planted.unit), "single unit")
    assert found.score > 0.999
    assert found.candidates[0].unit == found.curve_units[0] == found.unit


@pytest.mark.parametrize("cell", CELL_NAMES)
def test_two_neurons_planted_in_a_cell_are_distributed_over_two_units(planted, cell):
    text = planted.text(seed=2, inside=40, outside=40, again=0.05, length=12_000)
    switched = np.array([{"a": 1.0, "b": 0.0}.get(character, np.nan) for character in text])
    places = np.maximum.accumulate(np.where(np.isnan(switched), 0, np.arange(len(text))))
    both = QUOTES.values(text) * np.nan_to_num(switched[places])
    ids = planted.letters.encode(text)
    with recorded_columns(planted.two_neurons_in(cell), ids, ["h"]) as columns:
        (found,) = search(columns, ids, text, [feature(both)])
    assert found.named == "distributed over 2 units"
    assert set(found.curve_units[:2]) == {Unit(0, planted.unit), Unit(0, planted.other_unit)}


@pytest.mark.parametrize("signals", [("h",), ("h", "tanh_c")])
def test_the_curve_begins_with_the_chosen_unit_though_another_correlates_more(signals):
    """It is on wherever the feature is, but by very different amounts; with two signals it is not the best layer's."""
    characters, labels = letters(4000), runs(4000, 3)
    values = noise(units=12)
    once, again, shared = noise(3, seed=5).astype(float)
    values[7] = labels * np.exp(2 * once).clip(0.3, 900) + 0.1 * again
    values[3], values[4] = labels + 0.6 * shared, labels - 0.6 * shared
    ids = np.frombuffer(characters.encode(), np.uint8)
    columns = Columns(values, signals, 1, 12 // len(signals))
    (found,) = search(columns, ids, characters, [feature(labels)])
    assert (found.signal, found.unit) == columns.unit(7)
    assert found.curve_units[0] == found.unit
    assert found.curve[0].score == pytest.approx(found.score, abs=1e-3)
    assert len(set(found.curve_units)) == len(found.curve_units)


def test_what_an_untrained_network_has_as_well_is_no_finding():
    characters, labels = letters(4000), runs(4000, 3)
    values = noise()
    values[4] = labels + 0.5 * noise(1, seed=5)[0]
    ids = np.frombuffer(characters.encode(), np.uint8)
    for control, said in ((Untrained(0.3, 0.3), "single unit"), (Untrained(0.85, 0.85), "baseline")):
        (found,) = search(
            columns_of(values), ids, characters, [feature(labels)], untrained=lambda _, c=control: {"planted": c}
        )
        assert found.verdict == said
    assert found.named == "no better than an untrained network"


def test_an_untrained_network_is_searched_as_a_model_is(planted):
    text = planted.text(seed=5, inside=20, outside=20)
    ids, over = planted.letters.encode(text), Stretches.over(len(text))
    tasks = [task_of(QUOTES, text, "", over)]
    read = []
    found = untrained_strengths(planted.quote_neuron, ids, tasks, ["h"], over, on_read=read.append)
    assert sum(read) == len(text)
    assert 0 < found["inside_quotes"].unit < 0.9
    assert found["inside_quotes"].layer < 0.99
    assert found == untrained_strengths(planted.letter_neuron, ids, tasks, ["h"], over)  # of the same shape


def test_a_task_over_fewer_stretches_is_that_of_their_text(planted):
    text = planted.text(seed=7, inside=20, outside=20, length=90_000)
    over = Stretches.over(len(text))
    some = over.thinned(30_000)
    whole, read = task_of(QUOTES, text, "", over), some.of(np.array(list(text)))
    few = thinned(whole, over, some)
    for labels, own in zip(few.halves, whole.halves, strict=True):
        expected = QUOTES.values(text)[some.places[labels.places]]
        np.testing.assert_array_equal(labels.values, expected)
        assert len(read) > len(labels.values) > 0.8 * len(own.values) / 3
    assert [len(each.values) for each in few.halves] == [int((some.halves == half).sum()) for half in (0, 1)]


def test_what_is_spread_over_many_units_is_distributed():
    characters, labels = letters(4000), runs(4000, 3)
    values = (0.35 * labels + noise(units=60)).astype(np.float16)
    (found,) = search(columns_of(values), np.frombuffer(characters.encode(), np.uint8), characters, [feature(labels)])
    assert found.verdict == "distributed"
    assert found.layer_score > 0.9 > found.score
    assert found.layer_p_value < 0.001
    assert found.units_needed > 8 or found.units_needed is None


def test_a_count_is_measured_by_its_rank_correlation():
    characters = letters(2000)
    labels = np.arange(2000) % 17.0
    values = noise(characters=2000)
    values[5] = -np.tanh(labels / 5)
    (found,) = search(
        columns_of(values), np.frombuffer(characters.encode(), np.uint8), characters, [feature(labels, binary=False)]
    )
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
    first, again, other = (
        search(columns_of(noise(characters=2000)), ids, characters, [feature(labels)], "", seed) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_the_best_unit_alone_is_the_one_that_the_search_finds():
    characters, labels = letters(2000), runs(2000, 3)
    values = noise(characters=2000)
    values[7] -= 2 * labels.astype(np.float16)
    best = best_unit(columns_of(values, 2), characters, feature(labels))
    (found,) = search(
        columns_of(values, 2), np.frombuffer(characters.encode(), np.uint8), characters, [feature(labels)]
    )
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
    assert found.score == pytest.approx(1)
    assert best_unit(columns_of(values), part, QUOTES, before).score == pytest.approx(1)


def test_columns_hold_what_is_recorded(each_model, ids):
    whole = record(each_model, ids, ["h"]).signals["h"]
    with recorded_columns(each_model, ids, ["h"]) as columns:
        for row in range(len(columns.values)):
            signal, unit = columns.unit(row)
            assert columns.row(signal, unit) == row
            np.testing.assert_allclose(columns.values[row], whole[unit.layer, :, unit.index], atol=1e-3)
        assert columns.layer_of(7) == slice(5, 10)
