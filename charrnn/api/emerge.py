"""When a unit emerges in training: what follows a feature at each stage of a run that kept its models."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from charrnn.api.drawing import Plot
from charrnn.api.limits import CONTEXT
from charrnn.api.model import Model, load
from charrnn.api.passage import Passage, check_length
from charrnn.display import emergence as shown
from charrnn.errors import CheckpointError
from charrnn.feedback import SILENT, Feedback
from charrnn.model.checkpoint import stages
from charrnn.model.devices import choose_precision, name_of
from charrnn.model.shipped import run_folder
from charrnn.neurons.columns import Columns, recorded_columns
from charrnn.neurons.emergence import Emergence
from charrnn.neurons.emergence import emergence as followed
from charrnn.neurons.features import feature_named
from charrnn.text.reading import DEFAULT, Reading
from charrnn.training.history import LOG, no_run


@dataclass(frozen=True)
class Emerged(Plot):
    """A feature's best unit at the end of a run, and its score at each stage beside the best one of that time."""

    run: str
    passage: Passage
    feature: str
    found: Emergence
    val_nats: dict[int, float | None]  # of each stage's model, by its step
    precision: str  # of the recording: float32 or bfloat16

    @property
    def first_step(self) -> int | None:
        """The step from which on the unit is there; None: it has not emerged."""
        return self.found.first_step

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; the step at which the unit emerged is called `born`."""
        found, passage = self.found, self.passage
        return {
            "run": self.run,
            "source": " ".join(passage.source),
            "part": passage.part,
            "characters": len(passage),
            "feature": self.feature,
            "precision": self.precision,
            "unit": str(found.unit),
            "signal": found.signal,
            "metric": found.metric,
            "surface_score": found.surface_score,
            "born": found.first_step,
            "stages": [
                {
                    "step": stage.step,
                    "val_nats": self.val_nats[stage.step],
                    "best_unit": str(stage.best.unit),
                    "best_score": stage.best.score,
                    "score": stage.score,
                }
                for stage in found.stages
            ],
        }

    def __str__(self) -> str:
        return shown.text(self.to_dict())

    def plot(self, path: Path, form: str) -> None:
        """Draw the scores over the steps."""
        shown.draw(self.to_dict(), path, form)


def emergence(
    run: str | os.PathLike[str],
    sources: Sequence[str],
    feature: str,
    *,
    signal: str = "h",
    characters: int = 60_000,
    part: str | None = None,
    reading: Reading = DEFAULT,
    device: str = "auto",
    precision: str | None = None,
    feedback: Feedback = SILENT,
    load: Callable[[str, str], Model] = load,
) -> Emerged:
    """Follow a feature through the stages of a run that was trained with keep_checkpoints.

    Args:
        run: its folder.
        sources: the text: what SOURCE is on the command line.
        feature: a name, or NAME=PATTERN.
        signal: such as h, c, tanh_c or a gate.
        characters: how many are read, from the part's end.
        part: all, train, val or test; None: of the run's own text one that it was not trained on, else all.
        reading: how bytes become characters.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: float32 or bfloat16, in which units are recorded; None: as `choose_precision` has it.
        feedback: where notes and counts go.
        load: what loads the model of a stage, by its path and the device.

    Raises:
        RunError: there is no such run.
        CheckpointError: it has kept no models.
        ConfigError: there is no such feature or signal, or the feature hardly changes over the text.
    """
    models = _stages(run)
    last = load(str(models[max(models)]), device)
    number = choose_precision(precision, last.network.device)
    read = last.read(*sources, part=part, reading=reading, feedback=feedback)
    before = (read.before + read.text[:-characters])[-CONTEXT:]
    passage = replace(read, ids=read.ids[-characters:], text=read.text[-characters:], before=before)
    check_length(passage.text)
    val_nats: dict[int, float | None] = {}

    @contextmanager
    def recorded(step: int) -> Iterator[Columns]:
        model = load(str(models[step]), device)
        val_nats[step], network = model.figures.val_nats, model.network
        with recorded_columns(network, passage.ids, [signal], number, bar.update) as columns:
            yield columns

    with feedback.bar(len(models) * len(passage), "recording") as bar:
        found = followed(list(models), recorded, passage.ids, passage.text, feature_named(feature), before)
    return Emerged(str(run), passage, feature, found, val_nats, name_of(number))


def _stages(run: str | os.PathLike[str]) -> dict[int, Path]:
    """The models that a run has kept, by their steps."""
    folder = run_folder(Path(run))
    paths = stages(folder)
    if not (paths or (folder / LOG).is_file()):
        raise no_run(folder)
    if not paths:
        raise CheckpointError(
            f"{os.fspath(run)} has kept no model of its stages", "train with --keep-checkpoints, or compare two models"
        )
    return paths
