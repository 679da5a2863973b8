"""What a unit might track in any text: places in lines, words and sentences, runs, parentheses, what comes next."""

from collections.abc import Callable, Iterator

import numpy as np

from charrnn.neurons.features.feature import UNDEFINED, Feature, Flags, Values, each, run_length, where

_SENTENCE_ENDS, _CLOSERS, _APOSTROPHES = ".!?…", "\"'”’)]", "'’"


def line_position(text: str) -> Values:
    r"""Count the characters since the last newline, itself being 0 (Karpathy, Johnson and Fei-Fei 2015, figure 2).

    >>> line_position("ab\nc").tolist()
    [1.0, 2.0, 0.0, 1.0]
    """
    return run_length(where(text, lambda c: c != "\n"))


def word_position(text: str) -> Values:
    """Count the characters of the word so far, from 1; undefined between words.

    A word is a run of letters, digits and underscores; an apostrophe after one of them goes on with it.

    >>> word_position("I'm in").tolist()
    [1.0, 2.0, 3.0, nan, 1.0, 2.0]
    """
    letters = where(text, lambda c: c.isalnum() or c == "_")
    joined = where(text, lambda c: c in _APOSTROPHES)
    joined[1:] &= letters[:-1]
    joined[:1] = False
    return _within(letters | joined)


def sentence_position(text: str) -> Values:
    """Count the characters of the sentence so far; 0 in the white space before it.

    A sentence ends at the white space after a full stop, question or exclamation mark (closing quotes and brackets may
    stand between), and at a blank line; that "Mr." ends none is not known.

    >>> sentence_position("Go. I do").tolist()
    [1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 4.0]
    """
    return each(_sentence_positions(text))


def _sentence_positions(text: str) -> Iterator[int]:
    position, ending, before = 0, False, ""
    for c in text:
        if c.isspace() and (ending or position == 0 or c == before == "\n"):
            position, ending = 0, False
        else:
            position += 1
            ending = c in _SENTENCE_ENDS or (ending and c in _CLOSERS)
        before = c
        yield position


def after_space(text: str) -> Values:
    """Tell whether a character stands directly after a space; undefined at the text's first.

    >>> after_space("a bc").tolist()
    [nan, 0.0, 1.0, 0.0]
    """
    spaces = where(text, lambda c: c == " ").astype(np.float64)
    return np.concatenate([[UNDEFINED], spaces[:-1]])[: len(text)]


def uppercase_run(text: str) -> Values:
    """Count the capital letters without a gap up to here; undefined at any other character.

    >>> uppercase_run("aBCd").tolist()
    [nan, 1.0, 2.0, nan]
    """
    return _within(where(text, str.isupper))


def digit_run(text: str) -> Values:
    """Count the digits without a gap up to here; undefined at any other character.

    >>> digit_run("a12").tolist()
    [nan, 1.0, 2.0]
    """
    return _within(where(text, str.isdigit))


def _within(flags: Flags) -> Values:
    """Count in each run of flags, from 1; undefined outside."""
    counts = run_length(flags)
    return np.where(counts > 0, counts, UNDEFINED)


def inside_parentheses(text: str) -> Values:
    """Tell whether a character stands inside parentheses of any depth; a blank line ends them all.

    >>> inside_parentheses("a(b(c)d)e").tolist()
    [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    return each(depth > 0 for depth in _depths(text))


def _depths(text: str) -> Iterator[int]:
    depth, before = 0, ""
    for c in text:
        if c == "(":
            depth += 1
        elif c == ")":
            depth = max(0, depth - 1)
        elif c == before == "\n":
            depth = 0
        before = c
        yield depth


def indentation(text: str) -> Values:
    r"""Count the columns before a line's first character that is no space or tab; undefined before it and at newlines.

    A tab goes on to the next multiple of eight.

    >>> indentation("\tab\n c").tolist()
    [nan, 8.0, 8.0, nan, nan, 1.0]
    """
    return each(_indentations(text))


def _indentations(text: str) -> Iterator[float]:
    columns, begun = 0, False
    for c in text:
        if c == "\n":
            columns, begun = 0, False
        elif not begun and c == "\t":
            columns += 8 - columns % 8
        elif not begun and c == " ":
            columns += 1
        else:
            begun = True
        yield columns if begun else UNDEFINED


def _is_next(character: str) -> Callable[[str], Values]:
    def values(text: str) -> Values:
        following = where(text[1:], lambda c: c == character).astype(np.float64)
        return np.append(following, UNDEFINED)[: len(text)]

    return values


ANY_TEXT = (
    Feature("line_position", "characters since the newline", False, line_position),
    Feature("word_position", "characters of the word so far", False, word_position),
    Feature("sentence_position", "characters of the sentence so far", False, sentence_position),
    Feature("after_space", "directly after a space", True, after_space),
    Feature("uppercase_run", "capital letters in a row", False, uppercase_run),
    Feature("digit_run", "digits in a row", False, digit_run),
    Feature("inside_parentheses", "inside parentheses", True, inside_parentheses),
    Feature("newline_next", "the next character is a newline", True, _is_next("\n"), predictive=True),
    Feature("space_next", "the next character is a space", True, _is_next(" "), predictive=True),
    Feature("indentation", "columns before the line's first character", False, indentation, "code"),
)
