"""Reading: how the bytes of a text become its characters, as the user chose."""

import codecs
from dataclasses import dataclass, fields
from typing import Literal

from charrnn.errors import SourceError, check_choice

ERRORS = ("strict", "replace")
NEWLINES = ("lf", "keep")
FORMS = ("nfc", "nfkc")
Kind = Literal["character", "word", "spaced"]
KINDS = ("character", "word", "spaced")  # of symbols
_NOT_STREAMS = ("idna", "punycode")  # codecs of single names, not of texts


def _is_text_encoding(name: str) -> bool:
    try:
        "a".encode(name)
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return codec.incrementaldecoder is not None and codec.name not in _NOT_STREAMS


@dataclass(frozen=True)
class Reading:
    """The choices in reading a text.

    `encoding` is any text codec of Python; under utf-8, a byte order mark of UTF-16 or UTF-32 decides instead.
    What does not decode is an error under `errors` "strict" and becomes U+FFFD under "replace". `newlines` "lf" turns
    CRLF and lone CR into LF, "keep" leaves them. `normalize` names a Unicode normal form, or none.

    Raises:
        SourceError: Python knows no text encoding of that name.
        ConfigError: another choice is none of those allowed.
    """

    encoding: str = "utf-8"
    errors: str = "strict"
    newlines: str = "lf"
    normalize: str | None = None

    def __post_init__(self) -> None:
        check_choice("errors", self.errors, ERRORS)
        check_choice("newlines", self.newlines, NEWLINES)
        if self.normalize is not None:
            check_choice("normalize", self.normalize, FORMS)
        if not _is_text_encoding(self.encoding):
            raise SourceError(f"{self.encoding!r} is no text encoding", "name one that Python knows, such as latin-1")


DEFAULT = Reading()
READING_OPTIONS = tuple(field.name for field in fields(Reading))  # as they are called on the command line
