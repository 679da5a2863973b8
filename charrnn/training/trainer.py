"""Truncated back-propagation through time. Yields progress; saves nothing, prints nothing, samples nothing."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, replace
from time import perf_counter

import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.errors import RunError
from charrnn.model.network import CharRNN, State, detached
from charrnn.model.scoring import nats_per_character
from charrnn.text.corpus import Batch, Corpus, Streams
from charrnn.training.allocator import keep_freed_memory
from charrnn.training.config import TrainingConfig
from charrnn.training.group import Group, Letter
from charrnn.training.report import Divergence, Progress, RecentLosses
from charrnn.training.schedule import learning_rate

REPORT_SECONDS = 0.5  # losses are read back from the device this often
FIRST_MILESTONE = 0.01  # of the budget; the next ones double, then come every MILESTONE
MILESTONE = 0.05
MOMENTS = {"adamw": ("exp_avg", "exp_avg_sq"), "rmsprop": ("square_avg",)}  # what an optimiser keeps of each weight
COST = 0.05  # of the time at most goes into milestones, and as much into validation, where the budget is in minutes


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
    ) -> None:
        self.model, self.corpus, self.config, self.precision = model, corpus, config, precision
        self.group = group or Group(device=model.device)
        self.group.copy_the_first([weight.data for weight in model.parameters()])
        streams = Streams.over(corpus.parts["train"], config.batch_size * self.group.size, config.seq_length)
        self.streams = streams.share(self.group.rank, self.group.size)
        self.stopped = "finished"
        self.divergence: Divergence | None = None
        self._dropout = torch.Generator(model.device).manual_seed((config.seed + self.group.rank) % 2**63)
        self._optimizer = _optimizer(model, config)
        self._state: State | None = None
        self._step = 0
        self._seconds = self._reported = 0.0  # spent so far, at the last report; and at the one before it
        self._agreed = (0.0, False)  # the first process's seconds, and whether any was asked to stop
        self._letters: list[Letter] = []  # under way: with them all will agree on that anew
        self._look: Callable[[], tuple[float, bool]] = lambda: self._agreed  # at this process's own clock and wish
        self._next_milestone = FIRST_MILESTONE  # the next one is due when this part of the budget is used up
        self._next_validation = 0.0  # not before this part of the budget is used up
        self.characters = 0  # trained on so far, readings of the same character counted each
        self._best, self._in_vain = math.inf, 0  # the lowest validation loss, and how many validations came after it
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
        keep_freed_memory()
        for progress, due in self._reports(stop):
            if self.divergence is None and (due or self._agreed[1]):
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
        """Return all that training goes on from: weights, optimiser, recurrent state, random state, counts.

        To be taken where a milestone has been yielded, by all processes at once; the tensors are the trainer's own,
        not copies, but for those of other processes.
        """
        tensors = {f"model.{name}": weight.detach() for name, weight in self.model.named_weights()}
        for index, moments in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in moments.items()}
        for layer, parts in enumerate(self._state or ()):
            named = {f"recurrent.{layer}.{part}": value.detach() for part, value in enumerate(parts)}
            tensors |= {name: self.group.gathered(value).flatten(0, 1) for name, value in named.items()}
        tensors["dropout"] = self.group.gathered(self._dropout.get_state())
        counts = (self._step, self.characters, self.rollbacks, self._in_vain)
        times = (self._seconds, self._next_milestone, self._next_validation)
        tensors["counts"] = torch.tensor((*counts, *times, self._best), dtype=torch.float64)
        if self._owed is not None:
            tensors["owed"] = torch.tensor(astuple(self._owed)[1:8], dtype=torch.float64)  # from epoch to fraction
        return tensors

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to a state: training from here equals training on from where it was taken, to the last bit.

        Tensors are copied into memory of torch's own alignment, on which the last bit of a product depends.
        """
        with torch.no_grad():
            for name, weight in self.model.named_weights():
                weight.copy_(tensors[f"model.{name}"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name in tensors:
            if name.startswith("optimizer."):
                _, index, key = name.split(".")
                moments.setdefault(int(index), {})[key] = tensors[name].clone()
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self._state = self._recurrent(tensors)
        if len(tensors["dropout"]) != self.group.size:
            trained = len(tensors["dropout"])
            raise RunError(f"{trained} processes trained this, not {self.group.size}", f"start {trained} with torchrun")
        self._dropout.set_state(tensors["dropout"][self.group.rank].cpu().clone())
        *counts, self._seconds, self._next_milestone, self._next_validation, self._best = tensors["counts"].tolist()
        self._step, self.characters, self.rollbacks, self._in_vain = map(int, counts)
        self._owed = Progress(self._step, *tensors["owed"].tolist()) if "owed" in tensors else None
        self._recent = RecentLosses()

    def roll_back(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to a state and halve the learning rate from there on. The time since then stays spent."""
        seconds = self._seconds
        self.restore(tensors)
        self._seconds, self.rollbacks = seconds, self.rollbacks + 1

    def _recurrent(self, tensors: Mapping[str, Tensor]) -> State | None:
        """The recurrent state among the tensors; none before the first step, or where the streams are others now."""
        names = [[f"recurrent.{n}.{part}" for part in range(len(s))] for n, s in enumerate(self.model.initial_state(1))]
        if names[0][0] not in tensors or len(tensors[names[0][0]]) != self.streams.batch_size:
            return None
        mine = slice(self.streams.rows.start, self.streams.rows.stop)
        return tuple(tuple(tensors[name][mine].clone().to(self.model.device) for name in layer) for layer in names)

    def _reports(self, stop: Callable[[], bool]) -> Iterator[tuple[Progress, bool]]:
        """Train; yield reports, every so often and at a stop, and whether each is a milestone; first an owed one."""
        if self._owed is not None:
            yield self._owed, True
        start = perf_counter() - self._seconds
        self._reported = self._seconds
        self._agreed, self._letters = (self._seconds, False), []
        self._look = lambda: (perf_counter() - start, stop())
        batches = self.streams.batches(self._step)
        while self._fraction(self._seconds) < 1 and self._in_vain != self.config.patience:
            now = perf_counter() - start if self.group.size == 1 else self._agreed[0]
            rate = 0.5**self.rollbacks * learning_rate(self.config, self._fraction(now, ahead=0.5), self._epoch)
            self._train_on(next(batches), rate)
            now, stopping = self._agree()
            fraction = self._fraction(now)
            due = fraction >= 1 or self._milestone_due(fraction)
            if due or stopping or now - self._reported >= REPORT_SECONDS:
                self._seconds = now
                yield self._report(fraction, rate), due

    def _milestone(self, progress: Progress, due: bool, stop: Callable[[], bool]) -> Progress:
        """Look whether the model may be saved; validate it where that is due, and owe it where a stop cuts it off."""
        self._owed, progress = None, replace(progress, milestone=True)
        self._check_weights()
        if due and self.divergence is None:
            self._next_milestone = progress.fraction + min(progress.fraction, MILESTONE)
            try:
                return replace(progress, val_nats=self._validate(progress.fraction, stop))
            except _CutOffError:
                self._owed = progress
        self.stopped = "interrupted"
        return progress

    def _check_weights(self) -> None:
        """Note a weight that is no number: the loss of the next step would tell, but it may be saved before."""
        weights = dict(self.model.named_weights())
        finite = torch.stack([weight.isfinite().all() for weight in weights.values()]).tolist()
        for (name, weight), good in zip(weights.items(), finite, strict=True):
            if not good:
                value = float(weight.detach()[~weight.isfinite()][0])
                self.divergence = Divergence(self._step, f"weight {name}", value)

    def _train_on(self, batch: Batch, rate: float) -> None:
        inputs, targets = (torch.from_numpy(ids).to(self.model.device) for ids in (batch.inputs, batch.targets))
        state = self._state and detached(self._handed_on(self._state) if batch.starts_epoch else self._state)
        with torch.autocast(self.model.device.type, self.precision, enabled=self.precision != torch.float32):
            logits, self._state = self.model(inputs, state, self._dropout)
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        self._optimizer.zero_grad()
        loss.backward()
        loss = self._averaged(loss.detach())
        if self.config.clip_value:
            torch.nn.utils.clip_grad_value_(self.model.parameters(), self.config.clip_value)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm or float("inf"))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._step += 1
        characters = targets.numel() * self.group.size
        self.characters += characters
        self._recent.add(loss, norm, characters)

    def _averaged(self, loss: Tensor) -> Tensor:
        """Average gradients and loss over the processes; the time and the wish to stop travel with them."""
        if self.group.size == 1:
            return loss
        seconds, stopping = self._look()
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        mean, letter = self.group.average(gradients, loss, [seconds if self.group.is_first else 0.0, stopping])
        self._letters.append(letter)
        return mean

    def _agree(self) -> tuple[float, bool]:
        """Agree on the time and on stopping: alone at once, with others a step late, so that no GPU is waited for."""
        if self.group.size == 1:
            self._agreed = self._look()
        elif len(self._letters) > 1:
            seconds, stops = self._letters.pop(0).read()
            self._agreed = (seconds, stops > 0)
        return self._agreed

    def _handed_on(self, state: State) -> State:
        """Give each reader's state to the next, who begins where it ended; the first begins the text anew."""
        return tuple(tuple(self._moved(s) for s in layer) for layer in state)

    def _moved(self, part: Tensor) -> Tensor:
        last = self.group.gathered(part[-1])
        before = last[self.group.rank - 1] if self.group.rank else torch.zeros_like(part[0])
        return torch.cat([before.unsqueeze(0), part[:-1]])

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
        return self.characters / (self.streams.stretch * self.streams.batch_size)

    def _fraction(self, seconds: float, ahead: float = 0.0) -> float:
        """How much of the budget is used up, or will be after the next `ahead` steps."""
        if self.config.minutes is not None:
            return seconds / (60 * self.config.minutes)
        if self.config.steps is not None:
            return (self._step + ahead) / self.config.steps
        assert self.config.epochs is not None  # the config has checked that one budget is given
        window = self.streams.seq_length / self.streams.stretch
        return (self._epoch + ahead * window) / self.config.epochs

    def _report(self, fraction: float, rate: float) -> Progress:
        """Read the losses back; note it where they or the gradient are no numbers any more."""
        speed = self._recent.characters / max(1e-9, self._seconds - self._reported)
        read = self._recent.read(self._step)
        self._recent = RecentLosses()
        self._reported = self._seconds
        if isinstance(read, Divergence):
            self.divergence, read = read, (math.nan, math.nan)
        fraction = min(1.0, fraction)
        return Progress(self._step, self._epoch, self._seconds, rate, *read, speed, fraction, rollbacks=self.rollbacks)

    def _validate(self, fraction: float, stop: Callable[[], bool]) -> float | None:
        if "val" not in self.corpus.parts or not (fraction >= 1 or fraction >= self._next_validation):
            return None

        nats, taken = self.group.as_the_first(lambda: self._measure(stop), 2)
        if taken == math.inf:
            raise _CutOffError
        self._next_validation = fraction + self._earned_in(taken)
        if not math.isfinite(nats):
            self.divergence = Divergence(self._step, "validation loss", nats)
        self._in_vain = 0 if nats < self._best else self._in_vain + 1
        self._best = min(self._best, nats)
        return nats

    def _measure(self, stop: Callable[[], bool]) -> tuple[float, float]:
        """The validation loss, and the seconds that it took to measure; for ever where a stop cut it off."""

        def go_on(characters: int = 0) -> None:
            if stop():
                raise _CutOffError

        begun = perf_counter()
        try:
            go_on()
            nats = nats_per_character(self.model, self.corpus.parts["val"], self.precision, go_on)
        except _CutOffError:
            return math.nan, math.inf
        return nats, perf_counter() - begun

    def _milestone_due(self, fraction: float) -> bool:
        every = self.config.sample_every
        return fraction >= self._next_milestone if every is None else self._step % every == 0

    def _earned_in(self, seconds: float) -> float:
        """The part of the budget after which something that took so long may be done again."""
        return 0.0 if self.config.minutes is None else seconds / COST / (60 * self.config.minutes)


def _optimizer(model: CharRNN, config: TrainingConfig) -> torch.optim.Optimizer:
    if config.optimizer == "rmsprop":  # the mean square's decay is the one that char-rnn and the 2015 study had
        return torch.optim.RMSprop(model.parameters(), lr=0.0, alpha=0.95, weight_decay=config.weight_decay)
    return torch.optim.AdamW(
        model.parameters(), lr=0.0, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True
    )


class _CutOffError(Exception):
    """A stop came while the model was validated."""
