"""Trainer of conditioned models: from the first step to the end of the budget. Yields progress; saves nothing."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.conditioned.features import Features
from charrnn.conditioned.feed import Batch, Feed, Pair, in_order
from charrnn.conditioned.hard import Reinforcement
from charrnn.conditioned.network import ConditionedRNN
from charrnn.conditioned.training import PairTraining
from charrnn.errors import RunError
from charrnn.model.threads import Threads
from charrnn.runs.allocator import keep_freed_memory
from charrnn.runs.report import Divergence, Progress, RecentLosses
from charrnn.runs.schedule import learning_rate

REPORT_SECONDS = 0.5
FIRST_MILESTONE, MILESTONE = 0.01, 0.05  # parts of the budget: the first milestone, and how far later ones lie apart
STEP = "a training step"  # the kind of work whose threads are chosen
COST = 0.05  # of a budget in minutes at most goes into milestones
MOMENTS = ("step", "exp_avg", "exp_avg_sq")
COUNTS = 6  # numbers in a state that count what was done, and time it
_VALIDATED_TOGETHER = 256

Tensors = dict[str, npt.NDArray[Any]]


class PairTrainer:
    """One run of a network over pairs. `stopped` tells how it ended: "finished", "interrupted" or "diverged"."""

    def __init__(
        self,
        model: ConditionedRNN,
        pairs: Mapping[str, Sequence[Pair]],
        config: PairTraining,
        threads: Threads | None = None,
        features: Features | None = None,
    ) -> None:
        """`pairs` has the parts "train" and, where there is one, "val"; each step is computed with `threads`."""
        self._threads = threads or Threads()
        self.model, self.pairs, self.config = model, pairs, config
        ends = model.config.output == "characters"
        self.feed = Feed(pairs["train"], config.batch_size, config.seed, model.config.end, ends, features)
        weights = [weight for _, weight in model.named_weights()]
        decay = config.weight_decay
        self._optimizer = torch.optim.AdamW(weights, lr=0.0, betas=(0.9, 0.99), weight_decay=decay, fused=True)
        self._dropout = torch.Generator(model.device).manual_seed(config.seed % 2**63)
        self.stopped = "finished"
        self.divergence: Divergence | None = None
        self.step, self.symbols = 0, 0  # taken and trained on so far
        self.best: float | None = None  # the lowest validation loss so far
        self._seconds = self._reported = self._rate = 0.0
        self._next_milestone = FIRST_MILESTONE
        self._recent = RecentLosses()
        self._hard = Reinforcement()

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Progress]:
        """Train until the budget is used up, `stop` says so, or the loss is no number; yield progress.

        A report that is a milestone has been validated; at one, the model may be saved. The last report is a milestone.
        """
        self.stopped, self.divergence = "finished", None
        keep_freed_memory()
        start = perf_counter() - self._seconds
        self._reported = self._seconds
        batches = self.feed.batches(self.step)
        while self._fraction() < 1:
            with self._threads.piece(STEP):
                self._take(next(batches))
            self._seconds = perf_counter() - start
            stopping, due = stop(), self._fraction() >= 1 or self._is_due()
            if not (stopping or due or self._seconds - self._reported >= REPORT_SECONDS):
                continue
            progress = self._report()
            if self.divergence is None and (due or stopping):
                progress = self._milestone(progress, stopping and not due)
            if self.divergence is not None:
                self.stopped = "diverged"
                return
            self.stopped = "interrupted" if stopping and self._fraction() < 1 else "finished"
            yield progress
            taken, self._seconds = perf_counter() - start - self._seconds, perf_counter() - start
            self._put_off(taken if due else 0.0)
            if stopping:
                return

    def validate(self, part: str = "val") -> float | None:
        """Return the loss over a part in nats per symbol, each predicted from the right ones before it; None: empty."""
        pairs = self.pairs.get(part, ())
        if not pairs:
            return None
        ends, total, symbols = self.model.config.output == "characters", 0.0, 0
        with torch.inference_mode():
            for _, batch in in_order(pairs, _VALIDATED_TOGETHER, self.model.config.end, ends, self.feed.features):
                total += float(self.model.loss(batch)) * batch.symbols
                symbols += batch.symbols
        return total / symbols

    def state(self) -> Tensors:
        """Return all that training goes on from, to be taken where a milestone has been yielded."""
        named = dict(self.model.named_weights())
        tensors: Tensors = {f"model.{name}": weight.detach().cpu().numpy() for name, weight in named.items()}
        moments = self._optimizer.state_dict()["state"]
        for index, name in enumerate(named):
            for moment in MOMENTS if moments else ():
                tensors[f"{moment}.{name}"] = moments[index][moment].cpu().numpy()
        counts = (self.step, self.symbols, self._seconds, self._next_milestone)
        best = math.inf if self.best is None else self.best
        tensors["counts"] = np.array([*counts, best, self._rate], np.float64)
        if self.model.config.attention == "hard":
            tensors["means"] = self._hard.means.numpy().copy()
        return tensors | {"dropout": self._dropout.get_state().numpy()}

    def restore(self, tensors: Tensors) -> None:
        """Go back to a state: training from here equals training on from where it was taken, to the last bit.

        Raises:
            RunError: the state is of another network.
        """
        try:
            named = dict(self.model.named_weights())
            with torch.no_grad():
                for name, weight in named.items():
                    weight.copy_(torch.from_numpy(tensors[f"model.{name}"]))
            moments = {
                index: {moment: torch.from_numpy(tensors[f"{moment}.{name}"]).clone() for moment in MOMENTS}
                for index, name in enumerate(named)
                if f"step.{name}" in tensors
            }
            groups = self._optimizer.state_dict()["param_groups"]
            self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
            if "means" in tensors:
                self._hard.means = torch.from_numpy(tensors["means"]).clone()
            self._dropout.set_state(torch.from_numpy(tensors["dropout"]).clone())
            step, symbols, self._seconds, self._next_milestone, best, self._rate = tensors["counts"].tolist()
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise RunError(f"the state does not fit this network ({error})", "start a new run") from None
        self.step, self.symbols = int(step), int(symbols)
        self.best = None if best == math.inf else best
        self._recent = RecentLosses()

    def _take(self, batch: Batch) -> None:
        """Take a step on a batch."""
        self._rate = learning_rate(self.config, self._fraction(ahead=0.5), self._epoch)
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate
        self._optimizer.zero_grad()
        loss, nats = self._loss(batch)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self._optimizer.step()
        self._recent.add(nats, norm, batch.symbols)
        self.step, self.symbols = self.step + 1, self.symbols + batch.symbols

    def _loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What is to fall, and the mean loss in nats; hard attention reads softly at first."""
        if self.model.config.attention == "hard" and self._fraction() >= self.config.soft_part:
            return self._hard.loss(self.model, batch, self._dropout, self._dropout)
        loss = self.model.loss(batch, self._dropout, choose=lambda weights: weights)
        return loss, loss.detach()

    @property
    def used(self) -> float:
        """Which part of the budget is used up."""
        return self._fraction()

    @property
    def _epoch(self) -> float:
        return self.step / self.feed.steps

    def _fraction(self, ahead: float = 0.0) -> float:
        """How much of the budget is used up, or will be after the next `ahead` steps."""
        steps = self.step + ahead
        return self.config.used(steps, steps / self.feed.steps, self._seconds)

    def _is_due(self) -> bool:
        every = self.config.sample_every
        return self._fraction() >= self._next_milestone if every is None else self.step % every == 0

    def _put_off(self, seconds: float) -> None:
        """Put the next milestone off by what the last one took."""
        self._reported = self._seconds
        if seconds and self.config.minutes is not None:
            earned = seconds / COST / (60 * self.config.minutes)
            self._next_milestone = max(self._next_milestone, self._fraction() + earned)

    def _report(self) -> Progress:
        speed = self._recent.characters / max(1e-9, self._seconds - self._reported)
        read = self._recent.read(self.step)
        self._recent = RecentLosses()
        if isinstance(read, Divergence):
            self.divergence, read = read, (math.nan, math.nan)
        where = (self.step, self._epoch, self._seconds, self._rate)
        return Progress(*where, *read, speed, min(1.0, self._fraction()))

    def _milestone(self, progress: Progress, cut_off: bool) -> Progress:
        """Validate, unless a stop cuts that off; look whether the model may be saved."""
        progress = replace(progress, milestone=True)
        if not cut_off:
            self._next_milestone = progress.fraction + min(progress.fraction, MILESTONE)
            nats = self.validate()
            if nats is not None and not math.isfinite(nats):
                self.divergence = Divergence(self.step, "validation loss", nats)
            elif nats is not None:
                better = self.best is None or nats < self.best
                self.best = nats if better else self.best
                progress = replace(progress, val_nats=nats, best=better)
        for name, weight in self.model.named_weights():
            if not bool(weight.isfinite().all()):
                value = float(weight.detach()[~weight.isfinite()][0])
                self.divergence = Divergence(self.step, f"weight {name}", value)
        return progress
