"""The loss curve is a picture, whatever its title and whatever was measured."""

from itertools import pairwise

import pytest

from charrnn.display.curve import _apart, draw, draw_together

LOG = [{"step": 1, "train_nats": 3.0, "val_nats": 3.1}, {"step": 2, "train_nats": 2.0}]


def is_png(path):
    content = path.read_bytes()
    return content.startswith(b"\x89PNG\r\n\x1a\n") and content[-8:-4] == b"IEND"


@pytest.mark.parametrize("title", ["shakespeare", "a$b_{", "$", r"\frac{", "</title>", "a\nb", "", "война", "戦争"])
def test_any_title_can_stand_over_a_curve(tmp_path, title):
    draw(LOG, title, tmp_path / "loss.png")
    assert is_png(tmp_path / "loss.png")


@pytest.mark.parametrize(
    "log", [LOG, LOG[:1], LOG[1:], [{"step": 1, "train_nats": 3.0, "val_nats": None}]], ids=["both", "1", "no", "none"]
)
def test_a_curve_needs_no_validation_loss(tmp_path, log):
    draw(log, "title", tmp_path / "loss.png")
    assert is_png(tmp_path / "loss.png")


def test_a_curve_is_a_png_under_any_name(tmp_path):
    draw(LOG, "title", tmp_path / "loss.tmp")
    assert is_png(tmp_path / "loss.tmp")


def test_any_runs_can_be_drawn_together(tmp_path):
    log = [{"step": n, "seconds": n / 2, "epoch": n / 9, "train_nats": 3 / n, "val_nats": 4 / n} for n in range(1, 5)]
    untested = [{name: value for name, value in line.items() if name != "val_nats"} for line in log]
    runs = {"a$b_{": log, "война": log[:1], "x" * 99: untested} | {f"run {n}": log for n in range(30)}
    draw_together(runs, tmp_path / "runs.png")
    assert is_png(tmp_path / "runs.png")


@pytest.mark.parametrize("heights", [[1.0, 1.0, 1.0], [0.0, 2.0], [2.0, 2.0, 0.0], [1.0], [1.5] * 60])
def test_labels_stand_apart_within_the_picture_in_the_order_of_their_lines(heights):
    moved = _apart(heights, 0.0, 2.0)
    assert all(0 <= height <= 2 for height in moved)
    placed = sorted(zip(heights, moved, strict=True))
    gap = min(0.05, 1 / len(heights)) * 2
    assert all(after[1] - before[1] >= gap - 1e-9 for before, after in pairwise(placed))
