"""Finding: what is known of a feature in a model, with all that it was held against."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from charrnn.model.directions import Direction
from charrnn.model.units import Unit
from charrnn.neurons.measures import Labels
from charrnn.neurons.verdicts import Verdict

Metric = Literal["AUC", "Spearman's ρ"]


def metric_of(labels: Labels) -> Metric:
    """Return what a feature's scores are."""
    return "AUC" if labels.binary else "Spearman's ρ"


@dataclass(frozen=True)
class Scored:
    """A unit that is among the best on one half, and its scores on both, with the sign that it has there."""

    unit: Unit
    signal: str
    sign: int
    discover: float
    report: float


@dataclass(frozen=True)
class CurvePoint:
    """The score of so many units together."""

    units: int
    score: float


@dataclass(frozen=True)
class Finding:
    """What is known of a feature in a model; scores are AUCs of binary features, else Spearman's ρ."""

    feature: str
    kind: Literal["binary", "continuous"]
    predictive: bool
    unit: Unit
    signal: str
    sign: int  # −1 where the unit is low when the feature is on
    metric: Metric
    score: float  # with the sign that the unit was chosen with
    low: float  # its 95 % interval
    high: float
    p_value: float  # chance that this unit does as well on labels shifted in a circle
    q_value: float  # that of all features that were looked for: Benjamini and Hochberg's
    average_precision: float | None
    share: float | None  # of the characters at which a binary feature is on: the average precision of chance
    episodes: int  # in which a binary feature is on, or over which a count rises
    blocks: int  # of the text that the interval rests on: those that have the feature
    chosen_on: Literal["discover", "report"]  # the half that the unit was chosen on; all figures are from the other
    agree: bool  # whether the unit is near the best one on both halves
    candidates: tuple[Scored, ...]  # the best three units, the chosen one first
    surface_score: float  # of the last five characters alone
    longer_score: float  # of the last twenty
    counters_score: float  # of leaky counters of characters
    untrained_score: float | None  # of the best unit in an untrained network
    untrained_layer_score: float | None
    baseline: str | None  # the control that is no worse: where it decides the verdict
    lead: float  # of the unit over the best that the text alone tells, in strength: the lower end of its interval
    layer_score: float
    layer_low: float
    layer_high: float
    layer_signal: str
    layer: int
    layer_ridge: float
    layer_p_value: float  # chance that the layer's probe does as well on labels shifted in a circle
    layer_q_value: float
    layer_lead: float
    units_needed: int | None  # for SHARE of the layer's strength; None: more than the curve has
    curve: tuple[CurvePoint, ...]
    curve_units: tuple[
        Unit, ...
    ]  # the chosen unit, then units of the layer, in the order in which the curve takes them
    verdict: Verdict
    direction: Direction | None = None  # that a probe reads from the best layer's h, where it is asked for

    @property
    def gain(self) -> float:
        """By how much the unit's strength, 2·AUC − 1 or ρ, is above the best that the text alone tells."""
        best = max(self.surface_score, self.longer_score, self.counters_score)
        return (self.score - best) * (2 if self.kind == "binary" else 1)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        candidates = [
            {"unit": str(each.unit), "signal": each.signal, "sign": each.sign}
            | {"discover_score": each.discover, "report_score": each.report}
            for each in self.candidates
        ]
        curve = {"curve": [asdict(each) for each in self.curve], "curve_units": list(map(str, self.curve_units))}
        named = {"unit": str(self.unit), "verdict_text": self.named}
        told = asdict(replace(self, direction=None)) | curve | named | {"candidates": candidates}
        del told["direction"]
        return told

    @property
    def named(self) -> str:
        """The verdict, with the number of units or the control that decides it."""
        if self.verdict == "distributed" and (self.units_needed or 2) > 1:
            return f"distributed over {self.units_needed or f'more than {self.curve[-1].units}'} units"
        return f"no better than {self.baseline}" if self.verdict == "baseline" else self.verdict
