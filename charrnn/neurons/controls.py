"""The control that knows the text's characters but has learned nothing: a network of the same shape, untrained."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from charrnn.model.network import CharRNN
from charrnn.neurons.choosing import choices, layers
from charrnn.neurons.columns import recorded_columns
from charrnn.neurons.features import Feature
from charrnn.neurons.measures import strength
from charrnn.neurons.probes import Rows
from charrnn.neurons.stretches import DISCOVER, REPORT, Stretches
from charrnn.neurons.tasks import groups, task_of

UNTRAINED = "an untrained network"
SEED = 20151  # of its weights
CHARACTERS = 100_000  # that it reads at most


@dataclass(frozen=True)
class Untrained:
    """How well an untrained network follows a feature: its best unit and its best layer, as strengths."""

    unit: float
    layer: float


def untrained_network(model: CharRNN, seed: int = SEED) -> CharRNN:
    """Return a network of a model's shape, with the weights that training would begin with."""
    network = CharRNN(model.config, torch.Generator().manual_seed(seed)).eval().to(model.device)
    network.threads, network.end = model.threads, model.end
    return network


def untrained_strengths(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    text: str,
    features: Sequence[Feature],
    signals: Sequence[str],
    over: Stretches,
    before: str = "",
    precision: torch.dtype = torch.float32,
    on_read: Callable[[int], object] = lambda characters: None,
) -> Mapping[str, Untrained]:
    """Search an untrained network of a model's shape over a passage, ids [T], as a model is searched.

    A feature that changes too little in the characters that it reads is left out.
    """
    some = over.thinned(CHARACTERS)
    tasks = [task for feature in features if (task := task_of(feature, text, before, some))]
    found: dict[str, Untrained] = {}
    with recorded_columns(untrained_network(model), some.of(ids), signals, precision, on_read) as columns:
        chosen = dict(zip((task.feature.name for task in tasks), choices(columns, tasks), strict=True)) if tasks else {}
        for group in groups(tasks):
            for layer, task in zip(layers(columns, group, DISCOVER, some.numbers), group, strict=True):
                choice, measured = chosen[task.feature.name], task.halves[REPORT]
                predicted = layer.probe.predict(Rows(columns.values, layer.rows), measured.places)
                unit = choice.best.strengths[choice.measured_on]
                found[task.feature.name] = Untrained(unit, strength(predicted, measured))
    return found
