"""Verdicts: what a unit, its layer and the controls amount to, each as a strength, 2·AUC − 1 or ρ."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["single unit", "distributed", "halves disagree", "baseline", "not found"]
SIGNIFICANT = 0.05  # the q-value below which a unit, or a layer's probe, counts as found
MARGIN, LEAST = 0.05, 0.01  # by which strengths must differ to count as different: MARGIN, or LEAST at least where
HALVED = 0.5  # what is missing to perfect is this part of what the other one misses
CLEAR = 0.3  # the strength from which on a feature counts as known: an AUC of 0.65
SHARE = 0.95  # of the whole layer's strength that a unit, or several together, must have


@dataclass(frozen=True)
class Evidence:
    """What is known of a predictor, a unit or a layer's probe, and of what it is held against."""

    strength: float
    q_value: float
    baseline: float  # the strength of the best predictor that asks no network
    lead: float  # the lower end of the 95 % interval of how much stronger it is than that baseline
    low: float  # the lower end of its own 95 % interval
    untrained: float  # the strength of the best predictor of its kind in an untrained network

    @property
    def found(self) -> bool:
        """Whether it follows the feature clearly, and better than chance."""
        return self.q_value < SIGNIFICANT and self.strength >= CLEAR

    @property
    def beats_the_text(self) -> bool:
        """Whether it is clearly better than all that the text alone tells."""
        return beats(self.strength, self.baseline) and self.lead > 0

    @property
    def beats_the_untrained(self) -> bool:
        """Whether it is clearly better than what a network has that has learned nothing."""
        return beats(self.strength, self.untrained) and self.low > self.untrained

    @property
    def stands(self) -> bool:
        """Whether it is found and beats all controls."""
        return self.found and self.beats_the_text and self.beats_the_untrained


def beats(own: float, other: float) -> bool:
    """Tell whether a strength is clearly above another one.

    >>> beats(0.8, 0.7), beats(0.99, 0.96), beats(0.98, 0.97), beats(-0.1, -0.4)
    (True, True, False, False)
    """
    other = max(0.0, other)
    return own - other >= max(LEAST, min(MARGIN, HALVED * (1 - other)))


def verdict(unit: Evidence, layer: Evidence, units: int | None, agree: bool) -> Verdict:
    """Say what the evidence of the best unit and of the best layer amounts to.

    not found: neither is found. baseline: neither beats all controls. Else single unit where one (`units`) has nearly
    all that the layer has and beats the controls, distributed where it is the layer that beats them; halves disagree
    where the unit that one half of the text prefers is far from the best on the other.
    """
    single = unit.stands and units == 1
    if not (unit.found or layer.found):
        return "not found"
    if not (single or layer.stands):
        return "baseline"
    if not agree:
        return "halves disagree"
    return "single unit" if single else "distributed"
