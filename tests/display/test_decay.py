"""Curves on a logarithmic scale, as marks and as pictures."""

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from charrnn.display.colours import MARKS
from charrnn.display.decay import Line, Peak, draw, draw_cells, marks, power

ZERO = -math.inf
FALLING = [-0.5 * k for k in range(21)]
GROWING = [2.0 * k for k in range(200)]  # beyond what a number holds


def line(values, name="LSTM $c$"):
    return Line(name, "falls by half every 4.2", values, [v - 1 for v in values], [v + 1 for v in values], "#0072B2")


def test_each_tenth_is_one_mark_lower_and_ten_is_above_them_all():
    assert marks([-float(k) for k in range(8)], 8) == MARKS[::-1]
    assert marks([5.0, 1.0, 0.6, -7.6, ZERO], 5) == "▲▲█  "


@pytest.mark.parametrize("width", [1, 2, 20, 50])
def test_a_row_of_marks_is_as_wide_as_asked_and_begins_and_ends_with_the_curve(width):
    row = marks([0.0, *[-3.0] * 28, -7.0], width)
    assert len(row) == width
    assert row[0] == "█"
    assert width == 1 or row[-1] == "▁"


@pytest.mark.parametrize("value", [3.2e-31, 9.96e4, 1.0, 0.05])
def test_a_number_by_its_logarithm_reads_as_itself(value):
    assert float(power(math.log10(value))) == pytest.approx(value, rel=0.05)


def test_zeros_and_what_no_number_holds_are_drawn_as_far_as_a_picture_goes(tmp_path):
    for values in (FALLING, GROWING, [ZERO, *FALLING], [ZERO] * 5):
        draw({"one": [line(values)], "two": []}, "curves", tmp_path / "a.png")
        assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_of_the_cells_tells_what_became_of_each(tmp_path):
    panels = {name: [line(FALLING), line(GROWING, "RNN")] for name in ("fresh", "clipped")} | {"unclipped": []}
    peaks = [Peak("LSTM", 1.5, "2.31 nats", "#0072B2", True), Peak("RNN", None, "diverged: …", "#D55E00", False)]
    for form in ("png", "svg"):
        draw_cells(panels, peaks, "cells", tmp_path / form, form)
    ET.parse(tmp_path / "svg")


def test_the_same_curves_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        draw({"one": [line(np.array(FALLING).tolist())]}, "curves", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
