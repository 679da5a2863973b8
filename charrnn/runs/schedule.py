"""The learning rate over the run, as a function of how much of the budget is used up."""

import math
from typing import Protocol


class Rate(Protocol):
    """The settings of a recipe that the learning rate depends on."""

    @property
    def learning_rate(self) -> float:
        """Its peak."""

    @property
    def schedule(self) -> str:
        """How it falls: cosine, linear, constant or exponential."""

    @property
    def warmup(self) -> float:
        """Part of the run over which it rises."""

    @property
    def decay(self) -> float:
        """What each epoch multiplies it by in the exponential schedule, after `decay_after` epochs."""

    @property
    def decay_after(self) -> float:
        """Epochs before the first decay."""


def learning_rate(config: Rate, fraction: float, epoch: float = 0.0) -> float:
    """Return the learning rate when `fraction` (0 to 1) of the budget, in steps or in time, is used up.

    It rises linearly over the warm-up, then follows the schedule: "cosine" (1 + cos πp)/2 and "linear" 1 − p, of the
    part p of the way from the warm-up's end, both down to zero at the end of the run; "constant" stays; "exponential"
    is char-rnn's: multiplied by `decay` at the end of each epoch from the `decay_after`-th on.
    """
    if fraction < config.warmup:
        return config.learning_rate * fraction / config.warmup
    p = min(1.0, (fraction - config.warmup) / max(1e-9, 1 - config.warmup))
    if config.schedule == "cosine":
        return config.learning_rate * (1 + math.cos(math.pi * p)) / 2
    if config.schedule == "linear":
        return config.learning_rate * (1 - p)
    decays = max(0, math.floor(epoch) - math.ceil(config.decay_after) + 1) if config.schedule == "exponential" else 0
    return config.learning_rate * config.decay**decays
