"""The control that knows the text's characters but has learned nothing: a network of the same shape, untrained."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import torch

from charrnn.model.network import CharRNN
from charrnn.neurons.choosing import choices, layers
from charrnn.neurons.columns import recorded_columns
from charrnn.neurons.measures import strength
from charrnn.neurons.probes import Rows
from charrnn.neurons.stretches import DISCOVER, REPORT, Stretches
from charrnn.neurons.tasks import Task, groups, thinned
from charrnn.text.kept_figures import keep, key_of, recalled

UNTRAINED = "an untrained network"
METHOD = 1  # of searching it; another number where figures change
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
    wanted: Sequence[Task],
    signals: Sequence[str],
    over: Stretches,
    precision: torch.dtype = torch.float32,
    on_read: Callable[[int], object] = lambda characters: None,
) -> Mapping[str, Untrained]:
    """Search an untrained network of a model's shape as the model is searched, for tasks over stretches of ids [T].

    A feature that changes too little in the characters that it reads is left out. What was found is kept in the cache.
    """
    some = over.thinned(CHARACTERS)
    tasks = [task for each in wanted if (task := thinned(each, over, some))]
    kept = _Kept(model, some.of(ids), signals, some, precision)
    known = {task.feature.name: kept.of(task) for task in tasks}
    missing = [task for task in tasks if known[task.feature.name] is None]
    found = _searched(untrained_network(model), some, ids, signals, missing, precision, on_read) if missing else {}
    kept.keep([(task, found[task.feature.name]) for task in missing])
    return {name: each for name, each in known.items() if each} | found


def _searched(
    network: CharRNN,
    some: Stretches,
    ids: npt.NDArray[np.integer],
    signals: Sequence[str],
    tasks: Sequence[Task],
    precision: torch.dtype,
    on_read: Callable[[int], object],
) -> dict[str, Untrained]:
    found = {}
    with recorded_columns(network, some.of(ids), signals, precision, on_read) as columns:
        chosen = dict(zip((task.feature.name for task in tasks), choices(columns, tasks), strict=True))
        for group in groups(tasks):
            for layer, task in zip(layers(columns, group, DISCOVER, some.numbers), group, strict=True):
                choice, measured = chosen[task.feature.name], task.halves[REPORT]
                predicted = layer.probe.predict(Rows(columns.values, layer.rows), measured.places)
                unit = choice.best.strengths[choice.measured_on]
                found[task.feature.name] = Untrained(unit, strength(predicted, measured))
    return found


class _Kept:
    """What the untrained network of a shape scored on a text before, in the cache."""

    def __init__(
        self,
        model: CharRNN,
        ids: npt.NDArray[np.integer],
        signals: Sequence[str],
        over: Stretches,
        precision: torch.dtype,
    ) -> None:
        shape = (METHOD, SEED, asdict(model.config), model.end, list(signals), str(precision), asdict(over))
        self._key = key_of(repr(shape), ids.astype("<i4").tobytes())
        self._known = recalled(self._key)

    def of(self, task: Task) -> Untrained | None:
        """Return what is known of a feature with these labels."""
        known = self._known.get(_name(task), ())
        return Untrained(*known) if len(known) == 2 and all(-1 <= each <= 1 for each in known) else None

    def keep(self, found: Sequence[tuple[Task, Untrained]]) -> None:
        """Keep what was found."""
        if found:
            keep(self._key, {_name(task): (each.unit, each.layer) for task, each in found})


def _name(task: Task) -> str:
    """What tells labels from others, whatever the feature is called."""
    arrays = [part for labels in task.halves for part in (labels.values.astype("<f8"), labels.places.astype("<i8"))]
    return key_of(str(task.binary), *(each.tobytes() for each in arrays))
