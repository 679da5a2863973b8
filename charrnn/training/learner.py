"""Learner: the steps of truncated back-propagation through time, and all that the next one goes on from."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.errors import RunError
from charrnn.evaluation.scoring import Folding
from charrnn.model.cells import state_names
from charrnn.model.devices import rounded, with_tensor_cores
from charrnn.model.graphs import Graphed
from charrnn.model.network import CharRNN, State, detached
from charrnn.runs.pace import Pace
from charrnn.text.item_streams import IGNORED
from charrnn.training.config import TrainingConfig
from charrnn.training.feed import Fed
from charrnn.training.group import Group, Letter

MOMENTS = {"adamw": ("step", "exp_avg", "exp_avg_sq"), "rmsprop": ("step", "square_avg")}  # kept of each weight


class Step(NamedTuple):
    """What a step tells; as tensors, so that no device is waited for before they are read."""

    loss: Tensor  # [], in nats per character, before the step
    norm: Tensor  # [], of the gradient, before clipping
    characters: int  # that the loss is about, in all processes
    letter: Letter | None  # the sums of the processes' numbers, where there are several


class Learner:
    """A model, its optimiser, and the recurrent and the random state, which a step takes from one window to the next.

    Several processes take each step together: gradients and losses are means over all.
    """

    def __init__(
        self,
        model: CharRNN,
        config: TrainingConfig,
        precision: torch.dtype,
        group: Group,
        folding: Folding | None = None,
    ) -> None:
        self.model, self.config, self.precision, self.group = model, config, precision, group
        self._folding = folding
        group.copy_the_first([weight.data for weight in model.parameters()])
        self._optimizer = _optimizer(model, config)
        self._dropout = torch.Generator(model.device).manual_seed((config.seed + group.rank) % 2**63)
        self._state: State | None = None
        self._graph = self._graphed()
        self._pace = Pace(model.device)

    def learn(self, fed: Fed, rate: float, told: Sequence[float] = ()) -> Step:
        """Take one step on a batch at a learning rate; with others, send them some numbers along."""
        inputs, targets, before = fed.inputs, fed.targets, self._before(fed)
        self._set_rate(rate)
        parts: list[Tensor] = [*self._counted(fed), *(part for layer in before for part in layer)]
        letter = None
        if self._graph:
            loss, norm, *after = self._graph(inputs, targets, *parts)
            loss, norm = loss.clone(), norm.clone()  # the next replay writes over them, and over the state when read
        else:
            loss, *after = self._gradients(inputs, targets, *parts)
            loss, letter = self._averaged(loss, told)
            norm = self._update()
        self._state = tuple(zip(*[iter(after)] * len(before[0]), strict=True))
        self._pace.keep()
        predicted = targets.numel() * self.group.size if fed.predicted is None else fed.predicted
        return Step(loss, norm, predicted, letter)

    def _before(self, fed: Fed) -> State:
        """The state that a window is read from."""
        if self._state is None or fed.begins:
            return self.model.initial_state(len(fed.inputs))
        if fed.predicted is not None:  # the items that go on are the first rows
            return tuple(tuple(part[: len(fed.inputs)] for part in layer) for layer in self._state)
        return self._handed_on(self._state) if fed.starts_epoch else self._state

    def _counted(self, fed: Fed) -> list[Tensor]:
        """Of items, what the loss of one target counts for [2], and the classes [B], where they have labels.

        In the gradient every target of an epoch counts the same, 1 / (targets of a mean step): else the last characters
        of long items, which are alone in a window, would count many times as much as others. In the loss that is told
        it is 1 / (targets of this step). Both are times the processes, over which a mean is taken.
        """
        if fed.predicted is None:
            return []
        counts = [self.group.size / (fed.typical or fed.predicted), self.group.size / fed.predicted]
        shares = torch.tensor(counts, device=self.model.device)
        return [shares] if fed.classes is None else [shares, fed.classes]

    def forget(self, readers: slice) -> None:
        """Let some readers go on from the zero state, as in a text that begins there."""
        for part in (part for layer in self._state or () for part in layer):
            part[readers].zero_()

    def _graphed(self) -> Graphed | None:
        """The whole step as a graph, on a GPU that trains alone: NCCL's own threads may disturb a capture."""
        if self.model.device.type != "cuda" or self.group.size > 1:
            return None
        return Graphed(self._step, self._written, [self._dropout])

    def _step(self, *tensors: Tensor) -> list[Tensor]:
        """(inputs, targets, parts of the state) -> [loss, norm, parts of the state]; weights and moments change."""
        loss, *after = self._gradients(*tensors)
        return [loss, self._update(), *after]

    def _written(self) -> list[Tensor]:
        moments = (moment for kept in self._optimizer.state.values() for moment in kept.values())
        return [*self.model.parameters(), *moments]

    def _gradients(self, inputs: Tensor, targets: Tensor, *more: Tensor) -> list[Tensor]:
        """Read a window from a state and go back through it; return the loss, as charged, and the state after it.

        `more` are, of items, what `_counted` returns, and then the parts of the state.
        """
        config = self.model.config
        count = config.num_layers * len(state_names(config))
        counted, parts = more[:-count], more[-count:]
        state = tuple(zip(*[iter(parts)] * (count // config.num_layers), strict=True))
        with with_tensor_cores(self.model.device, self.precision):
            with rounded(self.model.device, self.precision):
                logits, after = self.model(inputs, state, self._dropout, *counted[1:])
            loss = _loss(logits.float().flatten(0, 1), targets.flatten(), *counted[:1])
            self._optimizer.zero_grad()
            loss.backward()
        return [
            self._charged(loss.detach(), targets, *counted[:1]),
            *(part for layer in detached(after) for part in layer),
        ]

    def _update(self) -> Tensor:
        """Clip the gradient and change the weights by it; return the norm that it had."""
        norm = self._clipped()
        self._optimizer.step()
        return norm

    def _set_rate(self, rate: float) -> None:
        for group in self._optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def _charged(self, loss: Tensor, targets: Tensor, shares: Tensor | None = None) -> Tensor:
        """The mean loss of a target, with what its folded characters cost, which no weight can change."""
        if shares is not None:
            loss = loss * (shares[1] / shares[0])
        if self._folding is None:
            return loss
        folded = (targets == self._folding.id).float()
        return loss + self._folding.nats * (folded.mean() if shares is None else folded.sum() * shares[1])

    @property
    def notes(self) -> list[str]:
        """What of the hardware could not be made use of, and why."""
        return [self._graph.failure] if self._graph and self._graph.failure else []

    def state(self) -> dict[str, Tensor]:
        """Return what the next step goes on from: weights, optimiser, recurrent and random state.

        By all processes at once; the tensors are the learner's own, not copies, but for those of other processes.
        """
        tensors = {f"model.{name}": weight.detach() for name, weight in self.model.named_weights()}
        for index, moments in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in moments.items()}
        for layer, parts in enumerate(self._state or ()):
            named = {f"recurrent.{layer}.{part}": value.detach() for part, value in enumerate(parts)}
            tensors |= {name: self.group.gathered(value).flatten(0, 1) for name, value in named.items()}
        return tensors | {"dropout": self.group.gathered(self._dropout.get_state())}

    def restore(self, tensors: Mapping[str, Tensor], rows: range, readers: int) -> None:
        """Go back to a state; this process has these rows of so many readers' recurrent states.

        Tensors are copied into memory of torch's own alignment, on which the last bit of a product depends.

        Raises:
            RunError: another number of processes trained it.
        """
        if len(tensors["dropout"]) != self.group.size:
            trained = len(tensors["dropout"])
            raise RunError(f"{trained} processes trained this, not {self.group.size}", f"start {trained} with torchrun")
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
        self._graph = self._graphed()  # the one before writes into the moments that were
        self._state = self._recurrent(tensors, rows, readers)
        self._dropout.set_state(tensors["dropout"][self.group.rank].cpu().clone())

    def broken_weight(self) -> tuple[str, float] | None:
        """The name of the first weight that is no number, and what it is instead; a device is waited for."""
        weights = dict(self.model.named_weights())
        finite = torch.stack([weight.isfinite().all() for weight in weights.values()]).tolist()
        broken = [weight for weight, good in zip(weights.items(), finite, strict=True) if not good]
        return next(((name, float(weight.detach()[~weight.isfinite()][0])) for name, weight in broken), None)

    def _averaged(self, loss: Tensor, told: Sequence[float]) -> tuple[Tensor, Letter | None]:
        """Average gradients and loss over the processes; the numbers travel with them."""
        if self.group.size == 1:
            return loss, None
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        return self.group.average(gradients, loss, told)

    def _clipped(self) -> Tensor:
        """Clip the gradient, and return the norm that it had."""
        if self.config.clip_value:
            torch.nn.utils.clip_grad_value_(self.model.parameters(), self.config.clip_value)
        return torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm or float("inf"))

    def _recurrent(self, tensors: Mapping[str, Tensor], rows: range, readers: int) -> State | None:
        """The recurrent state among the tensors; none before the first step, or where the streams are others now."""
        names = [[f"recurrent.{n}.{part}" for part in range(len(s))] for n, s in enumerate(self.model.initial_state(1))]
        if names[0][0] not in tensors or len(tensors[names[0][0]]) != readers:
            return None
        mine = slice(rows.start, rows.stop)
        return tuple(tuple(tensors[name][mine].clone().to(self.model.device) for name in layer) for layer in names)

    def _handed_on(self, state: State) -> State:
        """Give each reader's state to the next, who begins where it ended; the first begins the text anew."""
        return tuple(tuple(self._moved(s) for s in layer) for layer in state)

    def _moved(self, part: Tensor) -> Tensor:
        last = self.group.gathered(part[-1])
        before = last[self.group.rank - 1] if self.group.rank else torch.zeros_like(part[0])
        return torch.cat([before.unsqueeze(0), part[:-1]])


def _loss(logits: Tensor, targets: Tensor, shares: Tensor | None = None) -> Tensor:
    """The mean loss of targets [N]; with shares [2], the first of them of each that is not ignored."""
    if shares is None:
        return F.cross_entropy(logits, targets)
    return F.cross_entropy(logits, targets, reduction="sum", ignore_index=IGNORED) * shares[0]


def _optimizer(model: CharRNN, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimiser; on a GPU with its rate and its count of steps there, so that a graph can hold its step."""
    on_gpu = model.device.type == "cuda"
    rate = torch.zeros((), device=model.device) if on_gpu else 0.0
    options: dict[str, Any] = {"lr": rate, "weight_decay": config.weight_decay, "capturable": on_gpu}
    if config.optimizer == "rmsprop":  # the mean square's decay is the one that char-rnn and the 2015 study had
        return torch.optim.RMSprop(model.parameters(), alpha=0.95, **options)
    return torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99), fused=True, **options)
