"""The laws of the one scale from −1 to 1."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.display.colours import MARKS, colour, css, ink, mark, night, strong

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
def test_letters_are_black_on_all_of_the_light_scale_and_white_on_all_of_the_dark_one(value):
    assert ink(colour(value)) == (0, 0, 0)
    assert ink(night(value)) == (255, 255, 255)
    assert contrast(ink(colour(value)), colour(value)) >= 4.5
    assert contrast(ink(night(value)), night(value)) >= 4.5


@law
@given(values)
def test_nothing_glows_least(value):
    assert luminance(colour(0)) >= luminance(colour(value))
    assert luminance(night(0)) <= luminance(night(value))


@law
@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_ink_is_readable_on_any_colour(background):
    assert contrast(ink(background), background) >= 4.5


@law
@given(st.floats(1, 1e9))
def test_beyond_1_the_scale_goes_on_as_at_1(value):
    for scale in (colour, night, strong):
        assert scale(value) == scale(1) != scale(-1) == scale(-value)
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
