"""The learning rate over the run, as a function of how much of the budget is used up."""

import math

from charrnn.training.config import TrainingConfig


def learning_rate(config: TrainingConfig, fraction: float) -> float:
    """Return the learning rate when `fraction` (0 to 1) of the budget, in steps or in time, is used up.

    It rises linearly over the warm-up, then follows the schedule: "cosine" (1 + cos πp)/2 and "linear" 1 − p, of the
    part p of the way from the warm-up's end, both down to zero at the end of the run; "constant" stays.
    """
    if fraction < config.warmup:
        return config.learning_rate * fraction / config.warmup
    p = min(1.0, (fraction - config.warmup) / max(1e-9, 1 - config.warmup))
    shape = {"cosine": (1 + math.cos(math.pi * p)) / 2, "linear": 1 - p, "constant": 1.0}[config.schedule]
    return config.learning_rate * shape
