"""What a training run shows while it goes on, and what it leaves when it ends."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import bar, is_first_process, note, say
from charrnn.display.signs import one_line, visible
from charrnn.errors import counted, typed
from charrnn.model.shipped import as_model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from tqdm import tqdm

    from charrnn.model.checkpoint import Checkpoint, Figures
    from charrnn.runs.report import Progress
    from charrnn.training.events import Events
    from charrnn.training.history import History
    from charrnn.training.memorisation import Meter, Verbatim
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer

SAMPLE_LENGTH = 160
FEW_STEPS = 100  # in which no model learns more than which characters are frequent and which follow which
BUSY = 0.8  # of a core, or less
METERED = 16  # samples that the memorisation meter looks at; one alone says little
SAMPLE_TEMPERATURE = 0.8
MAX_ROLLBACKS = 10


def follow(trainer: "Trainer", run: "Run", stop: Callable[[], bool], events: "Events | None" = None) -> None:
    """Run the trainer; log, save, sample and show what it yields. Goes back where it diverges, if it is to."""
    if not trainer.group.is_first:
        _accompany(trainer, run, stop)
        return
    meter = _meter(trainer)
    with _shown() as view:
        for progress in _reports(trainer, run, stop, view.tell, events):
            view.tell_once(trainer.notes)
            lost = run.mend()
            if lost:
                view.tell(lost)
            run.log(progress)
            if events:
                events.log(progress)
            if progress.milestone:
                if trainer.stopped != "interrupted":
                    samples = _samples(trainer)
                    text, verbatim = trainer.corpus.vocabulary.decode(samples[0]), meter.measure(samples)
                    run.keep_sample(progress, text, SAMPLE_TEMPERATURE, verbatim)
                    if events:
                        events.keep_sample(progress, text, verbatim)
                    view.stage(progress, text, verbatim)
                run.commit(trainer, progress)
            view.move(progress)


def _meter(trainer: "Trainer") -> "Meter":
    from charrnn.training.memorisation import SEARCHED, Meter

    parts = trainer.corpus.parts
    if len(parts["train"]) > SEARCHED:
        note(f"how much of a sample is verbatim is told of the first {SEARCHED:,} characters of the training text")
    vocabulary = trainer.corpus.vocabulary
    ids = {
        character: int(vocabulary.encode(character)[0]) for character in vocabulary.characters if character.isspace()
    }
    return Meter(parts["train"], parts.get("val"), ids.get("\n"), list(ids.values()))


class _View:
    """A bar, and what is written above it; where stderr is no terminal, that alone."""

    def __init__(self, bar: "tqdm[Any]") -> None:
        self._bar, self._val = bar, ""
        self._told: set[str] = set()

    def tell(self, message: str) -> None:
        """Write a note."""
        self._write(f"Note: {one_line(message)}")

    def tell_once(self, messages: Iterable[str]) -> None:
        """Write those notes that were not among the messages before."""
        for message in messages:
            if message not in self._told:
                self._told.add(message)
                self.tell(message)

    def stage(self, progress: "Progress", text: str, verbatim: "Verbatim | None") -> None:
        """Write what the model writes by now."""
        of = "" if progress.val_characters is None else f" (first {counted(progress.val_characters, 'character')})"
        measured = "" if progress.val_nats is None else f" val {progress.val_nats:.3f}{of}"
        share = f", {verbatim}" if verbatim else ""
        self._write(f"── step {progress.step}, train {progress.train_nats:.3f}{measured} nats{share}")
        self._write(visible(text))
        self._val = measured or self._val

    def move(self, progress: "Progress") -> None:
        """Move the bar to where the run stands."""
        self._bar.n = progress.fraction
        self._bar.set_description_str(
            f" step {progress.step} epoch {progress.epoch:.1f} train {progress.train_nats:.3f}{self._val} nats "
            f"{progress.chars_per_second / 1000:.0f}k char/s"
        )

    def _write(self, line: str) -> None:
        self._bar.write(line, file=sys.stderr)


@contextmanager
def _shown() -> Iterator[_View]:
    with bar(total=1.0, bar_format="{percentage:3.0f}%|{bar}|{desc} {remaining} left") as shown:
        yield _View(shown)


def _accompany(trainer: "Trainer", run: "Run", stop: Callable[[], bool]) -> None:
    """Train with the first process, which alone writes and speaks; what it saves is gathered from all."""
    for progress in _reports(trainer, run, stop, tell=lambda message: None):
        if progress.milestone:
            run.commit(trainer, progress)


def _reports(
    trainer: "Trainer",
    run: "Run",
    stop: Callable[[], bool],
    tell: Callable[[str], None],
    events: "Events | None" = None,
) -> "Iterator[Progress]":
    """What the trainer yields; with `on_nan` "rollback" it goes on from the saved state where it diverges."""
    yield from trainer.run(stop)
    while trainer.divergence and trainer.config.on_nan == "rollback" and trainer.rollbacks < MAX_ROLLBACKS:
        cause = trainer.divergence
        run.roll_back(trainer)
        if events:
            events.take_back(trainer.milestones_settled)
        tell(f"{cause}; going on from step {trainer.step:,} at {0.5**trainer.rollbacks:g} of the learning rate")
        yield from trainer.run(stop)


def _samples(trainer: "Trainer") -> "npt.NDArray[np.integer]":
    """Short texts by the model as it is now, ids [METERED, SAMPLE_LENGTH].

    The seeds are always the same, so that the stages of a run can be compared.
    """
    import numpy as np

    from charrnn.model.stepped_network import SteppedCharRNN
    from charrnn.sampling.distribution import SamplingConfig
    from charrnn.sampling.sampler import Sampler

    network = SteppedCharRNN(trainer.model.config, trainer.model.weights())
    sampler = Sampler(network, trainer.corpus.vocabulary, SamplingConfig(SAMPLE_TEMPERATURE))
    with np.errstate(all="ignore"):  # a run about to diverge says so itself
        return np.concatenate([ids for ids, _ in sampler.draw_many(SAMPLE_LENGTH, "", range(METERED))]).T


def finish(trainer: "Trainer", run: "Run") -> dict[str, Any]:
    """Draw the curve and report the best checkpoint, measured unless the run is to end at once."""
    from charrnn.model.checkpoint import bits, load, locate
    from charrnn.training.history import History

    where = locate(str(run.path))
    best = load(where)
    figures = best.header.figures if trainer.stopped == "interrupted" else _measured(best, trainer, run)
    history = History.read(run.path)
    _draw(history)
    last, overfits = history.log[-1], history.overfitting
    if trainer.out_of_patience:
        row = counted(trainer.config.patience or 0, "validation")
        note(f"the last {row} brought no new best, so the run ended early")
    if overfits:
        note(str(overfits))
    return {
        "run": str(run.path),
        "best": str(where),
        "steps": last["step"],
        "epochs": last["epoch"],
        "seconds": last["seconds"],
        "parameters": best.config.parameters,
        "train_nats": last["train_nats"],
        "val_nats": figures.val_nats,
        "val_bits": None if figures.val_nats is None else bits(figures.val_nats),
        "test_nats": figures.test_nats,
        "val_characters": figures.val_characters,
        "test_characters": figures.test_characters,
        "few_steps": _few_steps(trainer),
        "chars_per_second": trainer.characters / last["seconds"],
        "stopped": trainer.stopped,
        "rollbacks": trainer.rollbacks,
        "overfitting": None if overfits is None else asdict(overfits),
    }


def _few_steps(trainer: "Trainer") -> str | None:
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


def _draw(history: "History") -> None:
    """Draw the curve; where that fails, for whatever reason but the disk, the run is as good without it."""
    from charrnn.files import replacing
    from charrnn.training.history import CURVE

    try:
        from charrnn.display.curve import draw

        with replacing(history.path / CURVE) as picture:
            draw(history.log, history.path.name, picture)
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, IsADirectoryError | FileExistsError):
            raise
        note(f"{CURVE} was not drawn: {error}")


def _measured(best: "Checkpoint", trainer: "Trainer", run: "Run") -> "Figures":
    """Measure a checkpoint on the held-out parts in float32, as far as there is time, and keep the figures in it."""
    from charrnn.model.network import CharRNN

    network = CharRNN.from_weights(best.config, best.weights).to(trainer.model.device)
    figures = trainer.validator.final(network, best.header.figures)
    run.save_final(best, figures)
    return figures


def summarise(result: dict[str, Any]) -> None:
    run = Path(result["run"])
    val = "" if result["val_nats"] is None else f", val {result['val_nats']:.4f} nats ({result['val_bits']:.4f} bits)"
    test = "" if result["test_nats"] is None else f", test {result['test_nats']:.4f} nats"
    for part in ("val", "test"):
        if (characters := result[f"{part}_characters"]) is not None:
            note(f"for want of time {part} is of the first {counted(characters, 'character')} of its part")
    say(
        f"{result['stopped']} after {counted(result['steps'], 'step')}, {result['epochs']:.2f} epochs, "
        f"{result['seconds']:.0f} s: "
        f"train {result['train_nats']:.4f}{val}{test}{'' if val or test else ' nats'} per character"
    )
    if result["stopped"] == "interrupted":
        click.echo(f"Go on: {typed('train', '--resume', run)}")
    click.echo(f"Next:  {typed('sample', as_model(run), '--length', 500)}")
    if result["few_steps"]:
        note(result["few_steps"])


@contextmanager
def signals() -> Iterator[list[int]]:
    """Collect SIGINT, SIGTERM and SIGHUP instead of dying of them; a second SIGINT or SIGTERM acts at once.

    SIGHUP says that the terminal was closed, perhaps twice; where it is ignored, as nohup has it, it stays so.
    """
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        if received and number not in hangups:
            raise SystemExit(128 + number)
        received.append(number)
        if not is_first_process():
            return
        with suppress(OSError):  # written past the buffer, in the middle of which the signal may have come
            os.write(2, b"Stopping after this step; once more to leave at once.\n")

    hangups = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []  # Windows has none
    asked = [number for number in hangups if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM, *asked)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
