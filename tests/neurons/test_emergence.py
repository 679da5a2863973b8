"""A unit emerges at the stage since which it does what it does in the end."""

import pytest
import torch

from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons.best import Best, best_unit
from charrnn.neurons.columns import recorded_columns
from charrnn.neurons.emergence import Emergence, Stage, emergence
from charrnn.neurons.features import FEATURES


def at(step, score):
    return Stage(step, Best(Unit(0, 9), "h", 0.9, "AUC"), score)


@pytest.mark.parametrize(
    ("scores", "first_step"),
    [([0.5, 0.6, 0.8, 0.9], 3), ([0.9, 0.6, 0.8, 0.9], 3), ([0.9, 0.8, 0.8, 0.9], 1), ([0.3, 0.5, 0.5, 0.9], 4)],
)
def test_it_emerges_at_the_first_stage_since_which_it_has_half_of_what_it_ends_with(scores, first_step):
    stages = tuple(at(step, score) for step, score in enumerate(scores, 1))
    assert Emergence(Unit(0, 9), "h", "AUC", 0.5, stages).first_step == first_step


@pytest.mark.parametrize(
    ("scores", "baseline", "first_step"),
    [([0.36, 0.7, 0.72], 0.63, 2), ([0.36, 0.6, 0.64], 0.63, None), ([-0.1, 0.02, 0.01], -0.3, None)],
)
def test_no_unit_emerges_below_what_the_last_characters_tell(scores, baseline, first_step):
    stages = tuple(at(step, score) for step, score in enumerate(scores, 1))
    assert Emergence(Unit(0, 9), "h", "Spearman's ρ", baseline, stages).first_step == first_step


def test_a_planted_unit_is_followed_back_to_the_stage_at_which_it_was_planted(planted):
    text = planted.text(seed=2, inside=30, outside=30)
    ids, feature = planted.letters.encode(text), FEATURES["inside_quotes"]
    before = CharRNN(planted.quote_neuron.config, torch.Generator().manual_seed(1)).eval()
    models = {5: before, 20: planted.quote_neuron, 40: planted.quote_neuron}
    told = emergence(list(models), lambda step: recorded_columns(models[step], ids, ["h"]), ids, text, feature)
    assert [stage.step for stage in told.stages] == [5, 20, 40]
    assert (told.unit, told.first_step) == (Unit(0, planted.unit), 20)
    assert told.stages[0].score < 0.8 < 0.99 < told.stages[1].score
    assert told.surface_score < 0.8
    with recorded_columns(before, ids, ["h"]) as columns:
        assert told.stages[0].best == best_unit(columns, text, feature)
    assert told.stages[2].score == pytest.approx(told.stages[2].best.score)
