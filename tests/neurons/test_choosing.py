"""The unit that does well on both halves is chosen, and it is said where there is none."""

import numpy as np
import pytest

from charrnn.neurons.choosing import choices, choose
from charrnn.neurons.columns import Columns
from charrnn.neurons.features import Feature
from charrnn.neurons.stretches import DISCOVER, REPORT, Stretches
from charrnn.neurons.tasks import groups, task_of
from charrnn.neurons.verdicts import Evidence, verdict


def test_a_unit_that_both_halves_prefer_is_chosen_on_the_first():
    found = choose(np.array([0.1, -0.8, 0.5]), np.array([0.2, -0.7, 0.6]))
    assert (found.best.row, found.best.sign, found.chosen_on, found.looks) == (1, -1, DISCOVER, 1)
    assert found.agree
    assert found.best.strengths == pytest.approx((0.8, 0.7))


def test_a_unit_that_is_good_on_both_is_preferred_to_one_that_a_half_ranks_first_by_a_hair():
    found = choose(np.array([-0.60, 0.59, 0.1]), np.array([-0.48, 0.92, 0.1]))
    assert (found.best.row, found.chosen_on, found.measured_on) == (1, REPORT, DISCOVER)
    assert found.agree
    assert found.looks == 2


def test_halves_disagree_where_each_prefers_a_unit_that_fails_on_the_other():
    assert not choose(np.array([0.9, 0.4]), np.array([0.4, 0.9])).agree
    assert not choose(np.array([0.9, 0.1]), np.array([-0.9, 0.1])).agree


def test_three_units_are_told_with_their_strengths_on_both_halves():
    found = choose(np.array([0.9, 0.1, 0.8, 0.7, 0.2]), np.array([0.9, 0.85, 0.7, 0.1, 0.2]))
    assert [each.row for each in found.candidates] == [0, 2, 1]


def test_what_is_measured_roughly_first_chooses_as_measuring_all_exactly_does():
    random = np.random.default_rng(5)
    text = "x" * 4000
    values = np.tanh(random.normal(size=(60, 4000))).astype(np.float16)
    some = np.where(random.random(4000) < 0.3, np.nan, np.repeat(random.integers(0, 2, 400), 10))
    values[31] += np.nan_to_num(some).astype(np.float16)
    over = Stretches.over(4000)
    tasks = [
        task_of(Feature(name, "planted", True, lambda _, labels=labels: labels), text, "", over)
        for name, labels in (("a", some), ("b", np.nan_to_num(some)))
    ]
    columns = Columns(values, ("h",), 1, 60)
    for task, choice in zip(tasks, choices(columns, tasks), strict=True):
        exact = [2 * _auc(values[31, labels.places], labels.values) - 1 for labels in task.halves]
        assert choice.best.row == 31
        np.testing.assert_allclose(choice.best.strengths, exact, atol=1e-5)
    assert [len(group) for group in groups(tasks)] == [1, 1]


def _auc(values, labels):
    on, off = values[labels == 1][:, None], values[labels == 0]
    return float((on > off).mean() + (on == off).mean() / 2)


def evidence(strength=0.9, q=0.001, baseline=0.5, lead=0.2, low=0.8, untrained=0.3):
    return Evidence(strength, q, baseline, lead, low, untrained)


@pytest.mark.parametrize(
    ("unit", "layer", "units", "agree", "said"),
    [
        ({}, {}, 1, True, "single unit"),
        ({}, {}, 2, True, "distributed"),
        ({}, {}, 1, False, "halves disagree"),
        ({"q": 0.2}, {}, 1, True, "distributed"),
        ({"q": 0.2}, {"q": 0.2}, 1, True, "not found"),
        ({"strength": 0.2}, {"strength": 0.25}, 1, True, "not found"),
        ({"baseline": 0.87}, {"baseline": 0.87}, 1, True, "baseline"),
        ({"lead": -0.01}, {"lead": -0.01}, 1, True, "baseline"),
        ({"untrained": 0.88}, {"untrained": 0.88}, 1, True, "baseline"),
        ({"low": 0.25}, {"low": 0.25}, 1, True, "baseline"),
        ({"untrained": 0.88}, {}, 1, True, "distributed"),
    ],
)
def test_a_verdict_needs_every_control_to_be_beaten(unit, layer, units, agree, said):
    assert verdict(evidence(**unit), evidence(**layer), units, agree) == said
