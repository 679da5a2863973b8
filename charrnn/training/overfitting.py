"""When a run is said to overfit, and what helps: one rule over the lines of its log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VALIDATIONS = 3  # so many after the best one, or more,
RISE = 0.02  # and the last at least so many nats above it, while the training loss fell


@dataclass(frozen=True)
class Overfitting:
    """Where a run was best and where it is now, in nats per character."""

    best_step: int
    best_val_nats: float
    val_nats: float
    best_train_nats: float  # means of the log's lines from one validation to the next
    train_nats: float

    def __str__(self) -> str:
        """What a person should know: step, figures and cures."""
        return (
            f"the run overfits: since step {self.best_step:,} val rose from {self.best_val_nats:.3f} to "
            f"{self.val_nats:.3f} nats while train fell from {self.best_train_nats:.3f} to {self.train_nats:.3f} "
            "(best.safetensors is of that step); more text, a smaller --hidden-size or more --dropout help, and "
            "--patience N ends a run N validations after its best"
        )


def overfitting(log: Sequence[Mapping[str, float]]) -> Overfitting | None:
    """Return how a run overfits, from the lines of its log; None where it does not, as far as can be told.

    It does where its best validation is VALIDATIONS or more validations ago, the last one is RISE nats or more above
    it, and the training loss is lower now than it was then.
    """
    measured = [line for line in log if line.get("val_nats") is not None]
    if not measured:
        return None
    on = measured[-1].get("val_characters")  # on fewer characters, it is another loss
    measured = [line for line in measured if line.get("val_characters") == on]
    best = min(range(len(measured)), key=lambda index: measured[index]["val_nats"])
    then, now = measured[best], measured[-1]
    if len(measured) - 1 - best < VALIDATIONS or now["val_nats"] - then["val_nats"] < RISE:
        return None
    train_then, train_now = (_train_nats(log, measured, index) for index in (best, len(measured) - 1))
    if train_now >= train_then:
        return None
    return Overfitting(int(then["step"]), then["val_nats"], now["val_nats"], train_then, train_now)


def _train_nats(log: Sequence[Mapping[str, float]], measured: Sequence[Mapping[str, float]], index: int) -> float:
    """The mean training loss of the lines after the validation before this one: a line alone is of half a second."""
    after = measured[index - 1]["step"] if index else 0
    lines = [line["train_nats"] for line in log if after < line["step"] <= measured[index]["step"]]
    return sum(lines) / len(lines)
