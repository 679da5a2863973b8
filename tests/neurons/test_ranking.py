"""The laws of the measures, and that a planted unit is found and measured where it was not chosen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.errors import ConfigError
from charrnn.model.units import Unit
from charrnn.neurons.features import FEATURES, Feature
from charrnn.neurons.ranking import auc, best_unit, spearman, telling_passage
from charrnn.neurons.recording import Recording

law = settings(deadline=None, max_examples=60)
NAN = float("nan")


def column(*values):
    return np.array(values, float)[:, None]


def naive_auc(values, labels):
    pairs = [(x, y) for x, a in zip(values, labels, strict=True) for y, b in zip(values, labels, strict=True) if a > b]
    a = sum((x > y) + 0.5 * (x == y) for x, y in pairs) / len(pairs)
    return max(a, 1 - a)


def naive_ranks(values):
    return np.array([sum(y < x for y in values) + (sum(y == x for y in values) + 1) / 2 for x in values])


@pytest.mark.parametrize(
    ("values", "labels", "expected"),
    [
        ((1, 2, 3, 4), (0, 0, 1, 1), 1.0),
        ((4, 3, 2, 1), (0, 0, 1, 1), 1.0),  # sign-free
        ((5, 5, 5, 5), (0, 1, 0, 1), 0.5),
        ((1, 2, 3, 4), (0, 1, 0, 1), 0.75),
        ((1, 2, 3, 4), (0, 1, 1, 0), 0.5),
        ((1, 1, 2), (0, 1, 1), 0.75),  # a tie is half a win
    ],
)
def test_auc_of_small_cases(values, labels, expected):
    assert auc(column(*values), np.array(labels, float))[0] == pytest.approx(expected)


scores = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=15)


@law
@given(scores.filter(lambda pairs: len({label for _, label in pairs}) == 2))
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs):
    values, labels = zip(*pairs, strict=True)
    assert auc(column(*values), np.array(labels, float))[0] == pytest.approx(naive_auc(values, labels))


@law
@given(scores.filter(lambda pairs: len({label for _, label in pairs}) == 2))
def test_auc_does_not_change_with_the_sign_or_scale_of_a_unit(pairs):
    values, labels = column(*(v for v, _ in pairs)), np.array([a for _, a in pairs], float)
    expected = auc(values, labels)
    for other in (-values, np.tanh(values), 3 * values + 7):
        assert auc(other, labels) == pytest.approx(expected)


@law
@given(st.lists(st.integers(-99, 99), min_size=2, max_size=15, unique=True))
def test_spearman_of_a_monotone_unit_is_1(values):
    x = np.array(values, float)
    assert spearman(column(*np.arctan(x)), x)[0] == pytest.approx(1)
    assert spearman(column(*(-(x**3))), x)[0] == pytest.approx(1)


numbers = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=15)


@law
@given(numbers.filter(lambda pairs: all(len(set(side)) > 1 for side in zip(*pairs, strict=True))))
def test_spearman_is_the_correlation_of_ranks_with_ties_sharing_theirs(pairs):
    x, y = (np.array(side, float) for side in zip(*pairs, strict=True))
    expected = abs(np.corrcoef(naive_ranks(x), naive_ranks(y))[0, 1])
    assert spearman(column(*x), y)[0] == pytest.approx(expected)


def test_spearman_of_a_unit_that_never_changes_is_0():
    assert spearman(column(2, 2, 2), np.array([1.0, 2, 3]))[0] == 0


@pytest.mark.parametrize("score", [auc, spearman])
def test_characters_without_a_label_are_left_out(score):
    values, labels = column(1, 99, 2, 3, -99, 4), np.array([0, NAN, 1, 0, NAN, 1])
    defined = [0, 2, 3, 5]
    assert score(values, labels) == score(values[defined], labels[defined])


@pytest.mark.parametrize("score", [auc, spearman])
def test_every_column_is_scored_by_itself(score):
    random = np.random.default_rng(0)
    values, labels = random.normal(size=(30, 4)), (random.random(30) > 0.5).astype(float)
    singles = [score(values[:, n : n + 1], labels)[0] for n in range(4)]
    np.testing.assert_allclose(score(values, labels), singles)


def planted(labels, unit, noise_on=slice(0, 0)):
    """A recording of 3 layers of 4 units of noise, one of which follows the labels except where noise is put."""
    signals = np.random.default_rng(5).normal(size=(3, len(labels), 4))
    signals[unit.layer, :, unit.index] = -2 * labels
    signals[unit.layer, noise_on, unit.index] = np.random.default_rng(6).normal(size=len(labels))[noise_on]
    nothing = np.zeros((len(labels), 0))
    return Recording(np.zeros(len(labels), int), {"h": signals}, nothing.astype(int), nothing)


def feature(labels, binary=True):
    return Feature("planted", "as planted", binary, lambda text: labels)


@pytest.mark.parametrize("unit", [Unit(0, 3), Unit(2, 1)])
@pytest.mark.parametrize(("binary", "metric"), [(True, "AUC"), (False, "Spearman's ρ")])
def test_a_planted_unit_ranks_first(unit, binary, metric):
    labels = np.arange(201) % (2 if binary else 9) * 1.0
    found = best_unit(planted(labels, unit), "h", feature(labels, binary), "x" * 201)
    assert (found.unit, found.metric) == (unit, metric)
    assert found.score == pytest.approx(1)
    assert (found.chosen_on, found.measured_on) == (100, 101)


def test_the_score_is_measured_on_the_second_half_only():
    labels, unit = np.arange(200) % 2 * 1.0, Unit(1, 2)
    recording = planted(labels, unit, noise_on=slice(100, 200))
    found = best_unit(recording, "h", feature(labels), "x" * 200)
    assert found.unit == unit  # it is perfect where it is chosen
    assert found.score == auc(recording.signals["h"][1, 100:, 2:3], labels[100:])[0]
    assert found.score < 0.7


def test_the_second_half_has_no_say_in_the_choice():
    labels, unit = np.arange(200) % 2 * 1.0, Unit(1, 2)
    recording = planted(labels, unit, noise_on=slice(0, 100))
    recording.signals["h"][0, :100, 3] = labels[:100]
    assert best_unit(recording, "h", feature(labels), "x" * 200).unit == Unit(0, 3)


@pytest.mark.parametrize("constant", [slice(0, 10), slice(10, 20)])
def test_a_feature_that_never_changes_in_a_half_is_refused(constant):
    labels = np.arange(20) % 2 * 1.0
    labels[constant] = NAN
    with pytest.raises(ConfigError, match="planted never changes over 10 characters"):
        best_unit(planted(labels, Unit(0, 0)), "h", feature(labels), "x" * 20)


def test_a_telling_passage_is_where_the_feature_changes_after_the_stretch_it_was_chosen_on():
    text = 'x = "a" + "b"\n' + "y = 1\n" * 20 + 'z = "c" + "d"\n' + "y = 1\n" * 20
    start = telling_passage(text, FEATURES["python_comment_or_string"], 14, after=30)
    assert text[start : start + 14] == 'z = "c" + "d"\n'


def test_a_telling_passage_of_a_text_without_lines_is_its_beginning():
    assert telling_passage("x" * 50, FEATURES["inside_quotes"], 10, after=25) == 25
