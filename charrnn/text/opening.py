"""A file -> its bytes, chunk by chunk, unpacked where it is compressed; refuses what could hang or fill the memory."""

import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from charrnn.errors import SourceError, did_you_mean
from charrnn.files import beside
from charrnn.text.catalogue import CATALOGUE

CHUNK = 1 << 20
EXPANSION = 200  # times its size that a compressed file may expand to: no text is packed so tightly, and bombs are,
EXPANSION_FLOOR = 500_000_000  # except short or dull ones: this many bytes are always allowed
_PIECE = 1 << 10  # compressed bytes unpacked at once: 32 MiB at most
_MEMORY = 128 << 20  # bytes that unpacking itself may take


def is_file(path: Path) -> bool:
    """Return whether it is a regular file (or a link to one): no folder, pipe or device, and there."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def packing(path: Path) -> str:
    """Return the suffix by which a file is known to be compressed; none where it is not."""
    return path.suffix if path.suffix in _FORMATS else ""


def chunks(path: Path, on_read: Callable[[bytes], object] = lambda content: None) -> Generator[bytes, None, None]:
    """Yield the bytes of a file, a mebibyte at a time, or what is packed in it (.gz, .bz2, .xz, .zst).

    `on_read` gets the bytes as they lie in the file.

    Raises:
        SourceError: it is not there, no regular file, cannot be read, or is a damaged or suspiciously dense archive.
    """
    with closing(raw(path)) as read:  # so that a file which is not read to its end is closed here, not some time later
        content = _seen(read, on_read)
        yield from _gathered(_unpacked(content, path)) if packing(path) else content


def first(path: Path) -> bytes:
    """Return a file's first chunk; errors as of `chunks`, that it cannot be closed among them."""
    with closing(chunks(path)) as content:
        return next(content, b"")


def raw(path: Path) -> Generator[bytes, None, None]:
    """Yield the bytes of a file as they are.

    Raises:
        SourceError: it is not there, no regular file, or cannot be read.
    """
    try:
        if not is_file(path):
            os.stat(path)  # an error of its own where it is not there
            raise SourceError(f"{path} is no regular file", "give a file, or pipe its content in and name '-'")
        with open(path, "rb") as file:
            yield from _as_long_as_it_was(file, path)
    except (FileNotFoundError, ValueError):  # no file can have a name with a zero in it
        names = ", ".join(CATALOGUE)
        cure = did_you_mean(str(path), CATALOGUE, f"check the path, or name a corpus: {names}", beside(path))
        raise SourceError(f"there is no file {path}", cure) from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror})", "check what it is and its permissions") from None


def _as_long_as_it_was(file: IO[bytes], path: Path) -> Iterator[bytes]:
    """The content of a file that neither grows nor shrinks meanwhile; one of the system's own says it has no length."""
    length, read = os.fstat(file.fileno()).st_size, 0
    while not (read > length > 0) and (chunk := file.read(CHUNK)):
        read += len(chunk)
        yield chunk
    if length not in (0, read):
        raise SourceError(f"{path} changed while it was read", "wait until it is whole, then try again")


def _seen(content: Iterable[bytes], on_read: Callable[[bytes], object]) -> Iterator[bytes]:
    for chunk in content:
        on_read(chunk)
        yield chunk


def _unpacked(content: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """What is packed in a file, streams that follow one another included; never more than the bound."""
    size = os.path.getsize(path)
    bound, length = max(EXPANSION_FLOOR, EXPANSION * size), 0
    for piece in _streams(content, path):
        length += len(piece)
        if length > bound:
            raise SourceError(
                f"{path} expands to more than {bound:,} bytes, {bound // size:,} times its size, as a text hardly does",
                "if it is one, unpack it yourself and name the unpacked file, or pipe it in and name '-'",
            )
        yield piece


def _streams(content: Iterable[bytes], path: Path) -> Iterator[bytes]:
    new = _FORMATS[path.suffix]
    stream = new()
    for packed in (chunk[i : i + _PIECE] for chunk in content for i in range(0, len(chunk), _PIECE)):
        while packed:
            if stream.eof:
                stream = new()
            try:
                unpacked = stream.decompress(packed)
            except Exception as error:  # each library has its own
                raise _damaged(path, str(error)) from None
            packed = stream.unused_data.lstrip(b"\0") if stream.eof else b""  # zeros may fill up between streams
            yield unpacked
    if not stream.eof:
        raise _damaged(path, "it is cut off")


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks that are worth handling."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= CHUNK:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _damaged(path: Path, why: str) -> SourceError:
    return SourceError(f"{path} is a damaged archive ({why})", "fetch or make it again")


def _gzip() -> Any:
    import zlib

    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _bzip2() -> Any:
    import bz2

    return bz2.BZ2Decompressor()


def _xz() -> Any:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)


def _zstandard() -> Any:
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=_MEMORY).decompressobj()


_FORMATS: dict[str, Callable[[], Any]] = {".gz": _gzip, ".bz2": _bzip2, ".xz": _xz, ".zst": _zstandard}
