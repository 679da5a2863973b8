"""Trained: how a run ended, and what its best model reaches."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from charrnn.api.conduct import diverged
from charrnn.api.result import Result
from charrnn.errors import RunError, counted, typed
from charrnn.files import replacing
from charrnn.model.checkpoint import Checkpoint, bits, locate
from charrnn.model.network import CharRNN
from charrnn.model.shipped import as_model
from charrnn.runs.report import Progress
from charrnn.text.item_corpus import ItemFacts
from charrnn.text.symbols import kind_of
from charrnn.training.history import CURVE
from charrnn.training.overfitting import Overfitting, overfitting
from charrnn.training.prepared import Prepared
from charrnn.training.trainer import Trainer
from charrnn.training.watch import Watch

FEW_STEPS = 100  # in which no model learns more than which characters are frequent and which follow which
BUSY = 0.8  # of a core, or less


@dataclass(frozen=True)
class Trained(Result):
    """How a run ended. Losses are in nats per character (symbol), on the parts of its text; None: not measured."""

    run: str | None  # its folder; None: it was kept in memory
    best: str | None  # the file of its best model
    steps: int
    epochs: float
    seconds: float
    parameters: int
    train_nats: float
    val_nats: float | None
    val_bits: float | None
    test_nats: float | None
    val_characters: int | None  # that the loss is of, from the part's beginning; None: all
    test_characters: int | None
    few_steps: str | None  # why the run made so few steps that its model is poor
    chars_per_second: float
    stopped: str  # finished, interrupted or diverged
    rollbacks: int
    overfitting: Overfitting | None
    items: ItemFacts | None = None  # of many short texts: how they were cut and split
    symbols: str = "character"  # in nats of which losses are, and
    val_nats_per_character: float | None = None  # what they come to by character, where that can be told
    test_nats_per_character: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what `charrnn train --json` prints."""
        return asdict(self)

    def __str__(self) -> str:
        val = "" if self.val_nats is None else f", val {self.val_nats:.4f} nats ({self.val_bits:.4f} bits)"
        test = "" if self.test_nats is None else f", test {self.test_nats:.4f} nats"
        noun = "character" if self.symbols == "character" else "symbol"
        lines = [
            f"{self.stopped} after {counted(self.steps, 'step')}, {self.epochs:.2f} epochs, {self.seconds:.0f} s: "
            f"train {self.train_nats:.4f}{val}{test}{'' if val or test else ' nats'} per {noun}{self._by_character}"
            + (", each item's end counted" if self.items else "")
        ]
        if self.run is not None:
            run = Path(self.run)
            if self.stopped == "interrupted":
                lines.append(f"Go on: {typed('train', '--resume', run)}")
            lines.append(f"Next:  {typed('sample', as_model(run), *self._how_to_sample())}")
        return "\n".join(lines)

    @property
    def _by_character(self) -> str:
        told = {"val": self.val_nats_per_character, "test": self.test_nats_per_character}
        known = [f"{part} {nats:.4f}" for part, nats in told.items() if nats is not None]
        return "" if self.symbols == "character" or not known else f"; per character {', '.join(known)} nats"

    def _how_to_sample(self) -> tuple[object, ...]:
        if self.items is None:
            return ("--length", 500)
        label = ("--label", self.items.labels[0]) if self.items.labels else ()
        return ("--count", 20, *label)


@dataclass(frozen=True)
class Ended:
    """A run that has ended: its best model, what it reaches, and the error where it ended by one."""

    checkpoint: Checkpoint
    trained: Trained
    error: RunError | None


