"""The laws of PNG pictures: every value and sign is drawn, and what no font has is told."""

import pytest
from PIL import Image

from charrnn.display.colours import colour
from charrnn.display.grid import COLUMNS, TALLEST, room
from charrnn.display.highlight import LONGEST, Highlight
from charrnn.display.page import html, svg
from charrnn.display.picture import DPI, MISSING, draw


@pytest.fixture
def drawn(tmp_path):
    def make(highlight):
        missing = draw(highlight, tmp_path / "a.png")
        with Image.open(tmp_path / "a.png") as picture:
            return picture.convert("RGB"), missing, picture.info

    return make


def highlight(text, values=None, guesses=()):
    return Highlight.of("t", "s", "o", text, values or [0.0] * len(text), [list(guesses)] * len(text))


def colours(picture):
    return {pixel for _, pixel in picture.getcolors(1 << 24)}


def test_a_picture_is_for_print_and_as_wide_as_its_columns(drawn):
    picture, missing, info = drawn(highlight("x" * 200))
    assert info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
    assert drawn(highlight("y"))[0].width == picture.width > 15 * COLUMNS
    assert not missing


def test_the_values_of_characters_are_in_the_picture(drawn):
    assert {colour(-0.7137), colour(0.3137)} <= colours(drawn(highlight("ab", [-0.7137, 0.3137]))[0])


def test_the_values_of_stacked_units_are_in_the_picture(drawn):
    rows = {"0:1": [0.111, 0.333], "1:2": [-0.555, -0.777]}
    shown = colours(drawn(Highlight.stacked("t", "s", "o", "ab", rows, []))[0])
    assert {colour(value) for row in rows.values() for value in row} <= shown


def test_more_guesses_make_a_taller_picture(drawn):
    heights = [drawn(highlight("ab", guesses=[("x", 0.5)] * count))[0].height for count in (0, 1, 3)]
    assert heights[2] - heights[1] == 2 * (heights[1] - heights[0]) > 0


@pytest.mark.parametrize("guesses", [0, 5, 20])
@pytest.mark.parametrize("text", ["x\n", "x", "漢"])
def test_no_picture_is_taller_than_programs_open_and_each_says_what_it_shows(drawn, monkeypatch, text, guesses):
    monkeypatch.setattr("charrnn.display.grid.TALLEST", 3000)
    long = highlight(text * 5000, guesses=[("y", 0.5)] * guesses)
    fits, height = room(long), drawn(long)[0].height
    one, two = (drawn(highlight(rows, guesses=[("y", 0.5)] * guesses))[0].height for rows in ("x", "x\nx"))
    assert height <= 3000 < height + two - one
    assert f"o; shown: the first {fits:,}<" in svg(long)
    assert long.first(fits).first(room(long.first(fits))) == long.first(fits)


def test_no_page_or_picture_shows_more_than_browsers_bear():
    long = highlight("x" * (LONGEST + 1))
    assert html(long).count(">x<") == LONGEST >= room(long)
    assert "o; shown: the first 20,000" in html(long)
    assert "shown" not in html(highlight("x" * LONGEST))
    assert TALLEST < 32_768


def test_a_sign_that_no_font_has_is_told_and_replaced(drawn):
    unassigned = "\U000e0fff"  # shown as � already
    nowhere = "\U0001d6a6"  # not a character that Unicode has assigned
    assert drawn(highlight(unassigned))[1] <= {MISSING}
    _, missing, _ = drawn(highlight(f"a{nowhere}"))
    assert "a" not in missing


def test_a_script_that_few_machines_have_is_drawn_or_told(drawn, monkeypatch):
    from charrnn.display import picture

    monkeypatch.setattr(picture, "_system_fonts", tuple)
    picture._path_with.cache_clear()
    try:
        assert drawn(highlight("a日b語日"))[1] == {"日", "語"}
    finally:
        picture._path_with.cache_clear()


def test_hostile_text_can_be_drawn_within_the_picture(drawn, hostile):
    shown = Highlight.of(hostile, hostile, hostile, hostile, [0.0] * len(hostile), [])
    picture, *_ = drawn(shown)
    assert {picture.getpixel((picture.width - 1, y)) for y in range(picture.height)} == {(255, 255, 255)}


def test_an_empty_passage_can_be_drawn(drawn):
    assert drawn(highlight(""))[0].height > 0
