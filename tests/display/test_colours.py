"""The laws of the one scale from −1 to 1."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.display.colours import MARKS, colour, css, ink, mark

law = settings(max_examples=200)
values = st.floats(-1, 1)


def luminance(rgb):
    """WCAG 2.1's relative luminance, as it stands there."""
    r, g, b = ((c / 12.92) if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@law
@given(values)
def test_ink_on_its_background_has_a_contrast_of_at_least_4_5(value):
    assert contrast(ink(colour(value)), colour(value)) >= 4.5


@law
@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_ink_is_readable_on_any_colour(background):
    assert contrast(ink(background), background) >= 4.5


@law
@given(st.floats(1, 1e9))
def test_beyond_1_the_scale_goes_on_as_at_1(value):
    assert colour(value) == colour(1) == (103, 0, 31)
    assert colour(-value) == colour(-1) == (5, 48, 97)
    assert (mark(value), mark(-value)) == (MARKS[-1], MARKS[0])


@law
@given(st.floats(0.01, 1))
def test_the_scale_is_red_above_0_and_as_blue_below(value):
    assert colour(value)[0] > colour(value)[2]
    assert colour(-value)[2] > colour(-value)[0]


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_scale_darkens_evenly_away_from_0(sign):
    shades = [luminance(colour(sign * step / 50)) for step in range(51)]
    assert all(a > b for a, b in pairwise(shades))


@law
@given(values)
def test_both_halves_of_the_scale_are_as_dark(value):
    assert contrast(colour(value), colour(-value)) < 1.8


@law
@given(values, values)
def test_a_higher_value_never_has_a_lower_mark(a, b):
    low, high = sorted((a, b))
    assert MARKS.index(mark(low)) <= MARKS.index(mark(high))


def test_every_mark_covers_a_quarter():
    assert "".join(mark((2 * step + 1) / 8 - 1) for step in range(8)) == MARKS


def test_css_is_six_hexadecimal_digits():
    assert css((0, 1, 255)) == "#0001ff"
