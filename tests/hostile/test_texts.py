"""Texts from the web and from mishaps: each is read as it is, or one line says why it is none."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile

import pytest
import zstandard

from charrnn.text import opening

SMALL = (
    "--hidden-size=8",
    "--embedding-size=4",
    "--seq-length=8",
    "--batch-size=2",
    "--precision=float32",
    "--steps=2",
)
TWO = "give a text of at least two characters"
PIPE = "is no regular file; give a file, or pipe its content in and name '-'"
UNPACK = "no text; unpack or convert it, and name what comes out of it"


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "hello" * 100)
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("a.txt")
        member.size = 500
        archive.addfile(member, io.BytesIO(b"hello" * 100))
    return file.getvalue()


def link_to(target):
    return lambda path: path.symlink_to(target)


HELLO = b"hello " * 100

# The name of the source, what it is (its bytes, or how it is made) -> the exit status of `train` and what it says.
TEXTS = {
    "an empty file": ("text.txt", b"", 1, f"there is no text in text.txt; {TWO}"),
    "a byte order mark alone": ("text.txt", b"\xef\xbb\xbf", 1, f"there is no text in text.txt; {TWO}"),
    "an empty stdin": ("-", b"", 1, f"there is no text in -; {TWO}"),
    "one character": ("text.txt", b"a", 1, f"text has one character only; {TWO}"),
    "one distinct character": ("text.txt", b"a" * 500, 0, "finished after 2 steps"),
    "shorter than a window": ("text.txt", b"abc", 0, "the text is short: fewer streams, or a shorter window"),
    "nothing but zeros": ("text.txt", bytes(500), 0, "finished after 2 steps"),
    "an empty folder": ("folder", os.mkdir, 1, "no text files are in folder"),
    "nothing": ("text.txt", lambda path: None, 1, "there is no file text.txt; check the path"),
    "a name of 5,000 letters": ("a" * 5000, lambda path: None, 1, "cannot be read (File name too long)"),
    "a name with a zero": ("a\0b", lambda path: None, 1, "there is no file a␀b"),
    "a name that is not UTF-8": ("caf\udce9.txt", lambda path: None, 1, "the argument caf‹U+DCE9›.txt is not in UTF-8"),
    "a web page's address": ("http://a.b/c.txt", lambda path: None, 1, "there is no file http:/a.b/c.txt"),
    "a fifo": ("fifo", os.mkfifo, 1, f"fifo {PIPE}"),
    "zeros without end": ("/dev/zero", None, 1, f"/dev/zero {PIPE}"),
    "a terminal": ("/dev/tty", None, 1, f"/dev/tty {PIPE}"),
    "a broken link": ("link", link_to("nowhere"), 1, "there is no file link; check the path"),
    "a link to itself": ("link", link_to("link"), 1, "link cannot be read (Too many levels of symbolic links)"),
    "a link to what lies outside": ("link", link_to("/dev/zero"), 1, f"link {PIPE}"),
    "a zip": ("text.txt", zipped(), 1, f"text.txt is a zip archive (or a document that is one inside), {UNPACK}"),
    "a zip on stdin": ("-", zipped(), 1, f"stdin is a zip archive (or a document that is one inside), {UNPACK}"),
    "a tar": ("text.txt", tarred(), 1, f"text.txt is a tar archive, {UNPACK}"),
    "a packed tar": ("text.tar.gz", gzip.compress(tarred()), 1, f"text.tar.gz is a tar archive, {UNPACK}"),
    "a PDF": ("text.txt", b"%PDF-1.4\n", 1, f"text.txt is a PDF, {UNPACK}"),
    "gzip under another name": ("text.txt", gzip.compress(HELLO), 1, f"text.txt is compressed by gzip, {UNPACK}"),
    "bzip2 under another name": ("text.txt", bz2.compress(HELLO), 1, f"text.txt is compressed by bzip2, {UNPACK}"),
    "xz under another name": ("text.txt", lzma.compress(HELLO), 1, f"text.txt is compressed by xz, {UNPACK}"),
    "zstd under another name": ("text.txt", zstandard.compress(HELLO), 1, f"text.txt is compressed by zstd, {UNPACK}"),
    "a text under a packed name": ("text.gz", HELLO, 1, "text.gz is a damaged archive (Error -3"),
    "a cut archive": ("text.xz", lzma.compress(HELLO)[:-9], 1, "text.xz is a damaged archive (it is cut off)"),
    "a picture": ("text.txt", b"\x89PNG\r\n\x1a\n" + HELLO, 1, "text.txt is not utf-8: byte 0 (0x89) does not decode"),
    "half a surrogate pair in UTF-8": ("text.txt", b"ab\xed\xa0\x80cd", 1, "is not utf-8: byte 2 (0xed)"),
    "half a surrogate pair in UTF-16": ("text.txt", b"\xff\xfea\0\0\xd8b\0", 1, "is not utf-16-le: byte 4 (0x00)"),
    "half a character at the end": ("text.txt", b"ab\xe2\x82", 1, "is not utf-8: byte 2 (0xe2)"),
    "another encoding": ("text.txt", "naïve café, déjà vu\n".encode("cp1252") * 9, 1, "perhaps it is --encoding "),
    "escape sequences": ("text.txt", b"\x1b[31mred\x1b]0;title\x07\n" * 20, 0, "finished after 2 steps"),
    "direction overrides": ("text.txt", "\u202eabc\u2066def\u200f\n".encode() * 20, 0, "finished after 2 steps"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_what_is_no_text_is_refused_in_one_line_and_what_is_one_is_learned(row, here, what):
    name, made, status, says = TEXTS[what]
    content = made if isinstance(made, bytes) else b""
    if name != "-" and made is not None:
        (here / name).write_bytes(made) if isinstance(made, bytes) else made(here / name)
    row(["train", name, *SMALL, "--out", "run"], status, says, stdin=content)
    assert (here / "run").exists() == (status == 0)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(row, here):
    (here / "text.txt").write_text("secret")
    (here / "text.txt").chmod(0)
    row(["train", "text.txt", *SMALL], 1, "text.txt cannot be read (Permission denied); check what it is and its")


@pytest.mark.parametrize("name", ["bomb.gz", "bomb.bz2", "bomb.xz", "bomb.zst"])
def test_a_bomb_is_refused_at_its_bound(row, here, monkeypatch, name):
    monkeypatch.setattr(opening, "EXPANSION_FLOOR", 100_000)
    pack = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.compress}
    (here / name).write_bytes(pack[os.path.splitext(name)[1]](bytes(3_000_000)))
    row(["train", name, *SMALL], 1, f"{name} expands to more than ")


@pytest.mark.parametrize("change", ["grows", "grows without end", "shrinks"])
@pytest.mark.parametrize("command", ["train", "score"])
def test_a_file_that_changes_its_length_while_it_is_read_is_told(row, run, here, monkeypatch, change, command):
    path = here / "text.txt"
    path.write_bytes(b"ten chars\n" * 20_000)
    monkeypatch.setattr(opening, "CHUNK", 50_000)
    taken = []

    def meanwhile(chunk):
        taken.append(chunk)
        if change == "grows without end" or len(taken) == 1:
            with path.open("r+b") as file:
                file.truncate(100) if change == "shrinks" else file.seek(0, 2) and file.write(b"ten chars\n" * 20_000)
        return chunk

    as_long = opening._as_long_as_it_was
    monkeypatch.setattr(opening, "_as_long_as_it_was", lambda file, path: map(meanwhile, as_long(file, path)))
    arguments = ["text.txt", *SMALL] if command == "train" else [run, "text.txt"]
    row([command, *arguments], 1, "text.txt changed while it was read; wait until it is whole, then try again")
    assert len(taken) < 9
