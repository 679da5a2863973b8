"""The laws of cutting a passage into rows."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.display.highlight import Highlight

law = settings(max_examples=200)
texts = st.text(st.sampled_from("ab 日語\n\t\x1b\u0301\u202e"), max_size=60)


def highlight(text, guesses=()):
    rows = [list(guesses)] * len(text) if guesses else []
    return Highlight.of("title", "scale", "source", text, [0.5] * len(text), rows)


def signs(row):
    return "".join(cell.sign for cell in row)


@law
@given(texts, st.integers(4, 30), st.sampled_from(["", "a", "日"]))
def test_no_row_is_wider_than_asked_for(text, width, guess):
    shown = highlight(text, [(guess, 0.5)] if guess else ())
    assert all(sum(cell.width for cell in row) <= width for row in shown.rows(width))


@law
@given(texts, st.integers(1, 30))
def test_no_cell_is_lost_or_doubled(text, width):
    shown = highlight(text)
    assert len(shown.cells) == len(text)
    assert tuple(cell for row in shown.rows(width) for cell in row) == shown.cells


@law
@given(texts, st.integers(1, 30))
def test_a_row_ends_after_a_newline_and_nowhere_else_before_it_is_full(text, width):
    rows = list(highlight(text).rows(width))
    for row, following in pairwise(rows):
        assert row[-1].ends_line or sum(c.width for c in row) + following[0].width > width
        assert not any(cell.ends_line for cell in row[:-1])


def test_rows_follow_the_lines_of_the_text():
    assert [signs(row) for row in highlight("ab\n\ncdefg").rows(3)] == ["ab↵", "↵", "cde", "fg"]


def test_wide_characters_count_two_columns():
    assert [signs(row) for row in highlight("日本語x").rows(4)] == ["日本", "語x"]


def test_a_cell_is_as_wide_as_its_widest_guess():
    (cell,) = highlight("a", [("b", 0.6), ("語", 0.4)]).cells
    assert cell.width == 2


def test_guesses_are_shown_as_signs_with_spaces_to_be_seen():
    (cell,) = highlight("a", [(" ", 0.5), ("\n", 0.3), ("\x1b", 0.2)]).cells
    assert cell.guesses == (("␣", 0.5), ("↵", 0.3), ("␛", 0.2))


@pytest.mark.parametrize(("values", "guesses"), [([0.1], []), ([0.1] * 3, []), ([0.1] * 2, [[("a", 1.0)]])])
def test_a_text_and_its_values_and_guesses_have_one_length(values, guesses):
    with pytest.raises(ValueError, match="zip"):
        Highlight.of("title", "scale", "source", "ab", values, guesses)


def test_an_empty_passage_has_no_rows():
    assert list(highlight("").rows(80)) == []
