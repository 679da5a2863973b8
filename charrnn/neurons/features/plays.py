"""What a unit might track in plays, where a blank line, a name and a colon stand before every speech."""

from collections.abc import Iterator

from charrnn.neurons.features.feature import UNDEFINED, Feature, Values, each


def speaker_line(text: str) -> Values:
    r"""Tell whether a name may stand here: from a blank line (or the text's beginning) to the colon or the line's end.

    >>> speaker_line("A:\nhi\n\nB").tolist()
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    """
    return each(place == _NAME for place, _ in _places(text))


def inside_speech(text: str) -> Values:
    r"""Tell whether a character stands in a speech: from the colon after the name to the blank line.

    >>> inside_speech("A:\nhi\n\nB").tolist()
    [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    return each(place == _SPEECH for place, _ in _places(text))


def speech_line(text: str) -> Values:
    r"""Count the lines of a speech so far, that of the name being 0; undefined outside.

    >>> speech_line("A:\nhi\nho")[1:].tolist()
    [0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    """
    return each(lines if place == _SPEECH else UNDEFINED for place, lines in _places(text))


_NAME, _SPEECH, _NEITHER = range(3)


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each character stands, and the lines of the speech so far."""
    place, lines, before = _NAME, 0, "\n"
    for c in text:
        if c == before == "\n":
            place = _NAME
        elif c == "\n":
            place, lines = (_NEITHER if place == _NAME else place), lines + 1
        elif c == ":" and place == _NAME:
            place, lines = _SPEECH, 0
        yield place, lines
        before = c


PLAYS = (
    Feature("speaker_line", "where a speaker's name stands", True, speaker_line, "play"),
    Feature("inside_speech", "in a speech", True, inside_speech, "play"),
    Feature("speech_line", "lines of the speech so far", False, speech_line, "play"),
)
