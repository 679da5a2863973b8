"""The curve in the terminal shows what was measured, within its width, without colour."""

import math

import pytest

from charrnn.display.plot import best, plot, plot_together, window


def log_of(train, val=()):
    steps = range(10, 10 * len(train) + 1, 10)
    log = [{"step": step, "train_nats": nats} for step, nats in zip(steps, train, strict=True)]
    for line, nats in zip(log, val, strict=False):
        line["val_nats"] = nats
    return log


def drawn(log, width=60, height=10):
    """The picture's inside, row by row."""
    rows = [line.plain for line in plot(log, width, height)][1 : height + 1]
    return [row[7 : width - 7] for row in rows]


def columns_with(rows, sign):
    return [(row, column) for row, signs in enumerate(rows) for column, s in enumerate(signs) if s == sign]


FALLING = log_of([3.0, 2.5, 2.0, 1.5, 1.0])
BOTH = log_of([3.0, 2.5, 2.0, 1.5, 1.0], [3.0, 2.4, 2.2, 2.6, 2.9])


@pytest.mark.parametrize("width", [48, 60, 80, 200])
@pytest.mark.parametrize("log", [FALLING, BOTH, BOTH[:1], FALLING[:1], log_of([2.0, 2.0, 2.0])])
def test_a_picture_is_as_wide_and_high_as_asked_for(log, width):
    lines = [line.plain for line in plot(log, width, 12)]
    assert len(lines) == 12 + 3
    assert max(map(len, lines)) <= width


def test_a_falling_loss_falls_from_left_to_right():
    rows = drawn(FALLING)
    dotted = [[row for row in range(len(rows)) if rows[row][column : column + 1].strip()] for column in range(46)]
    heights = [min(column) for column in dotted if column]
    assert heights == sorted(heights)
    assert heights[0] < 2
    assert heights[-1] > 7


def test_every_validation_has_its_mark_and_the_best_its_own():
    rows = drawn(BOTH)
    marks = columns_with(rows, "o")
    assert len(marks) == 4
    [(low, column)] = columns_with(rows, "X")
    assert all(row <= low for row, _ in marks)
    assert sum(other < column for _, other in marks) == 2
    assert best(BOTH)["step"] == 30


def test_without_validation_no_mark_is_promised():
    lines = [line.plain for line in plot(FALLING)]
    assert not any("validation" in line or "X" in line for line in lines)


def test_bits_stand_beside_nats():
    rows = [line.plain.split() for line in plot(BOTH)][1:]
    pairs = [(float(row[0]), float(row[-1])) for row in rows if row[0][0].isdigit() and "." in row[-1]]
    assert pairs
    for nats, bits in pairs:
        assert bits == pytest.approx(nats / math.log(2), abs=0.015)


def test_the_window_leaves_the_steep_beginning_out():
    log = [{"step": 1, "train_nats": 9.0}, *({"step": 100 + n, "train_nats": 2.0 - n / 100} for n in range(50))]
    low, high = window([log])
    assert 1.4 < low < 1.51
    assert 2.0 < high < 2.1


def test_a_single_spike_leaves_the_curve_readable_and_is_marked_above_it():
    log = [{"step": n, "train_nats": 2.0 - n / 100} for n in range(1, 101)]
    spiked = [*log[:59], {**log[59], "val_nats": 35.0}, *log[60:-1], {**log[-1], "val_nats": 1.2}]
    assert window([spiked])[1] < 2.1
    top = next(line.plain for line in list(plot(spiked))[1:])
    assert top.count("↑") == 1
    assert "↑" not in "".join(line.plain for line in plot(log))


def test_losses_that_stay_high_are_no_spike():
    log = [{"step": n, "train_nats": 1.0, "val_nats": 1.0 + (n > 80) * 9} for n in range(1, 101)]
    assert window([log])[1] > 10


def test_a_loss_far_beyond_the_window_takes_no_time_and_no_dot():
    assert len(drawn([{"step": 1, "train_nats": 1e300}, *FALLING])) == 10


def timed(log, seconds):
    return [{**line, "seconds": seconds * place} for place, line in enumerate(log, 1)]


def numbers(*logs, width=60, height=10):
    """The rows and columns of each run's number, by the number."""
    rows = [line.plain[7 : width - 7] for line in plot_together(logs, width, height)][1 : height + 1]
    return {sign: columns_with(rows, sign) for sign in "12"}


def test_runs_together_are_drawn_over_time_each_by_its_number():
    long = log_of([1.0] * 5, [3.0, 2.6, 2.2, 1.8, 1.4])
    slow, fast = numbers(timed(long, 10), timed(BOTH, 4)).values()
    assert len(slow) == 5
    assert [row for row, _ in slow] == sorted(row for row, _ in slow)
    assert max(column for _, column in slow) == 45
    assert max(column for _, column in fast) < 25


def test_where_a_run_was_hardly_validated_the_training_losses_of_all_are_drawn():
    both, falling = timed(BOTH, 10), timed(FALLING, 7)
    assert "validation loss" in next(plot_together([both, both])).plain
    assert "training loss" in next(plot_together([both, falling])).plain
    assert [row for row, _ in numbers(both, falling)["1"]] == [row for row, _ in numbers(falling, both)["2"]]


@pytest.mark.parametrize("width", [48, 60, 80, 200])
@pytest.mark.parametrize("logs", [[BOTH, BOTH], [BOTH[:1], FALLING], [log_of([2.0])] * 40])
def test_a_picture_of_runs_is_as_wide_and_high_as_asked_for(logs, width):
    lines = [line.plain for line in plot_together([timed(log, 3) for log in logs], width, 12)]
    assert len(lines) == 12 + 3
    assert max(map(len, lines)) <= width