def finish(prepared: Prepared, watch: Watch, last: Progress | None) -> Ended:
    """Measure the best model, unless the run is to end at once; draw the curve, and return how the run ended.

    A process that is not the first has the model of the last step, unmeasured.
    """
    trainer, keeper = prepared.trainer, prepared.keeper
    if not trainer.group.is_first:
        error = diverged(trainer, "the first process says what is kept") if trainer.divergence else None
        last = last or Progress(trainer.step, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        checkpoint = keeper.identity.checkpoint(trainer.model, last.figures)
        return Ended(checkpoint, _trained(checkpoint, prepared, last.line(), None), error)
    checkpoint = keeper.checkpoint()
    if trainer.stopped != "interrupted":
        checkpoint = _measured(checkpoint, prepared)
        keeper.save_final(checkpoint)
    log = keeper.lines()
    if keeper.path is not None:
        _draw(log, keeper.path, watch, checkpoint.vocabulary.noun)
    if trainer.out_of_patience:
        row = counted(trainer.config.patience or 0, "validation")
        watch.note(f"the last {row} brought no new best, so the run ended early")
    overfits = overfitting(log)
    if overfits:
        watch.note(str(overfits))
    kept = keeper.kept or ("nothing is saved" if keeper.path else "the best model before that is kept")
    error = diverged(trainer, kept) if trainer.divergence else None
    return Ended(checkpoint, _trained(checkpoint, prepared, log[-1], overfits), error)


def _trained(
    checkpoint: Checkpoint, prepared: Prepared, last: Mapping[str, Any], overfits: Overfitting | None
) -> Trained:
    figures, trainer, path = checkpoint.header.figures, prepared.trainer, prepared.keeper.path
    return Trained(
        run=None if path is None else str(path),
        best=None if path is None or not prepared.keeper.holds_a_model else str(locate(str(path))),
        steps=last["step"],
        epochs=last["epoch"],
        seconds=last["seconds"],
        parameters=checkpoint.config.parameters,
        train_nats=last["train_nats"],
        val_nats=figures.val_nats,
        val_bits=None if figures.val_nats is None else bits(figures.val_nats),
        test_nats=figures.test_nats,
        val_characters=figures.val_characters,
        test_characters=figures.test_characters,
        few_steps=_few_steps(trainer),
        chars_per_second=trainer.characters / max(1e-9, last["seconds"]),
        stopped=trainer.stopped,
        rollbacks=trainer.rollbacks,
        overfitting=overfits,
        items=checkpoint.header.corpus.items,
        symbols=kind_of(checkpoint.vocabulary.symbols),
        val_nats_per_character=_per_character(checkpoint, "val"),
        test_nats_per_character=_per_character(checkpoint, "test"),
    )


def _per_character(checkpoint: Checkpoint, part: str) -> float | None:
    """The loss of a held-out part by character; None where it was not measured, or longer symbols not all."""
    figures, corpus = checkpoint.header.figures, checkpoint.header.corpus
    partly = corpus.characters_in is not None and getattr(figures, f"{part}_characters") is not None
    return None if partly else corpus.per_character(part, getattr(figures, f"{part}_nats"))


def _few_steps(trainer: Trainer) -> str | None:
    """Why a run made so few steps in its time that its model is poor; None where it made enough."""
    if trainer.config.minutes is None or trainer.step >= FEW_STEPS or trainer.stopped != "finished":
        return None
    if trainer.model.device.type == "cpu" and trainer.cores < BUSY:
        why = f"other programs kept the processor busy, and the run had {trainer.cores:.0%} of a core"
    else:
        why = "each is long for this machine"
    return (
        f"the model is poor: there was time for {counted(trainer.step, 'step')} only, for {why}; "
        "give it more --minutes, or a smaller --hidden-size"
    )


def _draw(log: Any, path: Path, watch: Watch, noun: str) -> None:
    """Draw the curve; where that fails, for whatever reason but the disk, the run is as good without it."""
    try:
        from charrnn.display.curve import draw

        with replacing(path / CURVE) as picture:
            draw(log, path.name, picture, noun)
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, IsADirectoryError | FileExistsError):
            raise
        watch.note(f"{CURVE} was not drawn: {error}")


def _measured(best: Checkpoint, prepared: Prepared) -> Checkpoint:
    """Measure a checkpoint on the held-out parts in float32, as far as there is time; return it with the figures."""
    trainer = prepared.trainer
    network = CharRNN.from_weights(best.config, best.weights).to(trainer.model.device)
    figures = trainer.validator.final(network, best.header.figures)
    return replace(best, header=prepared.keeper.identity.header(best.config, figures))
