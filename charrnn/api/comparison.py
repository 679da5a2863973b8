"""Runs side by side, in figures and in one picture."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from charrnn.api.headers import header_of
from charrnn.api.result import Result
from charrnn.api.run import Run
from charrnn.display.runs import as_text, show_comparison
from charrnn.files import replacing
from charrnn.model.checkpoint import bits
from charrnn.training.history import Described, History

MARKED = ("val_nats", "test_nats", "chars_per_second")  # of which the best is marked
_OF_THE_TEXT = ("val_nats", "test_nats")  # what can only be compared on the same text, split the same way


@dataclass(frozen=True)
class Compared(Result):
    """Runs side by side. `reasons` are why their losses are not of the same characters; none where they are."""

    told: tuple[History, ...]
    reasons: tuple[str, ...]

    @cached_property
    def names(self) -> list[str]:
        """What each run is called: its folder's name, or the whole path where names are not distinct."""
        counts = Counter(each.name for each in self.told)
        return [each.name if counts[each.name] == 1 else str(each.path) for each in self.told]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Figures of each run, losses of its best checkpoint."""
        return [{**_figures(each), "run": name} for each, name in zip(self.told, self.names, strict=True)]

    @cached_property
    def settings(self) -> dict[str, list[Any]]:
        """The settings in which the runs differ, each with the runs' values in their order; None where it has none."""
        names = dict.fromkeys(name for each in self.told for name in each.settings)
        values = {name: [each.settings.get(name) for each in self.told] for name in names}
        return {name: of_runs for name, of_runs in values.items() if any(value != of_runs[0] for value in of_runs)}

    def to_dict(self) -> dict[str, Any]:
        """Return what `charrnn compare --json` prints."""
        pairs = zip(self.rows, self.told, strict=True)
        return {
            "runs": [{**row, "run": str(each.path), "text": each.text} for row, each in pairs],
            "settings": self.settings,
            "comparable": not self.reasons,
            "why_not": list(self.reasons),
        }

    def show(self) -> None:
        """Write it to the terminal."""
        show_comparison(*self._shown())

    def __str__(self) -> str:
        return as_text(show_comparison, *self._shown())

    def _shown(self) -> tuple[list[str], list[Any], list[dict[str, Any]], list[str], dict[str, list[Any]]]:
        marked = [name for name in MARKED if not (self.reasons and name in _OF_THE_TEXT)]
        return self.names, [each.log for each in self.told], self.rows, marked, self.settings

    @property
    def _logs(self) -> dict[str, Any]:
        return {name: each.log for name, each in zip(self.names, self.told, strict=True)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Draw the losses, against time and against epochs, as SVG or PNG; under a name in .json write the figures.

        Raises:
            OSError: the file cannot be written.
        """
        output = Path(path)
        if output.suffix.lower() == ".json":
            super().save(output)
            return
        from charrnn.display.curve import draw_together  # matplotlib: the figures are there without
        from charrnn.display.figures import form_of

        with replacing(output) as picture:
            draw_together(self._logs, picture, form_of(output))


def compare(runs: Sequence[str | os.PathLike[str] | Run]) -> Compared:
    """Compare runs: figures, the settings in which they differ, loss curves.

    Args:
        runs: run folders.

    Raises:
        RunError: one is no run folder, or nothing is logged there yet.
        CheckpointError: a checkpoint is damaged.
    """
    told = tuple(History.read(run.path if isinstance(run, Run) else Run(run).path, header_of) for run in runs)
    return Compared(told, tuple(_incomparable(told)))


def _incomparable(told: Sequence[History]) -> list[str]:
    """Why the runs' losses are not of the same characters; empty where they are."""
    texts = [each.best.corpus for each in told if each.best is not None]
    reasons = []
    if len({text.sha256 for text in texts}) > 1:
        named = dict.fromkeys(f"{text.name} (SHA-256 {text.sha256[:8]})" for text in texts)
        reasons.append(f"the runs' texts differ: {', '.join(named)}")
    elif len({tuple(text.split.items()) for text in texts}) > 1:
        splits = dict.fromkeys(", ".join(f"{part} {n:,}" for part, n in text.split.items()) for text in texts)
        reasons.append(f"the runs' splits differ: {' / '.join(splits)}")
    older = [each.name for each in told if each.best is not None and each.best.corpus.leaves_folded_out]
    if older and len(told) > 1:
        reasons.append(f"an older charrnn left out what the rare characters cost in {', '.join(older)}")
    unknown = [each.name for each in told if each.best is None]
    if unknown and len(told) > 1:
        reasons.append(f"the text of {', '.join(unknown)} is not known before the first checkpoint")
    return reasons


def _by_character(best: Described, part: str) -> float | None:
    """A loss by character, also where symbols are longer ones, so that runs of both kinds compare."""
    nats: float | None = getattr(best.figures, f"{part}_nats")
    return best.corpus.per_character(part, nats)


def _figures(told: History) -> dict[str, Any]:
    last, best = told.log[-1], told.best
    losses: dict[str, float | None] = {
        f"{part}_nats": None if best is None else _by_character(best, part) for part in ("val", "test")
    }
    in_bits = {name.replace("nats", "bits"): None if nats is None else bits(nats) for name, nats in losses.items()}
    return {
        **losses,
        **in_bits,
        "best_step": best and best.figures.step,
        "parameters": best and best.model.parameters,
        "steps": last["step"],
        "epochs": last["epoch"],
        "seconds": last["seconds"],
        "chars_per_second": told.chars_per_second,
        "budget_used": told.budget_used,
    }
