"""Pace: how far a process may run ahead of its GPU, so that its clock and a stop mean what the GPU does."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

AHEAD = 4  # steps that are under way at most: enough to keep a GPU busy, few enough to end soon


class Pace:
    """Waits, step after step, for the step so many before; a GPU never has less to do for it.

    A GPU takes some thousand orders before it has carried out the first. Where a step is few orders, the learning rate,
    the end and a stop would come so many steps, or seconds, too early or too late.
    """

    def __init__(self, device: torch.device, marks: Callable[[], Any] | None = None) -> None:
        """`marks` makes what marks a place among a device's orders; by default on a GPU an event, elsewhere nothing."""
        if marks is None and device.type == "cuda":
            marks = partial(torch.cuda.Event, blocking=True)  # that is, waited for asleep
        self._marks = marks
        self._under_way: deque[Any] = deque()

    def keep(self) -> None:
        """To be called when the orders of a step have been given."""
        if self._marks is None:
            return
        mark = self._marks()
        mark.record()
        self._under_way.append(mark)
        if len(self._under_way) > AHEAD:
            self._under_way.popleft().synchronize()
