"""A prepared run from its first step to its last: what is logged, saved, sampled and reported on the way."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from charrnn.api.preview import SAMPLE_TEMPERATURE, preview
from charrnn.errors import RunError, counted, is_out_of_memory
from charrnn.evaluation.memorisation import SEARCHED, Meter
from charrnn.runs.report import Progress
from charrnn.training.events import Events
from charrnn.training.keeper import Keeper
from charrnn.training.prepared import Prepared
from charrnn.training.trainer import Trainer
from charrnn.training.watch import UNWATCHED, Watch

MAX_ROLLBACKS = 10


def conduct(
    prepared: Prepared,
    watch: Watch,
    on_progress: Callable[[Progress], object] = lambda progress: None,
    tensorboard: bool = False,
) -> Progress | None:
    """Begin a prepared run and train to its end; return the last report, if there is one.

    Raises:
        RunError: its folder cannot be written, memory runs out, or the loss was no number before any model was saved.
    """
    trainer, keeper = prepared.trainer, prepared.keeper
    with _advice_on_memory(trainer, keeper), watch.running():
        prepared.begin()
        events = _events(trainer, keeper, tensorboard)
        last = follow(trainer, keeper, watch, on_progress, events)
    if trainer.group.is_first and trainer.divergence and not keeper.holds_a_model:
        raise diverged(trainer, "nothing was learned before that")
    return last


def follow(
    trainer: Trainer,
    keeper: Keeper,
    watch: Watch = UNWATCHED,
    on_progress: Callable[[Progress], object] = lambda progress: None,
    events: Events | None = None,
) -> Progress | None:
    """Run the trainer; log, save, sample and report what it yields; return the last report.

    Goes back where the run diverges, if it is to. Of several processes, the first alone writes and reports; what it
    saves is gathered from all.
    """
    progress = None  # where a run diverges at once, there is no report
    if not trainer.group.is_first:
        for progress in _reports(trainer, keeper, watch):
            if progress.milestone:
                keeper.commit(trainer, progress)
        return progress
    sampler = None if keeper.path is None and watch is UNWATCHED else _Samples(trainer, watch)
    told: set[str] = set()
    for progress in _reports(trainer, keeper, watch, events):
        _note_once([*trainer.notes, *filter(None, [keeper.mend()])], told, watch)
        keeper.log(progress)
        if events:
            events.log(progress)
        if progress.milestone:
            if sampler and trainer.stopped != "interrupted":
                sampler.keep(progress, keeper, events)
            keeper.commit(trainer, progress)
        watch.progress(progress)
        on_progress(progress)
    return progress


def diverged(trainer: Trainer, kept: str) -> RunError:
    """Return what went wrong where, what is still there, and what to do."""
    lower = "start again with a lower --learning-rate or --clip-norm"
    if trainer.config.on_nan == "rollback":
        return RunError(f"{trainer.divergence}, after going back {counted(trainer.rollbacks, 'time')}; {kept}", lower)
    return RunError(f"{trainer.divergence}; {kept}", f"resume with --on-nan rollback to go on from there, or {lower}")


@contextmanager
def _advice_on_memory(trainer: Trainer, keeper: Keeper) -> Iterator[None]:
    """Turn an error for want of memory into one that says what can be made smaller, and what is saved."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        streams, model = trainer.streams, trainer.model.config
        raise RunError(
            f"out of memory on {trainer.model.device} after step {trainer.step:,}; {keeper.kept or 'nothing is saved'}",
            f"start again with a smaller --batch-size (now {streams.batch_size}), a shorter --seq-length "
            f"(now {streams.seq_length}) or a smaller --hidden-size (now {model.hidden_size})",
        ) from None


def _events(trainer: Trainer, keeper: Keeper, wanted: bool) -> Events | None:
    """An event file where it is wanted, or where the run that is resumed has some."""
    if keeper.path is None or not trainer.group.is_first:
        return None
    return Events(keeper.path, trainer.milestones_settled) if wanted or Events.are_in(keeper.path) else None


def _note_once(messages: Iterable[str], told: set[str], watch: Watch) -> None:
    """Report those notes that were not among the messages before."""
    for message in messages:
        if message not in told:
            told.add(message)
            watch.note(message)


def _reports(trainer: Trainer, keeper: Keeper, watch: Watch, events: Events | None = None) -> Iterator[Progress]:
    """What the trainer yields; with `on_nan` "rollback" it goes on from the saved state where it diverges."""
    yield from trainer.run(watch.stop)
    while trainer.divergence and trainer.config.on_nan == "rollback" and trainer.rollbacks < MAX_ROLLBACKS:
        cause = trainer.divergence
        keeper.roll_back(trainer)
        if events:
            events.take_back(trainer.milestones_settled)
        if trainer.group.is_first:
            rate = f"{0.5**trainer.rollbacks:g} of the learning rate"
            watch.note(f"{cause}; going on from step {trainer.step:,} at {rate}")
        yield from trainer.run(watch.stop)


class _Samples:
    """What the model writes at each milestone, and how much of it is copied from the training text."""

    def __init__(self, trainer: Trainer, watch: Watch) -> None:
        self._trainer, self._watch, self._meter = trainer, watch, _meter(trainer, watch)

    def keep(self, progress: Progress, keeper: Keeper, events: Events | None) -> None:
        """Draw samples, measure them, keep the first and report it."""
        text, ids = preview(self._trainer)
        verbatim = self._meter.measure(ids)
        keeper.keep_sample(progress, text, SAMPLE_TEMPERATURE, verbatim)
        if events:
            events.keep_sample(progress, text, verbatim)
        self._watch.sample(progress, text, verbatim)


def _meter(trainer: Trainer, watch: Watch) -> Meter:
    parts = trainer.corpus.parts
    if len(parts["train"]) > SEARCHED:
        watch.note(
            f"how much of a sample is verbatim is told of the first {SEARCHED:,} characters of the training text"
        )
    vocabulary = trainer.corpus.vocabulary
    ids = {name: number for number, name in enumerate(vocabulary.names) if name.isspace()}
    end = ids.get("\n") if vocabulary.end is None else vocabulary.end
    return Meter(parts["train"], parts.get("val"), end, list(ids.values()))
