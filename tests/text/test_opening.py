"""Compressed files are read as what is packed in them, within bounds; a damaged one is an error, no shorter text."""

import bz2
import gzip
import lzma

import pytest
import zstandard

from charrnn.errors import SourceError
from charrnn.text import opening
from charrnn.text.opening import CHUNK, chunks
from charrnn.text.sources import Text, read

PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.compress}
TEXT = "".join(f"{n * n:x} Zeilen, grün und blau\n" for n in range(20_000))


@pytest.fixture(params=PACK)
def packed(request, tmp_path):
    """A function that writes content packed in each format in turn, and returns its path."""

    def pack(content, name="text"):
        path = tmp_path / f"{name}{request.param}"
        path.write_bytes(PACK[request.param](content))
        return path

    return pack


def unpacked(path):
    return b"".join(chunks(path))


def test_a_compressed_file_is_the_text_that_is_packed_in_it(packed):
    path = packed(TEXT.encode(), "poem")
    assert read([str(path)]) == Text("poem", TEXT)


def test_files_packed_one_after_the_other_are_one(packed):
    path = packed(b"one, ")
    path.write_bytes(path.read_bytes() + packed(b"two", "other").read_bytes())
    assert unpacked(path) == b"one, two"


def test_zeros_that_fill_up_an_archive_are_no_text(packed):
    path = packed(b"one")
    path.write_bytes(path.read_bytes() + bytes(512))
    assert unpacked(path) == b"one"


def test_a_packed_text_in_a_folder_is_read_and_a_packed_binary_file_is_not(packed):
    path = packed(b"text")
    packed(b"\0binary", "other")
    text = read([str(path.parent)])
    assert text.characters == "text"
    assert text.notes == (f"binary files left out of {path.parent}: 1 (other{path.suffix})",)


@pytest.mark.parametrize("left", [0, 1, 10, 0.5, 0.9999])
def test_a_cut_archive_is_an_error(packed, left):
    path = packed(TEXT.encode())
    content = path.read_bytes()
    path.write_bytes(content[: left if isinstance(left, int) else int(len(content) * left)])
    with pytest.raises(SourceError, match=r"is a damaged archive \(.+\); fetch or make it again"):
        unpacked(path)


def test_bytes_that_are_no_archive_are_an_error(packed):
    path = packed(b"")
    path.write_bytes(b"Just text, whatever its name says.\n")
    with pytest.raises(SourceError, match="is a damaged archive"):
        unpacked(path)


def test_a_bomb_is_stopped_at_the_bound_and_the_error_says_how_large_it_is_and_what_to_do(packed, monkeypatch):
    monkeypatch.setattr(opening, "EXPANSION_FLOOR", 3 * CHUNK)
    path = packed(bytes(40 * CHUNK))
    bound = max(3 * CHUNK, 200 * path.stat().st_size)
    times, read_ = bound // path.stat().st_size, 0
    message = (
        f"expands to more than {bound:,} bytes, {times:,} times its size.*; if it is one, unpack it yourself .* '-'"
    )
    with pytest.raises(SourceError, match=message):  # noqa: PT012
        for chunk in chunks(path):
            read_ += len(chunk)
    assert read_ <= bound


def test_a_dull_log_is_no_bomb_however_large(packed, monkeypatch):
    monkeypatch.setattr(opening, "EXPANSION_FLOOR", 0)
    log = "".join(f"app[99]: GET /{n} 200, {n % 7} ms\napp[99]: waiting for the next request\n" for n in range(3000))
    path = packed(log.encode())
    assert len(log) > 20 * path.stat().st_size
    assert unpacked(path) == log.encode()


def test_what_is_within_the_bound_is_read_whole(packed, monkeypatch):
    monkeypatch.setattr(opening, "EXPANSION_FLOOR", 3 * CHUNK)
    assert len(unpacked(packed(b"x" * 3 * CHUNK))) == 3 * CHUNK
