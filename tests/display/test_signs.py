"""No character drives a terminal, and ordinary text stays as it is."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from charrnn.display.signs import one_line, sign, visible

law = settings(max_examples=300)
any_character = st.characters()  # lone surrogates included
any_text = st.text(st.characters() | st.sampled_from("\x1b\x9b\r\n\t\x7f\u202e\u2066\u200f\u061c\u2028\u200d"))
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize(
    ("character", "expected"),
    [
        ("a", "a"),
        ("日", "日"),
        (" ", " "),
        ("\n", "↵"),
        ("\t", "⇥"),
        ("\x00", "␀"),
        ("\x1b", "␛"),
        ("\x7f", "␡"),
        ("\x9b", "�"),
        ("\u202e", "�"),
        ("\u200b", "�"),
        ("\u2028", "�"),
        ("\ud800", "�"),
        ("\u0301", "◌\u0301"),
    ],
)
def test_signs_of_characters_that_would_act_or_hide(character, expected):
    assert sign(character) == expected


@law
@given(any_character)
@example("\u1160")  # a vowel of Hangul, which takes no column alone
@example("\U0001f3fb")  # nor does a skin tone
def test_every_character_has_one_sign_of_one_or_two_columns(character):
    assert cell_len(sign(character)) in (1, 2)


@law
@given(any_character)
def test_no_sign_acts_on_a_terminal(character):
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in sign(character))


@law
@given(any_text)
def test_visible_text_holds_no_control_but_newline_and_tab(text):
    shown = set(visible(text))
    assert not {c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")} - {"\n", "\t"}
    assert not shown & BIDI


@law
@given(any_text)
def test_one_line_is_one_line(text):
    assert one_line(text).splitlines() in ([], [one_line(text)])


@law
@given(any_text)
def test_visible_text_is_visible_already(text):
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    "text",
    [
        "plain text, [red]brackets[/red] & <signs>\n\tindented",
        "Война и мир — «Eh bien, mon prince»",
        "日本語、中文 한국어 עברית العربية",
        "na\u0308ive e\u0301tude, a\u00a0b",
        "👩‍👩‍👧 🇩🇪 ☕️",  # with the joiners and selectors that hold them together
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert visible(text) == text


def test_what_is_hidden_is_named():
    assert visible("a\x1b[2J\u202eb\x9b") == "a␛[2J‹U+202E›b‹U+009B›"
