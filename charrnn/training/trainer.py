"""Trainer: a run from its first step to its end, by budget and clock. Yields progress; saves and prints nothing."""

import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import astuple, replace
from time import perf_counter, process_time

import torch
from torch import Tensor

from charrnn.errors import ConfigError, counted
from charrnn.evaluation.scoring import Folding
from charrnn.model.network import CharRNN
from charrnn.model.threads import Threads
from charrnn.runs.allocator import keep_freed_memory
from charrnn.runs.report import Divergence, Progress, RecentLosses
from charrnn.runs.schedule import learning_rate
from charrnn.text.corpus import Corpus, Streams
from charrnn.text.item_streams import ItemStreams
from charrnn.training.config import TrainingConfig
from charrnn.training.feed import Fed, feed_of
from charrnn.training.group import Clock, Group
from charrnn.training.learner import Learner
from charrnn.training.validation import COST, RESERVE, Measured, Validator

REPORT_SECONDS = 0.5  # losses are read back from the device this often
FIRST_MILESTONE = 0.01  # of the budget; the next ones double, then come every MILESTONE
MILESTONE = 0.05
STEP = "a training step"  # the kind of work whose threads are chosen
COUNTS = 8  # numbers in a state that count what was done, and time it


class Trainer:
    """One run of a model over a corpus, by one process or by several that each read a share of the streams.

    With several, `config.batch_size` is each one's. All take the same steps: gradients and losses are means over all,
    and what depends on the clock, a stop or the validation is as the first process has it.

    `stopped` tells, from the last report on, how the run ended: "finished", "interrupted" or "diverged"; `divergence`
    where and how it diverged.
    """

    def __init__(
        self,
        model: CharRNN,
        corpus: Corpus,
        config: TrainingConfig,
        precision: torch.dtype = torch.float32,
        group: Group | None = None,
        threads: Threads | None = None,
    ) -> None:
        self.model, self.corpus, self.config, self.precision = model, corpus, config, precision
        self.threads = threads or Threads()
        self.group = group or Group(device=model.device)
        self._learner = Learner(model, config, precision, self.group, Folding.of(corpus.vocabulary))
        streams: Streams | ItemStreams = corpus.streams(config.batch_size * self.group.size, config.seq_length)
        self.streams = streams.share(self.group.rank, self.group.size)
        self._step_of_epoch = self.streams.per_step / self.streams.per_epoch
        self._feed = feed_of(self.streams, model.device)
        self.stopped = "finished"
        self.divergence: Divergence | None = None
        self._step, self._rate = 0, 0.0  # steps taken, and the learning rate of the last one
        self._began = perf_counter(), process_time()
        self._seconds = self._reported = 0.0  # spent so far, at the last report; and at the one before it
        self._clock = Clock(self.group, lambda: 0.0, lambda: False, 0.0)
        self._next_milestone = FIRST_MILESTONE  # the next one is due when this part of the budget is used up
        self._next_validation = 0.0  # not before this part of the budget is used up
        self._reserved = 0.0  # seconds of the budget that are kept for the last validation
        self.characters = 0  # trained on so far, readings of the same character counted each
        self.validator = Validator(corpus, precision, config.minutes and 60 * config.minutes, lambda: perf_counter())
        self._in_vain = 0  # validations that came after the best
        self.rollbacks = 0  # so far; each has halved the learning rate
        self._recent = RecentLosses()
        self._owed: Progress | None = None  # a milestone that a stop has cut off, to be made up for

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Progress]:
        """Train until the budget is used up, `stop` says so, or the loss is no number; yield progress.

        A report that is a milestone is yielded at the end of the run, and at intervals before it; the model may be
        saved and sampled then. A stop is followed within a step (two, where several processes have to agree) by a last
        report, a milestone without validation.
        """
        self.stopped, self.divergence = "finished", None
        self._began = perf_counter(), process_time()
        keep_freed_memory()
        for progress, due in self._reports(stop):
            if self.divergence is None and (due or self._clock.stopping):
                progress = self._milestone(progress, due, stop)
            if self.divergence is not None:
                self.stopped = "diverged"
                return
            begun = perf_counter()
            yield progress
            if due:
                self._account_for(progress.fraction, perf_counter() - begun)
            if self.stopped == "interrupted":
                return

    def _account_for(self, fraction: float, seconds: float) -> None:
        """Put the next milestone off by what the one at this part of the budget took; the speed does not count it."""
        (seconds,) = self.group.as_the_first(lambda: [seconds], 1)
        self._next_milestone = max(self._next_milestone, fraction + self._earned_in(seconds))
        self._reported += seconds

    def state(self) -> dict[str, Tensor]:
        """Return all that training goes on from: what the learner does, and counts and times.

        To be taken where a milestone has been yielded, by all processes at once; see `Learner.state`.
        """
        counts = (self._step, self.characters, self.rollbacks, self._in_vain)
        times = (self._seconds, self._next_milestone, self._next_validation)
        tensors = self._learner.state()
        best = self.validator.best or Measured(math.inf, 0, True)
        tensors["counts"] = torch.tensor((*counts, *times, best.nats), dtype=torch.float64)
        if best.sums:
            tensors["best"] = torch.tensor((best.characters, best.whole, *best.sums), dtype=torch.float64)
        if self._reserved:
            tensors["reserved"] = torch.tensor([self._reserved], dtype=torch.float64)
        if self._owed is not None:
            tensors["owed"] = torch.tensor(astuple(self._owed)[1:8], dtype=torch.float64)  # from epoch to fraction
        return tensors

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to a state: training from here equals training on from where it was taken, to the last bit.

        Raises:
            RunError: another number of processes trained it.
            ConfigError: its step is one that no training reaches.
        """
        step = int(tensors["counts"].flatten()[0])
        self.streams.place_of(step)
        rows, readers = self.streams.rows_before(step)
        self._learner.restore(tensors, rows, readers)
        *counts, self._seconds, self._next_milestone, self._next_validation, best = tensors["counts"].tolist()
        self._step, self.characters, self.rollbacks, self._in_vain = map(int, counts)
        characters, whole, *sums = tensors["best"].tolist() if "best" in tensors else (0, 1)
        self.validator.best = None if best == math.inf else Measured(best, int(characters), bool(whole), tuple(sums))
        reserved = float(tensors["reserved"]) if "reserved" in tensors else 0.0
        self._reserved = reserved if 0 < reserved <= RESERVE * 60 * (self.config.minutes or 0) else 0.0
        self._owed = Progress(self._step, *tensors["owed"].tolist()) if "owed" in tensors else None
        self._recent = RecentLosses()

    def settle_threads(self) -> None:
        """Choose the number of threads once and for all, where there is a choice, by steps of a copy of the model.

        The last bits of a sum depend on it: what is to be repeatable cannot have it change on the way.
        """
        if not self.threads.measured:
            return
        copy = Learner(deepcopy(self.model), self.config, self.precision, self.group)
        batches = self._feed.batches(self._step)
        while self.threads.chosen(STEP) is None:
            with self.threads.piece(STEP):
                copy.learn(next(batches), 0.0)
        self.threads.settle(STEP)

    def rebudget(self) -> float:
        """Go on in another budget than that of the state that was restored; return how much of it is used up.

        The learning rate follows the schedule of the whole new budget, from there on.

        Raises:
            ConfigError: nothing of it is left.
        """
        self._reserved = 0.0
        used = self._fraction(self._seconds)
        if used >= 1:
            raise ConfigError(
                f"the run has taken {counted(self._step, 'step')}, {counted(float(f'{self._epoch:.3g}'), 'epoch')} "
                f"and {counted(float(f'{self._seconds / 60:.3g}'), 'minute')}",
                "give it more than that in all",
            )
        self._next_milestone, self._next_validation = used + min(used, MILESTONE), 0.0
        self._owed, self._in_vain = None, 0
        return used

    def rate_at(self, fraction: float) -> float:
        """Return the learning rate when so much of the budget is used up."""
        return 0.5**self.rollbacks * learning_rate(self.config, fraction, self._epoch)

    def roll_back(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to a state and halve the learning rate from there on. The time since then stays spent."""
        seconds = self._seconds
        self.restore(tensors)
        self._seconds, self.rollbacks = seconds, self.rollbacks + 1

    def _reports(self, stop: Callable[[], bool]) -> Iterator[tuple[Progress, bool]]:
        """Train; yield reports, every so often and at a stop, and whether each is a milestone; first an owed one."""
        if self._owed is not None:
            yield self._owed, True
        start = perf_counter() - self._seconds
        self._reported = self._seconds
        self._clock = Clock(self.group, lambda: perf_counter() - start, stop, self._seconds)
        batches = self._feed.batches(self._step)
        while self._fraction(self._seconds) < 1 and not self.out_of_patience:
            ahead = self._fraction(self._clock.now, ahead=0.5)
            self._train_on(next(batches), self.rate_at(ahead))
            now = self._clock.agree()
            fraction = self._fraction(now)
            due = fraction >= 1 or self._milestone_due(fraction)
            if due or self._clock.stopping or now - self._reported >= REPORT_SECONDS:
                self._seconds = now
                yield self._report(fraction), due

    def _milestone(self, progress: Progress, due: bool, stop: Callable[[], bool]) -> Progress:
        """Look whether the model may be saved; validate it where that is due, and owe it where a stop cuts it off."""
        self._owed, progress = None, replace(progress, milestone=True)
        broken = self._learner.broken_weight()  # the loss of the next step would tell, but it may be saved before
        if broken is not None:
            name, value = broken
            self.divergence = Divergence(self._step, f"weight {name}", value)
        if due and self.divergence is None:
            self._next_milestone = progress.fraction + min(progress.fraction, MILESTONE)
            try:
                return self._validated(progress, stop)
            except _CutOffError:
                self._owed = progress
        self.stopped = "interrupted"
        return progress

    def _train_on(self, batch: Fed, rate: float) -> None:
        self._learner.forget(self.streams.beginning(self._step))
        with self.threads.piece(STEP):
            step = self._learner.learn(batch, rate, self._clock.told())
        self._step, self._rate = self._step + 1, rate
        self.characters += step.characters
        self._recent.add(step.loss, step.norm, step.characters)
        self._clock.hear(step.letter)

    @property
    def out_of_patience(self) -> bool:
        """Whether so many validations in a row were no new best that the run ends early."""
        return self._in_vain == self.config.patience

    @property
    def cores(self) -> float:
        """How many cores worked for this process since it began to train; less than one on a busy machine."""
        wall, worked = (now - began for now, began in zip((perf_counter(), process_time()), self._began, strict=True))
        return worked / max(1e-9, wall)

    @property
    def notes(self) -> list[str]:
        """What of the hardware could not be made use of so far, and why."""
        return self._learner.notes

    @property
    def step(self) -> int:
        """Steps taken so far."""
        return self._step

    @property
    def milestones_settled(self) -> int:
        """The step up to which milestones were validated: one before the last where a stop cut its milestone off."""
        return self._step - (self._owed is not None)

    @property
    def _epoch(self) -> float:
        return self.characters / self.streams.per_epoch

    def _fraction(self, seconds: float, ahead: float = 0.0) -> float:
        """How much of the budget is used up, or will be after the next `ahead` steps."""
        if self.config.minutes is not None:
            return seconds / (60 * self.config.minutes - self._reserved)
        if self.config.steps is not None:
            return (self._step + ahead) / self.config.steps
        assert self.config.epochs is not None  # the config has checked that one budget is given
        return (self._epoch + ahead * self._step_of_epoch) / self.config.epochs

    def _report(self, fraction: float) -> Progress:
        """Read the losses back; note it where they or the gradient are no numbers any more."""
        speed = self._recent.characters / max(1e-9, self._seconds - self._reported)
        read = self._recent.read(self._step)
        self._recent = RecentLosses()
        self._reported = self._seconds
        if isinstance(read, Divergence):
            self.divergence, read = read, (math.nan, math.nan)
        fraction = min(1.0, fraction)
        return Progress(
            self._step, self._epoch, self._seconds, self._rate, *read, speed, fraction, rollbacks=self.rollbacks
        )

    def _validated(self, progress: Progress, stop: Callable[[], bool]) -> Progress:
        """Add the validation loss, where it is time for one; of the first characters where there is no time for all."""
        if "val" not in self.corpus.parts or not (progress.fraction >= 1 or progress.fraction >= self._next_validation):
            return progress
        nats, taken, characters, whole, better, reserve = self.group.as_the_first(
            lambda: self._measure(progress, stop), 6
        )
        if taken == math.inf:
            raise _CutOffError
        self._next_validation = progress.fraction + self._earned_in(taken)
        self._reserved = reserve if progress.fraction < 1 else self._reserved
        if not characters:
            return progress
        if not math.isfinite(nats):
            self.divergence = Divergence(self._step, "validation loss", nats)
        self._in_vain = 0 if better else self._in_vain + 1
        return replace(progress, val_nats=nats, val_characters=None if whole else int(characters), best=bool(better))

    def _measure(self, progress: Progress, stop: Callable[[], bool]) -> tuple[float, ...]:
        """The validation loss, the seconds that it took (for ever where a stop cut it off), of how many characters.

        And whether that is all of them, whether it is the best so far, and what the last one needs beyond its share.
        """

        def go_on(characters: int) -> None:
            if stop():
                raise _CutOffError

        try:
            with self.threads.piece():
                last = self._reserved if progress.fraction >= 1 else None
                found, better = self.validator.validate(self.model, self._step, last, go_on)
        except _CutOffError:
            return math.nan, math.inf, 0, 0, 0, 0
        return found.nats, found.seconds, found.characters, found.whole, better, self.validator.reserve()

    def _milestone_due(self, fraction: float) -> bool:
        every = self.config.sample_every
        return fraction >= self._next_milestone if every is None else self._step % every == 0

    def _earned_in(self, seconds: float) -> float:
        """The part of the budget after which something that took so long may be done again."""
        return 0.0 if self.config.minutes is None else seconds / COST / (60 * self.config.minutes)


class _CutOffError(Exception):
    """A stop came while the model was validated."""
