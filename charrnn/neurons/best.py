"""The unit that follows a feature best, as `search` chooses it, but without controls."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.model.units import Unit
from charrnn.neurons.baselines import Surface
from charrnn.neurons.choosing import choices, choose, exact_strengths
from charrnn.neurons.columns import Columns
from charrnn.neurons.features import Feature
from charrnn.neurons.finding import Metric, metric_of
from charrnn.neurons.measures import score
from charrnn.neurons.stretches import Stretches
from charrnn.neurons.tasks import changing


@dataclass(frozen=True)
class Best:
    """The unit that follows a feature best over one half of a text, and its score over the other."""

    unit: Unit
    signal: str
    score: float
    metric: Metric


def best_unit(columns: Columns, text: str, feature: Feature, before: str = "") -> Best:
    """Choose the unit as `search` does, without controls.

    Raises:
        ConfigError: the feature hardly changes in one of the halves.
    """
    task = changing(feature, text, before, Stretches.over(len(text)))
    (choice,) = choices(columns, [task])
    signal, unit = columns.unit(choice.best.row)
    return Best(unit, signal, score(choice.best.strengths[choice.measured_on], task.binary), metric_of(task.halves[0]))


def score_of(columns: Columns, unit: Unit, signal: str, text: str, feature: Feature, before: str = "") -> float:
    """Return how well one unit follows a feature over the half that `search` would measure it on.

    Raises:
        ConfigError: the feature hardly changes in one of the halves.
    """
    task, row = changing(feature, text, before, Stretches.over(len(text))), columns.row(signal, unit)
    choice = choose(*(exact_strengths(columns, np.array([row]), labels) for labels in task.halves))
    return score(choice.best.strengths[choice.measured_on], task.binary)


def surface_score(ids: npt.NDArray[np.integer], text: str, feature: Feature, before: str = "") -> float:
    """Return how well the last few characters alone tell a feature on the report half."""
    task = changing(feature, text, before, Stretches.over(len(text)))
    return score(Surface(ids).strength(*task.halves), task.binary)
