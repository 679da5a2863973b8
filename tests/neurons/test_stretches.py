"""Stretches cover a passage, by turns for each half, and what is measured of one is away from its neighbours."""

import numpy as np
import pytest

from charrnn.neurons.stretches import AHEAD, DISCOVER, GUARD, NEITHER, REPORT, Stretches


@pytest.mark.parametrize("length", [2000, 9999, 61_234, 500_000])
def test_a_passage_that_is_read_whole_is_read_once_in_its_order(length):
    np.testing.assert_array_equal(Stretches.over(length).places, np.arange(length))


def test_less_than_the_passage_is_spread_over_all_of_it():
    over = Stretches.over(1_000_000, 100_000)
    assert (over.starts[0], over.stops[-1]) == (0, 1_000_000)
    assert len(over.places) == len(set(over.places.tolist())) == 100_000
    assert (np.diff(over.starts) > 50_000).all()


@pytest.mark.parametrize(("length", "at_most"), [(2000, None), (60_000, None), (800_000, 200_000)])
def test_stretches_are_for_each_half_by_turns_and_begin_unmeasured(length, at_most):
    over = Stretches.over(length, at_most)
    halves, numbers = over.halves, over.numbers
    for number in range(len(over.starts)):
        own = halves[numbers == number]
        guard, last = min(GUARD, len(own) // 10), len(own) - min(AHEAD, len(own) // 50)
        assert (own[:guard] == NEITHER).all()
        assert (own[guard:last] == (DISCOVER, REPORT)[number % 2]).all()
        assert (own[last:] == NEITHER).all()
    assert over.span(DISCOVER)[0] == 0
    assert over.span(REPORT)[1] == length


def test_what_is_thinned_keeps_as_many_stretches_of_each_half():
    over = Stretches.over(300_000)
    some = over.thinned(100_000)
    assert len(some.places) <= 100_000
    assert set(some.starts) <= set(over.starts)
    assert [over.starts.index(start) % 2 for start in some.starts] == [0, 1] * (len(some.starts) // 2)
    assert Stretches.over(2000).thinned(10) == Stretches.over(2000)
