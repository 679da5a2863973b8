"""Visible signs for characters that a terminal or page would act on or hide."""

import re
import unicodedata

END = "\udfff"  # the symbol around items, which no text can hold
_NAMED = {"\n": "↵", "\t": "⇥", "\x7f": "␡", END: "␃"}
# Hangul vowels and finals and skin tones, which join what stands before them and take no column alone
_JOINING = (("\u1160", "\u11ff"), ("\ud7b0", "\ud7ff"), ("\U0001f3fb", "\U0001f3ff"))
_BLANK = "\u3164\uffa0"  # fillers, which take no column
# Scripts that run from right to left, or whose letters take their form from their neighbours: what stands in a cell of
# its own is none of their writing.
_RUNNING = re.compile(
    "[\u0590-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uaaff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00011fff]"
)
_JOINERS = "\u200c\u200d"  # without which emoji and some scripts fall apart; harmless alone


def sign(character: str) -> str:
    r"""Return one visible sign for one character, and for a longer symbol those of its characters.

    >>> [sign(c) for c in "a\n\t\x1b\u202e"]
    ['a', '↵', '⇥', '␛', '�']
    """
    if character in _NAMED:
        return _NAMED[character]
    if len(character) > 1:
        return "".join(map(sign, character))
    if character < " ":
        return chr(0x2400 + ord(character))
    category = unicodedata.category(character)
    if category[0] == "M" or any(first <= character <= last for first, last in _JOINING):
        return "◌" + character
    return "�" if category[0] == "C" or category in ("Zl", "Zp") or character in _BLANK else character


def is_running(text: str) -> bool:
    """Return whether a text has letters that are to be set as a run, not each alone: Arabic, Hebrew, Devanagari, Thai.

    >>> is_running("naïve Ελλάς 漢字"), is_running("a ب"), is_running("क")
    (False, True, True)
    """
    return bool(_RUNNING.search(text))


def runs_left(text: str) -> bool:
    """Return whether a line is one of a script that runs from right to left, by its first letter."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    return next((kind in ("R", "AL") for kind in kinds if kind in ("L", "R", "AL")), False)


def visible(text: str) -> str:
    r"""Return the text such that it cannot drive a terminal: only newlines and tabs act, the rest is shown.

    >>> visible("a\tb\x1b[31m\u202e")
    'a\tb␛[31m‹U+202E›'
    """
    return "".join(c if c in "\n\t" or c.isprintable() else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """Return the text as `visible` does, with newlines and tabs as signs too."""
    return visible(text).replace("\n", "↵").replace("\t", "⇥")


def _escaped(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) == "Zs":
        return character
    return sign(character) if character < "\x80" or character == END else f"‹U+{ord(character):04X}›"
