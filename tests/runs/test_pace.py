"""A process runs ahead of its GPU by a few steps, and no more."""

import torch

from charrnn.runs.pace import AHEAD, Pace


class Mark:
    """Stands in for an event on a GPU that never gets anything done unless it is waited for."""

    def __init__(self, waited):
        self._waited = waited

    def record(self):
        self.recorded = True

    def synchronize(self):
        assert self.recorded
        self._waited.append(self)


def test_a_step_waits_for_the_one_so_many_steps_before_and_for_no_later_one():
    waited, made = [], []

    def mark():
        made.append(Mark(waited))
        return made[-1]

    pace = Pace(torch.device("cpu"), mark)
    for step in range(1, 3 * AHEAD):
        pace.keep()
        assert waited == made[: max(0, step - AHEAD)]


def test_on_a_cpu_nothing_is_waited_for():
    pace = Pace(torch.device("cpu"))
    for _ in range(2 * AHEAD):
        pace.keep()
    assert not pace._under_way
