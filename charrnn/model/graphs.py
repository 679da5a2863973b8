"""Graphed: a function of tensors whose many small kernels a GPU starts at once, as a graph, if that proves right."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Generator, Tensor

Function = Callable[..., Sequence[Tensor]]
Capture = Callable[[Function, list[Tensor], Sequence[Generator]], Function]

WARM_UP = 2  # calls of a kind that the function takes itself, in which libraries set up what a graph cannot
_CLOSE = 0.05  # of the other numbers' norm: beyond what another order of summing makes, far below wrong numbers


class Graphed:
    """A function of tensors that gives what it did, sooner: from the third call in a row with one kind of inputs on.

    A kind is shapes and number formats. All others, such as the last window of an epoch, go to the function itself.
    The function may draw from generators and write into tensors that live on (a model's weights), which `written`
    lists. Before a graph is used, what it returns and writes is held against what the function does; where they differ,
    or no graph can be made, all goes to the function and `failure` says why.

    A replay writes over the outputs of the one before, so that each needs to be used up or copied by then.
    """

    def __init__(
        self,
        function: Function,
        written: Callable[[], Iterable[Tensor]] = tuple,
        generators: Sequence[Generator] = (),
        capture: Capture | None = None,
    ) -> None:
        """`capture` makes a graph of a function for inputs that it may keep; by default CUDA's."""
        self.failure: str | None = None
        self._function, self._written, self._generators = function, written, generators
        self._capture = capture or _captured
        self._replay: Function | None = None
        self._graph_kind: Any = None
        self._last_kind, self._in_a_row = None, 0

    def __call__(self, *inputs: Tensor) -> Sequence[Tensor]:
        """Return the function's outputs."""
        kind: Any = [(x.shape, x.dtype) for x in inputs]
        self._in_a_row = self._in_a_row + 1 if kind == self._last_kind else 1
        self._last_kind = kind
        if self._replay is None and self.failure is None and self._in_a_row > WARM_UP:
            self._make(inputs, kind)
        run = self._replay if self._replay is not None and kind == self._graph_kind else self._function
        return run(*inputs)

    def _make(self, inputs: Sequence[Tensor], kind: Any) -> None:
        drawn = [generator.get_state() for generator in self._generators]
        try:
            replay = self._capture(self._function, [x.clone() for x in inputs], self._generators)
            if not _agree(self._results(replay, inputs), self._results(self._function, inputs)):
                raise RuntimeError("it gave other numbers")
        except (RuntimeError, AssertionError) as error:  # what a driver or torch cannot do, and want of memory
            why = str(error).partition("\n")[0]
            for generator, state in zip(self._generators, drawn, strict=True):
                _released(generator, state)
            self.failure = f"a graph of the steps failed ({why}); the GPU gets them one by one, which takes longer"
            return
        self._replay, self._graph_kind = replay, kind

    @torch.no_grad()
    def _results(self, run: Function, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Copies of what a call returns and of what it adds to each tensor it writes; these then are as before it."""
        before = [(x, x.clone()) for x in self._written()]
        drawn = [(generator, generator.get_state()) for generator in self._generators]
        with torch.enable_grad():
            outputs = [y.detach().clone() for y in run(*inputs)]
        changes = [x - old for x, old in before]
        for x, old in before:
            x.copy_(old)
        for generator, state in drawn:
            generator.set_state(state)
        return outputs + changes


def _captured(function: Function, inputs: list[Tensor], generators: Sequence[Generator]) -> Function:
    graph: Any = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    with _nothing_collected(), torch.cuda.graph(graph):
        outputs = function(*inputs)

    def replay(*values: Tensor) -> Sequence[Tensor]:
        for place, value in zip(inputs, values, strict=True):
            place.copy_(value)
        graph.replay()
        return outputs

    return replay


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep the garbage collector away: a graph that it takes down while another one is made spoils that one."""
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _released(generator: Generator, state: Tensor) -> None:
    """Bring a generator back to a state; a capture that failed leaves it waiting for the capture's end."""
    if generator.device.type == "cuda":
        generator.graphsafe_set_state(Generator(generator.device))
    generator.set_state(state)


def _agree(ones: list[Tensor], others: list[Tensor]) -> bool:
    pairs = [(one.double(), other.double()) for one, other in zip(ones, others, strict=True)]
    return all(bool((one - other).norm() <= _CLOSE * other.norm()) for one, other in pairs)
