import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.runs.schedule import learning_rate
from charrnn.training.config import SCHEDULES, TrainingConfig

PEAK = 0.5
any_schedule = pytest.mark.parametrize("schedule", SCHEDULES)


def config(schedule, warmup=0.2):
    return TrainingConfig(learning_rate=PEAK, schedule=schedule, warmup=warmup, steps=1)


@any_schedule
def test_the_warm_up_starts_at_zero_and_ends_at_the_peak(schedule):
    assert learning_rate(config(schedule), 0) == 0
    assert learning_rate(config(schedule), 0.1) == pytest.approx(PEAK / 2)
    assert learning_rate(config(schedule), 0.2) == PEAK


@any_schedule
def test_without_warm_up_a_run_starts_at_the_peak(schedule):
    assert learning_rate(config(schedule, warmup=0), 0) == PEAK


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
@pytest.mark.parametrize("warmup", [0, 0.2, 0.9])
def test_cosine_and_linear_end_at_zero(schedule, warmup):
    assert learning_rate(config(schedule, warmup), 1) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_half_way_down_is_half_the_peak(schedule):
    assert learning_rate(config(schedule), 0.6) == pytest.approx(PEAK / 2)


def test_cosine_stays_above_linear_at_first_and_below_it_later():
    early, late = ([learning_rate(config(s), f) for s in ("cosine", "linear")] for f in (0.4, 0.8))
    assert early[0] > early[1]
    assert late[0] < late[1]


@given(st.floats(0.2, 1))
def test_constant_stays(fraction):
    assert learning_rate(config("constant"), fraction) == PEAK


@any_schedule
@given(st.floats(0, 1), st.floats(0, 3))
def test_a_rate_is_never_negative_nor_above_the_peak(schedule, warmup, fraction):
    assert 0 <= learning_rate(config(schedule, warmup), fraction) <= PEAK


@any_schedule
@given(st.floats(0.2, 1), st.floats(0.2, 1))
def test_after_the_warm_up_a_rate_never_rises(schedule, one, other):
    early, late = sorted((one, other))
    assert learning_rate(config(schedule), early) >= learning_rate(config(schedule), late)


def test_exponential_decays_at_the_end_of_each_epoch_from_the_tenth_on():
    config = TrainingConfig(learning_rate=PEAK, schedule="exponential", warmup=0, decay=0.5, decay_after=10, epochs=50)
    rates = [learning_rate(config, 0.1, epoch) for epoch in (0, 9.9, 10, 10.9, 11, 13.5)]
    assert rates == [PEAK, PEAK, PEAK / 2, PEAK / 2, PEAK / 4, PEAK / 16]
