"""What a run tells of itself: where it stands, the losses since its last report, and where it left the numbers."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from charrnn.model.checkpoint import Figures

_LOGGED = (
    *("step", "epoch", "seconds", "learning_rate", "train_nats", "grad_norm", "chars_per_second"),
    *("val_nats", "val_characters"),
)


@dataclass(frozen=True)
class Progress:
    """Where a run stands. Losses are in nats per character; train_nats is the mean since the last report."""

    step: int
    epoch: float
    seconds: float
    learning_rate: float
    train_nats: float
    grad_norm: float  # of the last step, before clipping
    chars_per_second: float
    fraction: float = 0.0  # of the budget
    milestone: bool = False  # a moment to save, and to sample unless the run is interrupted
    val_nats: float | None = None  # on the validation part, at the milestones that can afford it and the last
    val_characters: int | None = None  # that it is of, from the part's beginning; None: all
    best: bool = False  # whether it is the lowest so far, on the characters that both were measured on
    rollbacks: int = 0  # how often the run went back and halved its learning rate

    @property
    def figures(self) -> Figures:
        """What a checkpoint of this moment says of it."""
        losses = (self.train_nats, self.val_nats)
        return Figures(self.step, self.epoch, self.seconds, *losses, val_characters=self.val_characters)

    def line(self) -> dict[str, Any]:
        """Return the line of the log."""
        values = {name: getattr(self, name) for name in _LOGGED} | {"rollbacks": self.rollbacks or None}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Divergence:
    """Where a run left the numbers: what was none any more, first after which step, and what it was instead."""

    step: int
    what: str
    value: float

    def __str__(self) -> str:
        return f"the {self.what} was {self.value} at step {self.step:,}"


@dataclass
class RecentLosses:
    """Losses [nats per character] and gradient norms of the latest steps; a device is not waited for before `read`."""

    _losses: list[Tensor] = field(default_factory=list)
    _norms: list[Tensor] = field(default_factory=list)
    _lengths: list[int] = field(default_factory=list)

    def add(self, loss: Tensor, norm: Tensor, characters: int) -> None:
        """Note one step: its mean loss [] over so many characters, and the norm [] of its gradient."""
        self._losses.append(loss)
        self._norms.append(norm)
        self._lengths.append(characters)

    @property
    def characters(self) -> int:
        """Characters that the losses are about."""
        return sum(self._lengths)

    def read(self, last_step: int) -> "tuple[float, float] | Divergence":
        """Return the mean loss and the last norm; or, of steps up to `last_step`, the first that was no number."""
        losses, norms = (torch.stack(values).tolist() for values in (self._losses, self._norms))
        first = last_step - len(losses) + 1
        for step, (loss, norm) in enumerate(zip(losses, norms, strict=True), first):
            for what, value in (("loss", loss), ("gradient's norm", norm)):
                if not math.isfinite(value):
                    return Divergence(step, what, value)
        mean = math.fsum(n * loss for n, loss in zip(self._lengths, losses, strict=True)) / self.characters
        return mean, norms[-1]
