"""Bytes -> characters, piece by piece, so that a text of any size is decoded in bounded memory."""

import codecs
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from io import IncrementalNewlineDecoder
from itertools import chain
from typing import NamedTuple

from charrnn.errors import SourceError, counted
from charrnn.text.reading import Reading
from charrnn.text.vocabulary import UNKNOWN

_MARKS = (  # the longer first: the mark of UTF-32 begins as that of UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FORMATS = (  # what no text has there, though some of these files would decode
    (0, b"PK\3\4", "a zip archive (or a document that is one inside)"),
    (257, b"ustar\0", "a tar archive"),
    (257, b"ustar  \0", "a tar archive"),  # as GNU writes it
    (0, b"\x1f\x8b", "compressed by gzip"),
    (4, b"1AY&SY", "compressed by bzip2"),
    (0, b"\xfd7zXZ\0", "compressed by xz"),
    (0, b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (0, b"%PDF-", "a PDF"),
)
_WIDE = {"_x": "utf-16-le", "x_": "utf-16-be", "_xxx": "utf-32-le", "xxx_": "utf-32-be"}  # x: high bytes
_LETTERS = bytes(range(0x21, 0x100))
_SNIFFED = 8192  # bytes in which a binary file shows a zero
_NAMED = 3  # texts, in a line about many
_HINTED = 16384  # bytes around a bad one that are enough to guess an encoding by
_SURROGATES = re.compile("[\ud800-\udfff]")
_HANDLER = "charrnn.mark"
_JAMO = [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]  # vowels and finals, which join by rule and not by table


class Change(NamedTuple):
    """A thing that was read as something else, so many times in one text; `what` has room for both."""

    thing: str
    what: str
    where: str
    times: int


def told(changes: Sequence[Change]) -> list[str]:
    """Return a line for each kind of change, whatever the number of texts.

    >>> told([Change("end", "{} of {}", "a", 2), Change("end", "{} of {}", "b", 3), Change("mark", "{} in {}", "b", 1)])
    ['5 ends of 2 texts (a, b)', '1 mark in b']
    """
    kinds = {each.what: [other for other in changes if other.what == each.what] for each in changes}
    return [
        what.format(counted(sum(each.times for each in some), some[0].thing), _places(some))
        for what, some in kinds.items()
    ]


def _places(changes: Sequence[Change]) -> str:
    first = ", ".join(each.where for each in changes[:_NAMED])
    return first if len(changes) == 1 else f"{len(changes):,} texts ({first}{', …' if len(changes) > _NAMED else ''})"


def is_binary(head: bytes, reading: Reading) -> bool:
    """Return whether bytes at the beginning of a file are no text: of another format, or narrow and with a zero."""
    if _format_of(head):
        return True
    encoding, _ = _encoding_of(head, reading.encoding)
    wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    return not wide and b"\0" in head[:_SNIFFED]


def characters(chunks: Iterable[bytes], reading: Reading, where: str, changes: list[Change]) -> Iterator[str]:
    """Yield the characters of a text as its bytes arrive; when they end, what was changed is appended to the changes.

    The first chunk holds at least four bytes, where there are so many. `where` names the text in messages.

    Raises:
        SourceError: it is an archive or of another format, or a byte does not decode and `reading.errors` is "strict".
    """
    pieces = _decoded(chunks, reading, where, changes)
    if reading.newlines == "lf":
        pieces = _with_lf(pieces, where, changes)
    return _normalized(pieces, reading.normalize.upper()) if reading.normalize else pieces


def _decoded(chunks: Iterable[bytes], reading: Reading, where: str, changes: list[Change]) -> Iterator[str]:
    rest = iter(chunks)
    head = next(rest, b"")
    if found := _format_of(head):
        raise SourceError(f"{where} is {found}, no text", "unpack or convert it, and name what comes out of it")
    encoding, mark = _encoding_of(head, reading.encoding)
    if not mark and codecs.lookup(encoding).name == "utf-8" and (wide := _wide_encoding_of(head)):
        raise SourceError(
            f"{where} has the zero bytes of {wide} without a byte order mark, not those of {encoding}",
            f"name it with --encoding {wide}, or read the zeros as characters with --encoding latin-1",
        )
    strict = reading.errors == "strict"
    if not strict:
        codecs.register_error(_HANDLER, _marked)
    decoder = codecs.getincrementaldecoder(encoding)("strict" if strict else _HANDLER)
    fed, written, replaced = mark, 0, 0
    for chunk in chain([head[mark:]], rest, [b""]):
        fed += len(chunk)
        try:
            piece = decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            raise _undecodable(error, where, encoding, fed) from None
        piece, count = _without_halves(piece, where, written, strict)
        yield piece if written or mark else piece.removeprefix("\ufeff")
        written, replaced = written + len(piece), replaced + count
    if replaced:
        changes.append(Change("place", f"{{}} in {{}} did not decode as {encoding}, read as U+FFFD", where, replaced))


def _encoding_of(head: bytes, encoding: str) -> tuple[str, int]:
    """The encoding that a text is in, and how many bytes its mark has."""
    if codecs.lookup(encoding).name == "utf-8":
        for mark, marked in _MARKS:
            if head.startswith(mark):
                return marked, len(mark)
    return encoding, 0


def _wide_encoding_of(head: bytes) -> str | None:
    """The encoding of two or four bytes a character that a text seems to be in; as UTF-8 it would decode, with zeros.

    High bytes are below 0x21 in all alphabets, and zero at least for spaces; low bytes are zero next to never.
    """
    signs = ("".join(_kind_of(head[:_SNIFFED][place::width]) for place in range(width)) for width in (2, 4))
    return next((_WIDE[each] for each in signs if each in _WIDE), None)


def _kind_of(places: bytes) -> str:
    """Which bytes of characters these are: x, the high ones, or _, the lowest ones; or neither."""
    if len(places.translate(None, _LETTERS)) > 0.98 * len(places) and places.count(0) > 0.05 * len(places):
        return "x"
    return "_" if places.count(0) <= 0.005 * len(places) else "?"


def _format_of(head: bytes) -> str | None:
    """What a file is that begins so, where that is known to be no text."""
    return next((name for place, sign, name in _FORMATS if head.startswith(sign, place)), None)


def _marked(error: UnicodeError) -> tuple[str, int]:
    """Stand half a surrogate pair, which no text has, for what does not decode: so it is told from a true U+FFFD."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udfff", error.end


def _without_halves(piece: str, where: str, written: int, strict: bool) -> tuple[str, int]:
    """Half a surrogate pair, which some codecs let through, is no character and cannot be written again."""
    try:
        piece.isascii() or piece.encode()
    except UnicodeEncodeError as error:
        if not strict:
            return _SURROGATES.subn(UNKNOWN, piece)
        place = f"{where} has half a surrogate pair at character {written + error.start}"
        raise SourceError(place, "name its encoding with --encoding, or read it with --errors replace") from None
    return piece, 0


def _undecodable(error: UnicodeError, where: str, encoding: str, fed: int) -> SourceError:
    if "BOM" in str(error):  # a UnicodeDecodeError since Python 3.13
        wide = codecs.lookup(encoding).name
        cure = f"name the byte order too, --encoding {wide}-le or {wide}-be"
        return SourceError(f"{where} has no byte order mark, without which it is not {encoding}", cure)
    if not isinstance(error, UnicodeDecodeError):
        return SourceError(f"{where} is not {encoding}: {error}", "name its encoding, for example --encoding latin-1")
    place, byte = fed - len(error.object) + error.start, error.object[error.start]
    begin = max(0, error.start - _HINTED // 2)
    likely = _likely_encoding(error.object[begin : begin + _HINTED], encoding)
    cure = f"perhaps it is --encoding {likely}" if likely else "name its encoding, for example --encoding latin-1"
    return SourceError(
        f"{where} is not {encoding}: byte {place} ({byte:#04x}) does not decode",
        f"{cure}; --errors replace reads such bytes as U+FFFD",
    )


def _likely_encoding(sample: bytes, refused: str) -> str | None:
    from charset_normalizer import from_bytes

    telling = b"\n".join(line for line in sample.splitlines() if not line.isascii())
    best = from_bytes(telling).best()
    if best is None or codecs.lookup(best.encoding).name in ("ascii", codecs.lookup(refused).name):
        return None
    alike = best.could_be_from_charset  # all that read these bytes as the same characters
    return "cp1252" if "cp1252" in alike else best.encoding.replace("_", "-")


def _with_lf(pieces: Iterable[str], where: str, changes: list[Change]) -> Iterator[str]:
    newlines = IncrementalNewlineDecoder(None, translate=True)
    ends = 0
    for piece in pieces:
        ends += piece.count("\r")
        yield newlines.decode(piece)
    yield newlines.decode("", final=True)
    if ends:
        changes.append(Change("line end", "{} of {} (CRLF or CR) read as LF", where, ends))


def _normalized(pieces: Iterable[str], form: str) -> Iterator[str]:
    """Normalise as if the text were one: each piece up to the last character in it that nothing before it can join."""
    held: list[str] = []
    for piece in pieces:
        cut = next((i for i in reversed(range(len(piece))) if _begins_anew(piece[i], form)), None)
        if cut is None:
            held.append(piece)
        else:
            yield unicodedata.normalize(form, "".join(held) + piece[:cut])  # type: ignore[arg-type]
            held = [piece[cut:]]
    yield unicodedata.normalize(form, "".join(held))  # type: ignore[arg-type]


@cache
def _begins_anew(character: str, form: str) -> bool:
    """Return whether a text can be cut before a character and its halves normalised each for itself.

    So it is where the first character of its decomposition moves before no other and joins none before it (Unicode
    Standard Annex 15, section 9.1: the normalisation is closed under concatenation there).

    >>> _begins_anew("ก", "NFC"), _begins_anew(chr(0x301), "NFC"), _begins_anew("ﾞ", "NFC"), _begins_anew("ﾞ", "NFKC")
    (True, False, True, False)
    """
    first = unicodedata.normalize(form.replace("C", "D"), character)[0]  # type: ignore[arg-type]
    return not unicodedata.combining(first) and first not in _joining()


@cache
def _joining() -> frozenset[str]:
    """The characters that can become one with what stands before them, by Python's own table of Unicode."""
    decompositions = (unicodedata.decomposition(chr(code)).split() for code in range(sys.maxunicode + 1))
    seconds = (chr(int(parts[1], 16)) for parts in decompositions if len(parts) == 2 and parts[0][0] != "<")
    return frozenset(chain(seconds, map(chr, _JAMO)))
