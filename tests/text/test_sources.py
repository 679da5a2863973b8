import io
import sys
from contextlib import suppress
from hashlib import sha256
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charrnn.errors import SourceError
from charrnn.text.reading import Reading
from charrnn.text.sources import Text, read


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that is also the working folder, so that names in messages are short."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, **contents):
    for name, content in contents.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_a_file_is_its_characters(folder):
    write(folder, poem="Grüße\n\tan 😀")
    assert read(["poem"]) == Text("poem", "Grüße\n\tan 😀")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1))
def test_reading_what_was_written_gives_the_text_with_lf_line_ends(tmp_path, text):
    (tmp_path / "file").write_bytes(text.encode())
    expected = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if expected:
        assert read([str(tmp_path / "file")]).characters == expected


def test_files_are_joined_in_the_order_given_with_a_newline_where_one_is_missing(folder):
    write(folder, b="bee", a="ay\n", c="sea", d="", e="e")
    text = read(["b", "a", "c", "d", "e"])
    assert text.characters == "bee\nay\nsea\ne"
    assert text.name == "b-and-4-more"


def test_the_last_file_gets_no_newline(folder):
    write(folder, a="a", b="b")
    assert read(["a", "b"]).characters == "a\nb"


def test_a_folder_is_its_text_files_in_sorted_order(folder):
    write(folder, f__b="b", f__a__z="z", f__c="c", f__a__y="y")
    assert read(["f"]).characters == "y\nz\nb\nc"


def test_hidden_files_of_a_folder_are_left_out(folder):
    write(folder, f__a="a")
    write(folder / "f", **{".hidden": "no", ".git__config": "no"})
    assert read(["f"]).characters == "a"


def test_a_hidden_folder_that_is_named_is_read(folder):
    write(folder, **{".notes__a": "a"})
    assert read([".notes"]).characters == "a"


def test_binary_files_of_a_folder_are_left_out_and_noted(folder):
    write(folder, f__a="a", f__b=b"\x89PNG\0\0", f__c=b"x" * 8191 + b"\0")
    text = read(["f"])
    assert text.characters == "a"
    assert text.notes == ("2 binary files in f were left out",)


@pytest.mark.parametrize("content", [{}, {"f__b": b"\0"}, {"f__.h": b"h"}])
def test_a_folder_without_text_files_is_an_error(folder, content):
    (folder / "f").mkdir()
    write(folder, **content)
    with pytest.raises(SourceError, match="no text files are in f;"):
        read(["f"])


def test_a_glob_is_the_files_that_match_in_sorted_order(folder):
    write(folder, **{"b.txt": "b", "a.txt": "a", "c.md": "c", "d__e.txt": "e"})
    (folder / "z.txt").mkdir()
    assert read(["*.txt"]).characters == "a\nb"
    assert read(["**/*.txt"]).characters == "a\nb\ne"


def test_a_file_whose_name_looks_like_a_glob_is_read(folder):
    write(folder, **{"[a]": "brackets", "a": "no"})
    assert read(["[a]"]).characters == "brackets"


def test_a_glob_that_matches_nothing_is_an_error(folder):
    with pytest.raises(SourceError, match=r"no text files are in \*\.txt;"):
        read(["*.txt"])


def test_a_dash_is_stdin(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("né\r\n".encode())))
    text = read(["-"])
    assert (text.name, text.characters) == ("stdin", "né\n")
    assert text.notes == ("1 line ends of stdin (CRLF or CR) were read as LF",)


def test_a_bad_byte_is_named_with_its_place(folder):
    write(folder, a=b"abc\xffd")
    with pytest.raises(SourceError, match=r"a is not utf-8: byte 3 \(0xff\) does not decode; .*--encoding"):
        read(["a"])


@pytest.mark.parametrize("content", [b"ab\xe2\x82", b"\xf0", b"\xed\xa0\x80"])
def test_a_half_character_is_a_source_error(folder, content):
    write(folder, a=content)
    with pytest.raises(SourceError, match="does not decode"):
        read(["a"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-7", "punycode", "idna", "unicode_escape", "shift_jis"])
@pytest.mark.parametrize("content", [b"\xff", b"a\\", b"+", b"+/", b"\xfe\xff\xd8", b"xn--\xff", b"\xff\xfea"])
def test_whatever_does_not_decode_is_a_source_error_and_no_other(folder, encoding, content):
    write(folder, a=content)
    with suppress(SourceError):  # some of these bytes do decode
        assert read(["a"], Reading(encoding)).characters


def test_an_encoding_that_is_named_is_used(folder):
    write(folder, a=b"caf\xe9")
    assert read(["a"], Reading("latin-1")).characters == "café"


@pytest.mark.parametrize("encoding", ["klingon", "hex", "", "utf-8\0", "\ud800"])
def test_an_unknown_encoding_is_an_error(folder, encoding):
    write(folder, a="a")
    with pytest.raises(SourceError, match="is no text encoding; name one"):
        read(["a"], Reading(encoding))


def test_a_byte_order_mark_is_stripped_from_every_file(folder):
    write(folder, a="\ufeffay", b="\ufeffbee\ufeff")
    assert read(["a", "b"]).characters == "ay\nbee\ufeff"


def test_line_ends_become_lf_and_are_noted(folder):
    write(folder, a="1\r\n2\r3\n4\r\r\n")
    text = read(["a"])
    assert text.characters == "1\n2\n3\n4\n\n"
    assert text.notes == ("4 line ends of a (CRLF or CR) were read as LF",)


@pytest.mark.parametrize("source", ["missing.txt", "missing/deeper", "a" * 300])
def test_a_missing_file_is_an_error_that_names_it(folder, source):
    with pytest.raises(SourceError, match=source):
        read([source])


@pytest.mark.parametrize("contents", [{"a": ""}, {"a": "\ufeff"}, {"a": "", "b": ""}])
def test_a_text_without_characters_is_an_error(folder, contents):
    write(folder, **contents)
    with pytest.raises(SourceError, match="there is no text in a"):
        read(list(contents))


def test_an_empty_name_is_not_the_working_folder(folder):
    write(folder, a="a")
    with pytest.raises(SourceError):
        read([""])


def test_no_source_is_an_error():
    with pytest.raises(SourceError, match="no text was named; give a file"):
        read([])


def test_a_corpus_name_means_the_corpus_and_says_so_where_a_file_has_it(folder):
    write(folder, python="a file")
    assert read(["python"]).notes == ("'python' is the named corpus; write ./python for the file of that name",)
    assert read(["./python"]).characters == "a file"


@given(st.text(st.characters(exclude_categories=())))
def test_the_hash_is_of_the_characters_as_utf8(characters):
    expected = sha256(characters.encode("utf-8", "surrogatepass")).hexdigest()
    assert Text("any", characters).sha256 == expected
