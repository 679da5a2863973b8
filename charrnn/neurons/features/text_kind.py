"""Which kind of text this is, by signs that each kind has on many of its lines."""

import re

from charrnn.text.symbols import plain

LOOKED_AT = 200_000  # characters
_SIGNS = {
    "python": re.compile(
        r"^\s*(?:(?:def|class|if|elif|else|for|while|try|except|with)\b.*:|from [\w.]+ import .*|import [\w., ]+"
        r"|return\b[^;]*|self\.\w+ = .*|@\w.*|raise \w[^;]*)$"
    ),
    "c": re.compile(
        r"^.*(?:;|\{|^\s*\}|\*/)\s*$|^\s*#\s*(?:include|define|if|ifdef|ifndef|endif|else)\b|^\s*(?:/\*|\* )"
    ),
    "markup": re.compile(r"<[a-zA-Z!?/][^<>]*>"),
    "play": re.compile(r"^[A-Z][\w .,'-]{0,40}:$"),
}
_SHARES = {"markup": 0.25, "python": 0.12, "c": 0.4, "play": 0.08}  # of the lines that are not blank, in this order


def text_kind(text: str) -> str:
    r"""Return "python", "c", "markup", "play" or, where no other shows, "prose".

    >>> text_kind("import os\n\ndef f(x):\n    return os.name\n")
    'python'
    """
    lines = [line for line in plain(text[:LOOKED_AT]).replace("\r", "").split("\n") if line.strip()]
    for kind, share in _SHARES.items():
        if sum(bool(_SIGNS[kind].search(line)) for line in lines) > share * len(lines):
            return kind
    return "prose"
