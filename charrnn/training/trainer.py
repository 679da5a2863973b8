"""Truncated back-propagation through time. Yields progress; saves nothing, prints nothing, samples nothing."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.model.network import CharRNN, State, detached
from charrnn.model.scoring import nats_per_character
from charrnn.text.corpus import Batch, Corpus, Streams
from charrnn.training.allocator import keep_freed_memory
from charrnn.training.config import TrainingConfig
from charrnn.training.schedule import learning_rate

REPORT_SECONDS = 0.5  # losses are read back from the device this often
FIRST_MILESTONE = 0.01  # of the budget; the next ones double, then come every MILESTONE
MILESTONE = 0.05
COST = 0.05  # of the time at most goes into milestones, and as much into validation, where the budget is in minutes


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
    milestone: bool = False  # a moment to save and to sample
    val_nats: float | None = None  # over the whole validation part, at the milestones that can afford it and the last


class Trainer:
    """One run of a model over a corpus, with AdamW and clipping by norm.

    `stopped` tells, after the run, how it ended: "finished", "interrupted" or "diverged".
    """

    def __init__(
        self, model: CharRNN, corpus: Corpus, config: TrainingConfig, precision: torch.dtype = torch.float32
    ) -> None:
        self.model, self.corpus, self.config, self.precision = model, corpus, config, precision
        self.streams = Streams.over(corpus.parts["train"], config.batch_size, config.seq_length)
        self.stopped = "finished"
        self._dropout = torch.Generator(model.device).manual_seed(config.seed)
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=0.0, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True
        )
        self._state: State | None = None
        self._step = 0
        self._seconds = 0.0  # spent so far
        self._milestone = FIRST_MILESTONE  # the next one is due when this part of the budget is used up
        self._next_validation = 0.0  # not before this part of the budget is used up
        self.characters = 0  # trained on so far, readings of the same character counted each
        self._since = _Sums(torch.zeros((), device=model.device))

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Progress]:
        """Train until the budget is used up, `stop` says so, or the loss is no number; yield progress.

        A report that is a milestone is yielded at the end of the run, and at intervals before it; the model may be
        saved and sampled then.
        """
        if self._fraction(self._seconds) >= 1:
            return
        keep_freed_memory()
        self._reported = perf_counter()
        start = self._reported - self._seconds
        for batch in self.streams.batches(self._step):
            rate = learning_rate(self.config, self._fraction(perf_counter() - start, ahead=0.5))
            self._train_on(batch, rate)
            now = perf_counter()
            fraction = self._fraction(now - start)
            over = fraction >= 1 or stop()
            due = over or self._milestone_due(fraction)
            if not (due or now - self._reported >= REPORT_SECONDS):
                continue
            self._seconds = now - start
            progress = self._report(fraction, rate)
            if progress is None:
                self.stopped = "diverged"
                return
            if due:
                progress = replace(progress, milestone=True, val_nats=self._validate(fraction, over))
                if progress.val_nats is not None and not math.isfinite(progress.val_nats):
                    self.stopped = "diverged"
                    return
                self._milestone = fraction + min(fraction, MILESTONE)
            begun = perf_counter()
            yield progress
            if due:
                self._reported = perf_counter()
                self._milestone = max(self._milestone, fraction + self._earned_in(self._reported - begun))
            if over:
                self.stopped = "finished" if fraction >= 1 else "interrupted"
                return

    def state(self) -> dict[str, Tensor]:
        """Return all that training goes on from: weights, optimiser, recurrent state, random state, counts.

        To be taken where a milestone has been yielded; the tensors are the trainer's own, not copies.
        """
        tensors = {f"model.{name}": weight.detach() for name, weight in self.model.named_weights()}
        for index, moments in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in moments.items()}
        for layer, parts in enumerate(self._state or ()):
            tensors |= {f"recurrent.{layer}.{part}": value.detach() for part, value in enumerate(parts)}
        tensors["dropout"] = self._dropout.get_state()
        counts = [self._step, self.characters, self._seconds, self._milestone, self._next_validation]
        return tensors | {"counts": torch.tensor(counts, dtype=torch.float64)}

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
        self._state = tuple(
            tuple(tensors[f"recurrent.{layer}.{part}"].clone().to(self.model.device) for part in range(len(parts)))
            for layer, parts in enumerate(self.model.initial_state(1))
        )
        self._dropout.set_state(tensors["dropout"].cpu())
        step, characters, self._seconds, self._milestone, self._next_validation = tensors["counts"].tolist()
        self._step, self.characters = int(step), int(characters)

    def _train_on(self, batch: Batch, rate: float) -> None:
        inputs, targets = (torch.from_numpy(ids).to(self.model.device) for ids in (batch.inputs, batch.targets))
        state = self._state and detached(_handed_on(self._state) if batch.starts_epoch else self._state)
        with torch.autocast(self.model.device.type, self.precision, enabled=self.precision != torch.float32):
            logits, self._state = self.model(inputs, state, self._dropout)
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        self._optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm or float("inf"))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._step += 1
        self.characters += targets.numel()
        self._since.add(loss.detach(), norm, targets.numel())

    @property
    def step(self) -> int:
        """Steps taken so far."""
        return self._step

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

    def _report(self, fraction: float, rate: float) -> Progress | None:
        """Read the losses back; None where they or the gradient are no numbers any more."""
        nats, norm = self._since.mean(), float(self._since.norm)
        speed = self._since.characters / max(1e-9, perf_counter() - self._reported)
        self._since = _Sums(torch.zeros_like(self._since.nats))
        self._reported = perf_counter()
        if not (torch.isfinite(torch.tensor([nats, norm])).all()):
            return None
        return Progress(self._step, self._epoch, self._seconds, rate, nats, norm, speed, min(1.0, fraction))

    def _validate(self, fraction: float, over: bool) -> float | None:
        if "val" not in self.corpus.parts or not (over or fraction >= self._next_validation):
            return None
        begun = perf_counter()
        nats = nats_per_character(self.model, self.corpus.parts["val"], self.precision)
        self._next_validation = fraction + self._earned_in(perf_counter() - begun)
        return nats

    def _milestone_due(self, fraction: float) -> bool:
        every = self.config.sample_every
        return fraction >= self._milestone if every is None else self._step % every == 0

    def _earned_in(self, seconds: float) -> float:
        """The part of the budget after which something that took so long may be done again."""
        return 0.0 if self.config.minutes is None else seconds / COST / (60 * self.config.minutes)


@dataclass
class _Sums:
    """Losses since the last report, summed on the device."""

    nats: Tensor
    norm: Tensor | float = 0.0
    characters: int = 0

    def add(self, loss: Tensor, norm: Tensor, characters: int) -> None:
        self.nats += loss * characters
        self.norm, self.characters = norm, self.characters + characters

    def mean(self) -> float:
        return float(self.nats) / self.characters


def _handed_on(state: State) -> State:
    """Give each reader's state to the next, who begins where it ended; the first begins the text anew."""
    return tuple(tuple(torch.cat([torch.zeros_like(s[:1]), s[:-1]]) for s in layer) for layer in state)
