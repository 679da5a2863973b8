"""Which units of several models do the same."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.api.limits import SHORTEST_SEARCH
from charrnn.api.result import Result
from charrnn.display import matches as shown
from charrnn.errors import ConfigError, VocabularyError, counted
from charrnn.feedback import SILENT, Feedback
from charrnn.model.devices import choose_precision, name_of
from charrnn.neurons.best import best_unit, surface_score
from charrnn.neurons.columns import Columns, recorded_columns
from charrnn.neurons.features import feature_named
from charrnn.neurons.matching import pairs

if TYPE_CHECKING:
    from charrnn.api.model import Model


@dataclass(frozen=True)
class Matched:
    """The pairs of units of two models, the most correlated first."""

    models: tuple[str, str]
    pairs: tuple[dict[str, Any], ...]  # first and second, as units are named, and their correlation


@dataclass(frozen=True)
class Follower:
    """The unit of a model that follows a feature best, and what the last five characters alone tell of it."""

    model: str
    feature: str
    unit: str
    score: float
    metric: str
    surface_score: float


@dataclass(frozen=True)
class Matches(Result):
    """Each model's units matched with those of the next one and, of a feature, which unit of each follows it."""

    source: str
    characters: int
    matches: tuple[Matched, ...]
    scores: tuple[Follower, ...]
    count: int  # pairs that `str()` shows
    precision: str  # of the recording: float32 or bfloat16

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it, with all pairs."""
        matches = [{"models": list(each.models), "pairs": list(each.pairs)} for each in self.matches]
        scores = [asdict(each) for each in self.scores]
        origin = {"source": self.source, "characters": self.characters, "precision": self.precision}
        return origin | {"matches": matches, "scores": scores}

    def __str__(self) -> str:
        return shown.text(self.to_dict(), self.count)


def match(
    models: "Sequence[Model]",
    text: str,
    *,
    feature: str | None = None,
    signal: str = "h",
    characters: int = 20_000,
    count: int = 10,
    source: str = "",
    precision: str | None = None,
    feedback: Feedback = SILENT,
) -> Matches:
    """Match the units of each model with those of the next one by their correlation over a text.

    Args:
        models: two or more.
        text: of which the characters are read that all models know.
        feature: a name, or NAME=PATTERN: which unit of each model follows it is told too.
        signal: such as h, c, tanh_c or a gate.
        characters: how many are read, from the text's end, which models hardly see in training.
        count: pairs of units that `str()` shows.
        source: what the text is called by.
        precision: float32 or bfloat16, in which units are recorded; None: as `choose_precision` has it.
        feedback: where notes and counts go.

    Raises:
        ConfigError: there is one model only, no such feature or signal, or the feature hardly changes over the text.
        VocabularyError: the models know too few characters of the text.
    """
    if len(models) < 2:
        raise ConfigError("there is one model", "give two or more")
    if len({model.vocabulary.end is None for model in models}) > 1:
        raise ConfigError("some of the models are of items, and others of running texts", "compare models of one kind")
    for model in models:
        if model.vocabulary.symbols is not None:
            raise ConfigError(
                f"{model.name} reads symbols longer than a character, and units are matched character by character",
                "compare models of characters",
            )
        text = model.vocabulary.known(text)
    before, text = text[:-characters], text[-characters:]
    if len(text) < SHORTEST_SEARCH:
        known = counted(len(text), "character")
        raise VocabularyError(f"the text has {known} that all models know", f"give {SHORTEST_SEARCH:,} or more")
    number = choose_precision(precision, models[0].network.device)
    with ExitStack() as stack:
        recorded = [_record(stack, model, text, signal, number, feedback) for model in models]
        matches = tuple(_match(first, second) for first, second in pairwise(recorded))
        scores = tuple(_follow(each, text, before, feature) for each in recorded) if feature else ()
    return Matches(source, len(text), matches, scores, count, name_of(number))


@dataclass(frozen=True)
class _Recorded:
    model: str
    ids: npt.NDArray[np.integer]
    columns: Columns


def _record(
    stack: ExitStack, model: "Model", text: str, signal: str, precision: torch.dtype, feedback: Feedback
) -> _Recorded:
    """Record a text with a model, for as long as the stack is open."""
    network, ids = model.network, model.vocabulary.encode(text)
    with feedback.bar(len(text), "recording") as bar:
        columns = stack.enter_context(recorded_columns(network, ids, [signal], precision, bar.update))
    return _Recorded(model.name, ids, columns)


def _match(first: _Recorded, second: _Recorded) -> Matched:
    found = tuple(
        {
            "first": str(first.columns.unit(pair.first)[1]),
            "second": str(second.columns.unit(pair.second)[1]),
            "correlation": pair.correlation,
        }
        for pair in pairs(first.columns.values, second.columns.values)
    )
    return Matched((first.model, second.model), found)


def _follow(recorded: _Recorded, text: str, before: str, feature: str) -> Follower:
    """Which unit follows a feature, chosen on the first half of the text and measured on the second."""
    wanted = feature_named(feature)
    found = best_unit(recorded.columns, text, wanted, before)
    surface = surface_score(recorded.ids, text, wanted, before)
    return Follower(recorded.model, feature, str(found.unit), found.score, found.metric, surface)
