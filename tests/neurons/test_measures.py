"""The laws of the measures: each against its definition, written as a loop over pairs or ranks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.neurons.measures import (
    Labels,
    adjusted,
    average_precision,
    float16_midranks,
    midranks,
    rank_products,
    score,
    shift_p_value,
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
def test_the_p_value_counts_the_shifts_that_do_as_well(binary):
    random = np.random.default_rng(4)
    labels = Labels.of(random.integers(0, 2 if binary else 5, 60).astype(float), binary)
    values = labels.values + random.normal(size=60)
    shifts = [strength(values, Labels.of(np.roll(labels.values, by), binary)) for by in range(3, 58)]
    as_good = sum(each >= strength(values, labels) - 1e-9 for each in shifts)
    assert shift_p_value(values, labels) == pytest.approx((1 + as_good) / (1 + len(shifts)))


@law
@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=12))
def test_q_values_reject_what_benjamini_and_hochberg_reject(p_values):
    q_values, m = adjusted(p_values), len(p_values)
    for rate in (0.01, 0.05, 0.3):
        passed = [k for k, p in enumerate(sorted(p_values), 1) if p <= rate * k / m]
        assert sum(q <= rate + 1e-12 for q in q_values) >= max(passed, default=0)
        assert sum(q <= rate - 1e-12 for q in q_values) <= max(passed, default=0)
    assert all(q >= p - 1e-12 for p, q in zip(p_values, q_values, strict=True))
