"""Run: a run folder, read back; its history, and several runs compared."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from charrnn import api
from charrnn.api.headers import header_of
from charrnn.api.result import Result
from charrnn.display.runs import as_text, show_history
from charrnn.errors import counted
from charrnn.model.shipped import run_folder
from charrnn.training import history

STAGES = 5  # samples that are shown


@dataclass(frozen=True)
class History(Result):
    """A run's settings, log and samples, as far as it has come."""

    told: history.History

    @property
    def log(self) -> tuple[Any, ...]:
        """The lines of the log."""
        return self.told.log

    @property
    def overfitting(self) -> str | None:
        """How the run overfits, and what helps; None where it does not."""
        return str(self.told.overfitting) if self.told.overfitting else None

    def to_dict(self) -> dict[str, Any]:
        """Return what `charrnn history --json` prints."""
        told = self.told
        return {
            "run": str(told.path),
            "settings": told.settings,
            "log": told.log,
            "samples": msgspec.to_builtins(told.samples),
            "best": told.best and asdict(told.best.figures),
            "budget_used": told.budget_used,
            "overfitting": told.overfitting and asdict(told.overfitting),
        }

    def show(self) -> None:
        """Write it to the terminal: figures as a table, the loss as a curve, and samples of a few stages."""
        show_history(*self._shown())

    def __str__(self) -> str:
        return as_text(show_history, *self._shown())

    def _shown(self) -> tuple[list[str], Sequence[Any], list[tuple[str, str]]]:
        samples = [(_stage(sample), sample.text) for sample in stages(self.told.samples, STAGES)]
        return list(_heading(self.told)), self.told.log, samples


class Run:
    """A run folder, of a run that is finished, stopped or still going on."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """`path` is the folder, or its name in checkpoints/."""
        self.path = run_folder(Path(path))

    def history(self) -> History:
        """Read what the run has logged so far.

        Raises:
            RunError: it is no run folder, or nothing is logged yet.
            CheckpointError: its checkpoint is damaged.
        """
        return History(history.History.read(self.path, header_of))

    def load(self, device: str = "auto") -> "api.Model":
        """Load its best model; errors as of `charrnn.load`."""
        return api.load(str(self.path), device)

    def resume(self, *arguments: Any, **options: Any) -> "api.training.TrainedModel":
        """Go on with it; arguments and errors as of `charrnn.resume`."""
        return api.resume(self.path, *arguments, **options)

    def __repr__(self) -> str:
        return f"<Run: {self.path}>"


def stages(samples: Sequence[history.Sample], count: int) -> list[history.Sample]:
    """Return at most so many samples from the first to the last, each so many times as late as the one before."""
    if len(samples) <= count:
        return list(samples)
    first, last = max(1, samples[0].step), samples[-1].step
    wanted = [first * (last / first) ** (place / (count - 1)) for place in range(count)]
    near = {min(range(len(samples)), key=lambda place: abs(samples[place].step - step)) for step in wanted}
    return [samples[place] for place in sorted(near)]


def _heading(told: history.History) -> Iterator[str]:
    """What was trained on what, and how far it is."""
    if told.best is None:
        yield f"{told.name}: no checkpoint yet"
        return
    model, corpus, settings = told.best.model, told.best.corpus, told.settings
    yield f"{told.name}: {model.kind} {model.num_layers}×{model.hidden_size}, {model.parameters:,} parameters"
    yield f"on {corpus.name}, " + ", ".join(f"{part} {length:,}" for part, length in corpus.split.items())
    budgets = ((settings.get(f"{name}s"), name) for name in ("minute", "step", "epoch"))
    if budget := next((counted(value, name) for value, name in budgets if value), None):
        yield f"{100 * (told.budget_used or 0):.0f} % of its {budget} used"


def _stage(sample: history.Sample) -> str:
    val = "" if sample.val_nats is None else f", val {sample.val_nats:.3f} nats"
    share = "" if sample.verbatim is None else f", {sample.verbatim}"
    return f"── step {sample.step:,}{val}{share}"
