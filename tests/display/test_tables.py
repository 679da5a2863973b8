"""Tables of runs fit 80 columns, mark what is best, and cannot drive a terminal."""

import io

import pytest

from charrnn.display.tables import NOTHING, chosen, clock, figures, history, names, settings
from charrnn.display.terminal import Terminal


def printed(*tables, width=80):
    file = io.StringIO()
    console = Terminal(file=file, width=width)
    for table in tables:
        console.print(table)
    return file.getvalue()


def line(step, val=None):
    numbers = {"epoch": step / 9, "seconds": step * 1.5, "learning_rate": 0.00123456, "grad_norm": 0.123456}
    losses = {"train_nats": 1.25, **({} if val is None else {"val_nats": val})}
    return {"step": step, **numbers, **losses, "chars_per_second": 123456.7}


def run(name, val=1.5, test=1.75, **figures_):
    known = {"parameters": 155997, "steps": 10**6, "epochs": 2.5, "seconds": 7384.0, "chars_per_second": 2e5}
    return {"run": name, "val_nats": val, "test_nats": test, **known, "budget_used": 0.42, **figures_}


def test_a_long_log_is_shown_in_some_twenty_lines_of_80_columns_with_the_best_one():
    log = [line(step, 1 + abs(step - 37777) / 1e5) for step in range(1, 100000, 111)]
    shown = chosen(log, 20)
    assert len(shown) == 20
    assert (shown[0], shown[-1]) == (log[0], log[-1])
    assert min(log, key=lambda each: each["val_nats"]) in shown
    rows = printed(history(log)).splitlines()
    assert len(rows) == 22
    assert max(map(len, rows)) <= 80
    assert [row.count("*") for row in rows].count(1) == 1
    assert "1.803" in rows[5]  # 1.25 nats in bits


@pytest.mark.parametrize("size", range(1, 6))
def test_a_short_log_is_shown_whole(size):
    log = [line(step, 3 - step / 9) for step in range(size)]
    assert chosen(log, 6) == log
    assert chosen([line(step) for step in range(size)], 6) == [line(step) for step in range(size)]


def test_a_log_without_validation_has_dashes():
    text = printed(history([line(1), line(2)]))
    assert text.count(NOTHING) == 4
    assert "*" not in text


def test_only_the_figures_that_may_be_compared_are_marked():
    runs = [run("a", 1.5, 1.6), run("b", 1.4, 1.7), run("c", None, None, chars_per_second=3e5, parameters=None)]
    rows = printed(figures(runs, ["val_nats", "test_nats", "chars_per_second"])).splitlines()[2:]
    assert [row.count("*") for row in rows] == [1, 1, 1]
    assert "1.600*" in rows[0]
    assert "1.400*" in rows[1]
    assert "300k*" in rows[2]
    assert "*" not in printed(figures(runs, []))
    assert "*" not in printed(figures(runs[:1], ["val_nats"]))
    assert max(map(len, rows)) <= 80


def rows_of(values, width=80):
    return [row.split() for row in printed(*settings(values, width), width=width).splitlines()]


def test_settings_stand_below_each_other_and_runs_side_by_side():
    values = {"cell": ["lstm", "gru"], "learning_rate": [0.0023784142300054423, 1e-05], "patience": [None, 3]}
    assert rows_of(values) == [
        ["1", "2"],
        ["cell", "lstm", "gru"],
        ["learning_rate", "0.00237841", "1e-05"],
        ["patience", NOTHING, "3"],
    ]


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("count", [1, 2, 9, 23])
def test_more_runs_than_there_is_room_for_go_into_further_tables(width, count):
    values = {"cell": ["peephole"] * count, "embedding_size": list(range(count))}
    text = printed(*settings(values, width), width=width)
    assert max(map(len, text.splitlines())) <= width
    told = [row for row in rows_of(values, width) if row[0] == "embedding_size"]
    assert [cell for row in told for cell in row[1:]] == [str(place) for place in range(count)]
    heads = [row for row in rows_of(values, width) if row[0] not in values]
    assert [cell for row in heads for cell in row] == list("123456789abcdefghijklmnopqrstuvwxyz"[:count])


def test_a_long_value_is_folded_and_whole():
    long = "/home/me/checkpoints/of-last-year/" + "x" * 90
    text = printed(*settings({"init_from": [long, None]}))
    assert max(map(len, text.splitlines())) <= 80
    assert long in "".join(text.replace("init_from", "").replace(NOTHING, "").split())


def test_a_long_name_stands_once_and_whole():
    long = "shakespeare-lstm-" * 9
    assert [line.plain for line in names(["a", long])] == ["1  a", f"2  {long}"]
    rows = printed(figures([run("a"), run(long)], ["val_nats"])).splitlines()
    assert max(map(len, rows)) <= 80
    assert [row.split()[0] for row in rows[2:]] == ["1", "2"]


def test_a_run_of_a_hostile_name_is_shown_as_it_is(hostile):
    text = printed(*names([hostile]), *settings({"cell": [hostile]}, width=4000), width=4000)
    assert "\x1b" not in text
    assert text.count("[red]markup[/red]") == 2
    assert len(text.splitlines()) == 3


def test_a_time_is_rounded_as_a_whole():
    assert [clock(seconds) for seconds in (0.04, 59.4, 119.7, 3599.6)] == ["0.0s", "59.4s", "2:00", "1:00:00"]
