"""The laws of the measures: each against its definition, written as a loop over pairs or ranks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.neurons.measures import (
    Labels,
    average_precision,
    float16_midranks,
    interval,
    midranks,
    rank_products,
    score,
    strength,
)

law = settings(max_examples=60)
NAN = float("nan")


def naive_auc(values, labels):
    pairs = [(x, y) for x, a in zip(values, labels, strict=True) for y, b in zip(values, labels, strict=True) if a > b]
    return sum((x > y) + 0.5 * (x == y) for x, y in pairs) / len(pairs)


def naive_ranks(values):
    return np.array([sum(y < x for y in values) + (sum(y == x for y in values) + 1) / 2 for x in values])


def auc(values, labels):
    return score(strength(np.array(values, float), Labels.of(np.array(labels, float), binary=True)), binary=True)


def rho(values, labels):
    return strength(np.array(values, float), Labels.of(np.array(labels, float), binary=False))


@pytest.mark.parametrize(
    ("values", "labels", "expected"),
    [
        ((1, 2, 3, 4), (0, 0, 1, 1), 1.0),
        ((4, 3, 2, 1), (0, 0, 1, 1), 0.0),
        ((5, 5, 5, 5), (0, 1, 0, 1), 0.5),
        ((1, 2, 3, 4), (0, 1, 0, 1), 0.75),
        ((1, 1, 2), (0, 1, 1), 0.75),  # a tie is half a win
    ],
)
def test_auc_of_small_cases(values, labels, expected):
    assert auc(values, labels) == pytest.approx(expected)


scores = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=15)
mixed = scores.filter(lambda pairs: len({label for _, label in pairs}) == 2)


@law
@given(mixed)
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs):
    values, labels = zip(*pairs, strict=True)
    assert auc(values, labels) == pytest.approx(naive_auc(values, labels), abs=1e-6)


@law
@given(mixed)
def test_average_precision_is_the_mean_precision_at_each_character_that_is_on(pairs):
    values, labels = (np.array(side, float) for side in zip(*pairs, strict=True))
    precisions = [labels[values >= value].mean() for value in values[labels == 1]]
    assert average_precision(values, Labels.of(labels, binary=True)) == pytest.approx(np.mean(precisions))


@law
@given(st.lists(st.integers(-99, 99), min_size=2, max_size=15, unique=True))
def test_spearman_of_a_monotone_unit_is_1_or_its_negative(values):
    x = np.array(values, float)
    assert rho(np.arctan(x), x) == pytest.approx(1, abs=1e-5)
    assert rho(-(x**3), x) == pytest.approx(-1, abs=1e-5)


numbers = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=15)


@law
@given(numbers.filter(lambda pairs: all(len(set(side)) > 1 for side in zip(*pairs, strict=True))))
def test_spearman_is_the_correlation_of_ranks_with_ties_sharing_theirs(pairs):
    x, y = (np.array(side, float) for side in zip(*pairs, strict=True))
    assert rho(x, y) == pytest.approx(np.corrcoef(naive_ranks(x), naive_ranks(y))[0, 1], abs=1e-5)


def test_the_strength_of_a_unit_that_never_changes_is_0():
    assert rho([2, 2, 2], [1, 2, 3]) == auc([2, 2, 2], [1, 0, 0]) - 0.5 == 0


@law
@given(st.lists(st.floats(-60000, 60000, width=16), min_size=1, max_size=20))
def test_counting_ranks_float16_as_sorting_does(values):
    rows = np.array([values, values[::-1]], np.float16)
    np.testing.assert_allclose(float16_midranks(rows), [midranks(row) for row in rows], atol=1e-6)
    centred = (naive_ranks(rows[0]) - (len(values) + 1) / 2) / len(values)
    np.testing.assert_allclose(midranks(rows[0]), centred, atol=1e-6)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("hidden", [0, 7])
def test_many_units_are_measured_as_each_by_itself(binary, hidden, monkeypatch):
    monkeypatch.setattr("charrnn.neurons.measures.BLOCK", 2)
    random = np.random.default_rng(0)
    values = random.normal(size=(5, 40)).astype(np.float16)
    truth = random.integers(0, 2 if binary else 6, (3, 40)).astype(float)
    truth[:, :hidden] = NAN
    labels = [Labels.of(row, binary) for row in truth]
    products, squares = rank_products(values, labels[0].places, np.stack([each.targets for each in labels]))
    for column, each in enumerate(labels):
        singles = [strength(row[each.places], each) for row in values]
        np.testing.assert_allclose(each.strengths(products[:, column], squares), singles, atol=1e-5)


def test_characters_without_a_label_are_left_out():
    labels = Labels.of(np.array([0, NAN, 1, 0, NAN, 1]), binary=True)
    assert labels.places.tolist() == [0, 2, 3, 5]
    assert labels.values.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("binary", [True, False])
def test_the_interval_holds_the_score_and_widens_with_fewer_characters(binary):
    random = np.random.default_rng(3)
    widths = []
    for characters in (400, 40_000):
        truth = random.integers(0, 2 if binary else 9, characters).astype(float)
        values, labels = truth + 3 * random.normal(size=characters), Labels.of(truth, binary)
        low, high = interval(values, labels, np.random.default_rng(1))
        assert low < strength(values, labels) < high
        widths.append(high - low)
    assert widths[0] > 5 * widths[1]


@pytest.mark.parametrize("binary", [True, False])
def test_the_interval_of_a_unit_that_never_changes_is_chance(binary):
    labels = Labels.of(np.arange(500) % 2.0, binary)
    assert interval(np.full(500, 0.25), labels, np.random.default_rng(1)) == (0, 0)


def test_the_interval_covers_the_true_strength_about_as_often_as_it_says():
    random, covered = np.random.default_rng(5), 0
    for _ in range(60):
        truth = random.integers(0, 2, 1000).astype(float)
        low, high = interval(truth + random.normal(size=1000), Labels.of(truth, binary=True), random)
        covered += low < 2 * 0.7602 - 1 < high  # Φ(1/√2) = 0.7602
    assert covered >= 51  # of 57 expected
