"""The number of threads is measured on the work itself, under a clock that the tests move."""

import pytest
import torch

from charrnn.model import threads as module
from charrnn.model.threads import Threads, numbers_of_threads


class Machine:
    """A machine on which a piece takes as long as its number of threads says; it keeps what was done and told."""

    def __init__(self, numbers, **seconds):
        self.seconds = {int(name[1:]): value for name, value in seconds.items()}
        self.now, self.number, self.lines, self.done = 0.0, None, [], []
        self.threads = Threads(numbers, self.lines.append, lambda: self.now, self.use)

    def use(self, number):
        self.number = number

    def work(self, pieces, kind="step"):
        """Do pieces of work; return the numbers of threads that they were done with."""
        begun = len(self.done)
        for _ in range(pieces):
            with self.threads.piece(kind):
                self.now += self.seconds[self.number]
                self.done.append(self.number)
        return self.done[begun:]


@pytest.fixture
def quiet():
    return Machine((1, 2), n1=0.1, n2=0.06)


@pytest.fixture
def busy():
    return Machine((1, 2), n1=0.1, n2=2.0)


def test_the_faster_number_is_chosen(quiet, busy):
    for machine, best in ((quiet, 2), (busy, 1)):
        machine.work(20)
        assert machine.threads.chosen("step") == best
        assert set(machine.work(10)) == {best}


def test_what_cannot_win_is_tried_once(busy):
    assert busy.work(40).count(2) == 1


def test_a_measurement_costs_little_of_the_time(quiet, busy):
    for machine, best in ((quiet, 0.06), (busy, 0.1)):
        done = machine.work(3000)
        assert machine.now < 1.04 * best * len(done)


def test_the_number_follows_the_machine(quiet):
    quiet.work(200)
    quiet.seconds[1], quiet.seconds[2] = 0.2, 3.0
    assert quiet.work(100).count(2) < 10
    quiet.seconds = {1: 0.1, 2: 0.06}
    assert quiet.work(2000).count(2) > 1000


def test_no_larger_number_is_tried_than_the_first_that_loses():
    machine = Machine((1, 2, 4, 8, 16), n1=1.0, n2=0.6, n4=0.5, n8=0.9, n16=9.0)
    machine.work(60)
    assert machine.threads.chosen("step") == 4
    assert 16 not in machine.done


def test_each_kind_of_work_has_its_own_number(quiet):
    quiet.work(20, "step")
    quiet.seconds = {1: 0.1, 2: 0.3}
    quiet.work(20, "reading")
    assert [quiet.threads.chosen(kind) for kind in ("step", "reading")] == [2, 1]


def test_work_of_no_kind_is_not_measured(quiet):
    quiet.work(20)
    assert set(quiet.work(50, "")) == {2}


def test_a_choice_is_told_once_and_again_when_it_changes(quiet):
    quiet.work(1000)
    assert quiet.lines == ["computing with 2 threads, 1.7 times as fast as 1"]
    quiet.seconds[2] = 1.0
    quiet.work(100)
    assert [line[:24] for line in quiet.lines[1:]] == ["computing with 1 thread,"]


def test_kinds_that_want_different_numbers_do_not_fill_the_terminal(quiet):
    for _ in range(100):  # as where an ablation reads and holds by turns, on a machine whose load comes and goes
        quiet.seconds = {1: 0.1, 2: 0.06} if quiet.seconds[2] > 0.1 else {1: 0.1, 2: 1.0}
        quiet.work(20, "reading")
        quiet.work(20, "step")
    assert 1 < len(quiet.lines) <= 1 + quiet.now / module.QUIET


def test_a_given_number_is_used_and_not_measured():
    machine = Machine((3,), n3=0.1)
    assert set(machine.work(20)) == {3}
    assert machine.threads.fixed == 3
    assert not machine.lines


def test_without_numbers_torch_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(torch, "set_num_threads", lambda number: pytest.fail("it was set"))
    with Threads().piece("step"):
        assert Threads().fixed is None


def test_all_pieces_of_a_fast_kind_are_not_judged_by_one_tick():
    machine = Machine((1, 2), n1=0.001, n2=0.0005)
    machine.work(30)
    assert machine.threads.chosen("step") is None
    machine.work(200)
    assert machine.threads.chosen("step") == 2


@pytest.mark.parametrize(("most", "numbers"), [(1, (1,)), (2, (1, 2)), (8, (1, 2, 4, 8)), (12, (1, 2, 4, 8, 12))])
def test_the_numbers_tried_are_powers_of_two_up_to_the_most(most, numbers):
    assert numbers_of_threads(most) == numbers
    assert module.PIECES > 1
