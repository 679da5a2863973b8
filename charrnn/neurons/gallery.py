"""The study's figure for any model: what its best units follow on a text, with the figures that prove it, or none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.model.network import CharRNN
from charrnn.neurons.ablation import Ablation, ablate
from charrnn.neurons.features.feature import Feature
from charrnn.neurons.features.registry import feature_named
from charrnn.neurons.finding import Finding
from charrnn.neurons.passages import telling_passage

Ids = npt.NDArray[np.integer]
CONTROLS = 8  # random units that a unit's ablation is held against; each costs as much time as the unit itself


@dataclass(frozen=True)
class Theme:
    """What one picture of the figure is about, and which feature it means in each kind of text."""

    name: str
    title: str
    features: Mapping[str, str]

    def feature(self, text_kind: str) -> Feature | None:
        """Return the feature that it means in a kind of text, or None where that has none."""
        name = self.features.get(text_kind, self.features.get("any"))
        return feature_named(name) if name else None


# Karpathy, Johnson and Fei-Fei (2015), figure 2, and the turns of a play's speakers
THEMES = (
    Theme("line_position", "Place in the line", {"any": "line_position"}),
    Theme("quotes", "Quotations", {"any": "inside_quotes", "c": "inside_string", "python": "python_string"}),
    Theme("conditions", "If-conditions", {"c": "inside_if_condition", "python": "python_if_condition"}),
    Theme("comments", "Comments, strings", {"c": "inside_comment_or_string", "python": "python_comment_or_string"}),
    Theme("indentation", "Indentation", {"c": "indentation", "python": "indentation"}),
    Theme(
        "parentheses",
        "Parentheses",
        {"any": "inside_parentheses", "c": "parenthesis_depth", "python": "python_parenthesis_depth"},
    ),
    Theme("newline", "A newline to come", {"any": "newline_next"}),
    Theme("speakers", "Speaker turns", {"play": "speaker_line"}),
)


@dataclass(frozen=True)
class Exhibit:
    """A theme and what is known of it: the best unit of its feature, or None where the text has none of it."""

    theme: Theme
    feature: Feature | None
    finding: Finding | None

    @property
    def found(self) -> bool:
        """Whether there is a unit to show."""
        return self.finding is not None and self.finding.verdict != "not found"


def exhibits(text_kind: str, search: Callable[[Sequence[Feature]], Sequence[Finding | str]]) -> list[Exhibit]:
    """Look for the feature of every theme in a kind of text; `search` returns what it finds of some features."""
    features = [theme.feature(text_kind) for theme in THEMES]
    wanted = [feature for feature in features if feature]
    results = iter(search(wanted))
    found = [next(results) if feature else None for feature in features]
    return [
        Exhibit(theme, feature, finding if isinstance(finding, Finding) else None)
        for theme, feature, finding in zip(THEMES, features, found, strict=True)
    ]


def cost(
    model: CharRNN,
    ids: Ids,
    text: str,
    exhibit: Exhibit,
    characters: int,
    before: str = "",
    seed: int = 0,
    on_read: Callable[[int], object] = lambda characters: None,
) -> Ablation:
    """Hold the unit that was found at its mean, over so many characters of the text's second half, ids [T].

    They are those where a feature that is on or off changes often, chosen without regard to what the unit does.
    """
    feature, finding = exhibit.feature, exhibit.finding
    if feature is None or finding is None:
        raise ValueError(f"{exhibit.theme.name} has no unit")
    start = telling_passage(text, feature, characters, len(text) // 2, before)
    stretch = slice(start, start + characters)
    labels = feature.values(before + text)[len(before) :][stretch] if finding.kind == "binary" else None
    return ablate(model, ids[stretch], finding.unit, labels, np.random.default_rng(seed), on_read, CONTROLS)


def changes(exhibit: Exhibit, text: str, before: str = "") -> bool:
    """Tell whether an exhibit's feature takes more than one value in a passage; `before` is what precedes it."""
    if exhibit.feature is None:
        return False
    values: npt.NDArray[Any] = exhibit.feature.values(before + text)[len(before) :]
    return len(np.unique(values[~np.isnan(values)])) > 1
