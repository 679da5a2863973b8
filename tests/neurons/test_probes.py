"""Probes equal their definition, choose their penalty on text of their own, and tell how few units do as well."""

import numpy as np
import pytest

from charrnn.neurons.measures import Labels, strength
from charrnn.neurons.probes import RIDGES, Rows, few, fit

T = 4000
STRETCHES = np.arange(T) // 500


def rows_of(values):
    return Rows(np.asarray(values, np.float32), slice(0, len(values)))


def fitted(labels, binary=True):
    return Labels.of(np.where(np.arange(T) < T // 2, labels, np.nan), binary)


def measured(labels, binary=True):
    return Labels.of(np.where(np.arange(T) >= T // 2, labels, np.nan), binary)


def test_a_probe_is_the_ridge_regression_of_its_penalty():
    random = np.random.default_rng(1)
    labels, values = random.integers(0, 2, T).astype(float), random.normal(2, 3, (5, T))
    values[1] += labels
    (probe,), _ = fit(rows_of(values), [fitted(labels)], STRETCHES)
    x, y = values[:, : T // 2].T, labels[: T // 2] - labels[: T // 2].mean()
    x = (x - x.mean(0)) / x.std(0)
    expected = np.linalg.solve(x.T @ x / len(x) + probe.ridge * np.eye(5), x.T @ y / len(x))
    np.testing.assert_allclose(probe.weights * values[:, : T // 2].std(1), expected, rtol=1e-3)


def test_many_noisy_inputs_ask_for_a_larger_penalty_than_one_clear_one():
    random = np.random.default_rng(2)
    labels = np.repeat(random.integers(0, 2, T // 20), 20).astype(float)
    noisy = 0.5 * labels + np.repeat(random.normal(size=(60, T // 20)), 20, axis=1)
    (many,), _ = fit(rows_of(noisy), [fitted(labels)], STRETCHES)
    (one,), _ = fit(rows_of(labels[None] + 0.1 * random.normal(size=(1, T))), [fitted(labels)], STRETCHES)
    assert many.ridge > one.ridge == RIDGES[0]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_pursuit_takes_the_units_that_carry_a_feature_and_stops_gaining_there(count):
    random = np.random.default_rng(3)
    values = random.normal(size=(30, T))
    labels = (values[:count].sum(0) > 0).astype(float)
    (probe,), moments = fit(rows_of(values), [fitted(labels)], STRETCHES)
    taken, curve = few(moments, 0, probe.ridge, rows_of(values), measured(labels))
    whole = strength(probe.predict(rows_of(values), measured(labels).places), measured(labels))
    assert set(taken[:count]) == set(range(count))
    enough = next(step.units for step in curve if step.strength >= 0.95 * whole)
    assert enough == count
