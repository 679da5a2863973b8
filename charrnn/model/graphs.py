"""Graphed: a function of tensors whose many small kernels a GPU starts at once, as a graph, if that proves right."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., tuple[Tensor, ...]]

_CLOSE = 0.05  # of the largest number: beyond what another order of summing makes of bfloat16, far below wrong numbers


class Graphed:
    """A differentiable function that gives what it did, sooner: where it has seen a kind of inputs twice, by a graph.

    A graph is of one kind of inputs: shapes, number formats and which of them need a gradient. All others, such as the
    last window of an epoch, go to the function itself. Before a graph is used, its outputs and gradients are held
    against the function's; where they differ, or it cannot be made, all goes to the function and `failure` says why.

    A replay writes over the outputs of the one before, so that each needs to be used up by then, its gradient too.
    """

    def __init__(self, function: Function, capture: "Callable[[Function, tuple[Tensor, ...]], Function] | None" = None):
        """`capture` makes a graph of a function for inputs that it may keep; by default CUDA's."""
        self.failure: str | None = None
        self._function = function
        self._capture: Any = capture or torch.cuda.make_graphed_callables
        self._replay: Function | None = None
        self._graph_kind: Any = None
        self._last_kind: Any = None

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the function's outputs, differentiable."""
        kind = [(x.shape, x.dtype, x.requires_grad) for x in inputs]
        if self._replay is None and self.failure is None and kind == self._last_kind:
            self._make(inputs, kind)
        self._last_kind = kind
        run = self._replay if self._replay is not None and kind == self._graph_kind else self._function
        return run(*inputs)

    def __deepcopy__(self, memo: Any) -> "Graphed":
        return Graphed(self._function, self._capture)

    def _make(self, inputs: tuple[Tensor, ...], kind: Any) -> None:
        try:
            replay = self._capture(self._function, _copied(inputs))
            if not _agree(_results(replay, inputs), _results(self._function, inputs)):
                raise RuntimeError("it gave other numbers")
        except (RuntimeError, AssertionError) as error:  # what a driver or torch cannot do, and want of memory
            why = str(error).partition("\n")[0]
            self.failure = f"a graph of the steps failed ({why}); the GPU gets them one by one, which takes longer"
            return
        self._replay, self._graph_kind = replay, kind


def _copied(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(x.detach().clone().requires_grad_(x.requires_grad) for x in inputs)


def _results(function: Function, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Copies of the outputs, and of the gradients of a sum of them in which each number has another weight."""
    leaves = _copied(inputs)
    outputs = function(*leaves)
    weights = [torch.linspace(-1, 1, y.numel(), device=y.device).view_as(y).to(y.dtype) for y in outputs]
    gradients = torch.autograd.grad(outputs, [x for x in leaves if x.requires_grad], weights)
    return [y.detach().clone() for y in (*outputs, *gradients)]


def _agree(ones: list[Tensor], others: list[Tensor]) -> bool:
    differences = [((one - other).abs().max(), other.abs().max()) for one, other in zip(ones, others, strict=True)]
    return all(bool(difference <= _CLOSE * size) for difference, size in differences)
