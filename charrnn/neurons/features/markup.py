"""What a unit might track on the web: addresses, and the tags of HTML or XML."""

import re
from collections.abc import Iterator

from charrnn.neurons.features.feature import Feature, Values, each

_URL_BEGINS = re.compile(r"(?:\b(?:https?|ftp)://|\bwww\.)\Z")
_LONGEST_BEGIN = len("_https://")
_ENDS_URL = frozenset(" \t\n\r\v\f<>\"'`{}|\\^[]")


def inside_url(text: str) -> Values:
    """Tell whether a character stands in a web address, once http://, https://, ftp:// or www. has been read.

    White space, quotes, angle and square brackets and braces end it, and a parenthesis that it has not opened.

    >>> inside_url("(www.a.b) c").tolist()
    [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    """
    return each(_in_urls(text))


def _in_urls(text: str) -> Iterator[bool]:
    inside, depth = False, 0
    for t, c in enumerate(text):
        if inside:
            depth += (c == "(") - (c == ")")
            inside = c not in _ENDS_URL and depth >= 0
        elif c in "/." and _URL_BEGINS.search(text[max(0, t + 1 - _LONGEST_BEGIN) : t + 1]):
            inside, depth = True, 0
        yield inside


def inside_tag(text: str) -> Values:
    r"""Tell whether a character stands in a tag, comment or declaration of HTML or XML, from the one after its <.

    A > in a quoted attribute does not end a tag, and only --> ends a comment; a blank line ends either.

    >>> inside_tag("a<b>c").tolist()
    [0.0, 0.0, 1.0, 0.0, 0.0]
    """
    return each(_in_tags(text))


def _in_tags(text: str) -> Iterator[bool]:
    inside, quote, start = False, "", 0  # where its < stands
    for t, c in enumerate(text):
        if c == "\n" == text[t - 1 : t]:
            inside = False
        elif not inside:
            inside = text[t - 1 : t] == "<" and (c.isalpha() or c in "/!?")
            quote, start = "", t - 1
        elif text.startswith("<!--", start) and t >= start + 3:
            inside = not (c == ">" and t >= start + 6 and text[t - 2 : t] == "--")
        elif quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        else:
            inside = c not in "<>"
        yield inside


MARKUP = (
    Feature("inside_url", "inside a web address", True, inside_url, "markup"),
    Feature("inside_tag", "inside a tag or comment of HTML or XML", True, inside_tag, "markup"),
)
