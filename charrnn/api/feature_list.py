"""The features that units can be searched for."""

from dataclasses import dataclass
from typing import Any

from charrnn.api.result import Result
from charrnn.display.signs import one_line
from charrnn.neurons.features.feature import Feature
from charrnn.neurons.features.registry import all_features


@dataclass(frozen=True)
class Features(Result):
    """Each feature with the kind of text in which it is tried."""

    features: tuple[Feature, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"features": [{"feature": f.name, "kind": f.kind, "sentence": _sentence(f)} for f in self.features]}

    def __str__(self) -> str:
        return "\n".join(one_line(f"{f.name:24}  {f.kind:6}  {_sentence(f)}") for f in self.features)


def features() -> Features:
    """Return all features: those of charrnn, and those that other installed packages offer."""
    return Features(tuple(all_features()))


def _sentence(feature: Feature) -> str:
    return ("predictive: " if feature.predictive else "") + feature.sentence
