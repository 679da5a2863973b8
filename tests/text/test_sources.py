import codecs
import errno
import glob
import io
import os
import subprocess
import sys
import unicodedata
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charrnn.errors import ConfigError, SourceError
from charrnn.text.decoding import characters
from charrnn.text.opening import CHUNK
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


@pytest.fixture
def odd_folder(folder):
    """A folder f with one text and one of each kind of thing that is left out."""
    write(folder, f__a="a", f__sub__b="b", f__bin=b"\0", secret="no")
    write(folder / "f", **{".hidden": "no"})
    os.mkfifo(folder / "f/pipe")
    for name, target in {"out": "../secret", "dead": "nowhere", "sub/up": "..", "self": "self"}.items():
        (folder / "f" / name).symlink_to(target)
    return folder


def test_what_is_no_text_in_a_folder_is_left_out_and_each_kind_is_counted(odd_folder):
    text = read(["f"])
    assert text.characters == "a\nb"
    assert sorted(text.notes) == [
        "binary files left out of f: 1 (bin)",
        "hidden files and folders left out of f: 1 (.hidden)",
        "links in f that lead out of it or nowhere, not followed: 3 (dead, out, self)",
        "links in f to what is read already, not followed: 1 (sub/up)",
        "pipes, devices and dead links in f not opened: 1 (pipe)",
    ]


def test_of_many_that_are_left_out_the_first_few_are_named(folder):
    write(folder, f__a="a", **{f"f__{n}": "\0" for n in range(1200)})
    assert read(["f"]).notes == ("binary files left out of f: 1,200 (0, 1, 10, …)",)


def test_two_folders_that_link_each_other_are_read_once(folder):
    write(folder, f__a__x="x", f__b__y="y")
    (folder / "f/a/to").symlink_to("../b")
    (folder / "f/b/to").symlink_to("../a")
    text = read(["f"])
    assert text.characters == "y\nx"  # a/to/y, x
    assert text.notes == ("links in f to what is read already, not followed: 1 (a/to/to)",)


def test_folders_that_all_link_one_another_are_each_read_once(folder):
    names = [chr(ord("a") + n) for n in range(12)]
    for name in names:
        write(folder, **{f"f__{name}__text": name})
        for other in names:
            (folder / "f" / name / other).symlink_to(f"../{other}")
    assert sorted(read(["f"]).characters.split()) == names


def test_a_link_to_what_is_hidden_is_followed_and_two_links_to_one_file_are_one(folder):
    write(folder, **{"f__.data__x": "x", "f__.data__y": "y"})
    for name, target in {"a": ".data", "b": ".data", "c": ".data/x", "d": "e"}.items():
        (folder / "f" / name).symlink_to(target)
    write(folder, f__e="e")
    text = read(["f"])
    assert text.characters == "x\ny\ne"
    assert "links in f to what is read already, not followed: 2 (b, c)" in text.notes


@pytest.fixture
def dig(folder):
    """A function that makes folders of these names in each other, and a file in the last, however long its path is."""

    def make(names):
        above = os.open(folder, os.O_RDONLY)
        for name in names:
            os.mkdir(name, dir_fd=above)
            above, last = os.open(name, os.O_RDONLY, dir_fd=above), above
            os.close(last)
        with os.fdopen(os.open("deep.txt", os.O_CREAT | os.O_WRONLY, dir_fd=above), "w") as file:
            file.write("deep")
        os.close(above)

    yield make
    subprocess.run(["rm", "-rf", folder / "f"], check=True)  # Python's own rmtree may not reach so deep


EITHER = pytest.mark.parametrize("source", ["f", "f/**/*.txt"])


@EITHER
def test_folders_a_thousand_levels_deep_are_read(dig, source):
    dig(["f", *["d"] * 1100])
    assert read([source]).characters == "deep"


@EITHER
@pytest.mark.parametrize("names", [["d" * 250] * 20, ["d" * 250] * 16 + ["d" * 73]], ids=["folder", "file"])
def test_a_path_that_is_too_long_for_the_system_is_an_error_of_one_short_line(dig, source, names):
    dig(["f", *names])
    with pytest.raises(SourceError, match=r"f/d+…, a path of 4,\d+ characters, is too long .*; name a folder") as error:
        read([source])
    assert len(str(error.value)) < 200


@EITHER
def test_a_folder_that_cannot_be_read_is_an_error_that_names_it(folder, monkeypatch, source):
    def scandir(path, scandir=os.scandir):
        if str(path).endswith("sub"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    write(folder, f__sub__a="a")
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(SourceError, match=r"f/sub cannot be read \(Permission denied\); check its permissions"):
        read([source])


def test_a_folder_that_is_a_link_itself_is_read(folder):
    write(folder, f__a="a")
    (folder / "link").symlink_to("f")
    assert read(["link"]) == Text("f", "a")


@pytest.mark.parametrize("source", ["pipe", "/dev/zero"])
def test_a_pipe_or_device_is_refused_without_being_opened(folder, source):
    os.mkfifo(folder / "pipe")
    with pytest.raises(SourceError, match=f"{source} is no regular file; give a file, or pipe its content in"):
        read([source])


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
    assert text.notes == ("binary files left out of f: 2 (b, c)",)


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


@pytest.mark.parametrize(
    "links", [{"f/loop": "."}, {"f/d/loop": "../.."}, {"f/other": "d"}, {"f/x": "d", "f/d/y": "../d"}]
)
def test_two_stars_follow_no_links_to_folders_and_say_so(folder, links):
    write(folder, **{"f__a.txt": "a", "f__d__b.txt": "b"})
    for name, target in links.items():
        (folder / name).symlink_to(target)
    text = read(["f/**/*.txt"])
    assert text.characters == "a\nb"
    assert text.notes == (f"links to folders that f/**/*.txt does not follow: {len(links)} ({', '.join(links)})",)


def test_a_glob_gives_each_file_once_and_a_link_that_it_names_is_followed(folder):
    write(folder, **{"d__b.txt": "b", "a.txt": "a"})
    (folder / "e").symlink_to("d")
    (folder / "c.txt").symlink_to("a.txt")
    text = read(["*/*.txt"])
    assert (text.characters, text.notes) == (
        "b",
        ("links in */*.txt to what is read already, not followed: 1 (e/b.txt)",),
    )
    assert read(["*.txt"]).characters == "a"
    assert read(["e/**/*.txt"]).characters == "b"


GLOBS = [
    "**",
    "**/*",
    "**/*.txt",
    "**/b/*",
    "a/**/*.txt",
    "*/**/*.txt",
    "**/a/**/*.txt",
    "./**/**/?.txt",
    "**/x.txt",
    "a/**",
]


@pytest.mark.parametrize("pattern", GLOBS)
@pytest.mark.parametrize("absolute", [False, True])
def test_where_there_are_no_links_a_glob_is_what_python_says(folder, pattern, absolute):
    for name in ("x.txt", "a/x.txt", "a/a/y.txt", "a/b/b/z.txt", "b/a/c/x.txt", "b/.h/x.txt", "b/.y.txt"):
        write(folder, **{name.replace("/", "__"): name})
    pattern = str(folder / pattern) if absolute else pattern
    expected = sorted({os.path.normpath(p) for p in glob.glob(pattern, recursive=True) if os.path.isfile(p)})
    assert read([pattern]).characters.split() == [os.path.relpath(path, folder) for path in expected]


def test_a_file_whose_name_looks_like_a_glob_is_read(folder):
    write(folder, **{"[a]": "brackets", "a": "no"})
    assert read(["[a]"]).characters == "brackets"


def test_a_glob_that_matches_nothing_is_an_error(folder):
    with pytest.raises(SourceError, match=r"no text files are in \*\.txt;"):
        read(["*.txt"])


def test_stdin_is_named_once_for_it_is_read_once():
    with pytest.raises(SourceError, match="stdin is named more than once"):
        read(["-", "python", "-"])


def test_a_dash_is_stdin(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("né\r\n".encode())))
    text = read(["-"])
    assert (text.name, text.characters) == ("stdin", "né\n")
    assert text.notes == ("1 line end of stdin (CRLF or CR) read as LF",)


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


PROSE = {
    "cp1252": "Le café est fermé. Nous avons mangé des crêpes à la crème, puis nous sommes allés à la plage.",
    "cp1251": "Это русский текст в старой кодировке; его надо прочитать.",
    "cp932": "これは日本語の文章です。文字コードを推測してください。",
}


@pytest.mark.parametrize("encoding", PROSE)
def test_a_text_in_another_encoding_is_an_error_that_guesses_which(folder, encoding):
    write(folder, a=("plain\n" * 3000 + PROSE[encoding]).encode(encoding))
    place = next(i for i, byte in enumerate((folder / "a").read_bytes()) if byte > 127)
    with pytest.raises(SourceError, match=f"byte {place} .* perhaps it is --encoding {encoding};"):
        read(["a"])


@pytest.mark.parametrize("place", [0, 5, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 7])
def test_the_place_of_a_bad_byte_is_right_however_far_in(folder, place):
    write(folder, a=b"x" * place + b"\xff" + b"x" * 9)
    with pytest.raises(SourceError, match=rf"byte {place} \(0xff\)"):
        read(["a"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_the_byte_order_mark_tells_the_encoding(folder, encoding):
    write(folder, a="Grüße 😀\n".encode(encoding))
    assert read(["a"]) == Text("a", "Grüße 😀\n")


@pytest.mark.parametrize(("encoding", "mark"), [("utf-16-be", codecs.BOM_UTF16_BE), ("utf-32-be", codecs.BOM_UTF32_BE)])
def test_big_endian_marks_are_known_too_and_in_a_folder_no_sign_of_a_binary_file(folder, encoding, mark):
    write(folder, f__a=mark + "a😀".encode(encoding))
    assert read(["f"]) == Text("f", "a😀")


def test_utf_16_without_a_mark_asks_for_its_byte_order(folder):
    write(folder, a="ab".encode("utf-16-le"))
    told = "a has no byte order mark, .*; name the byte order too, --encoding utf-16-le or utf-16-be"
    for errors in ("strict", "replace"):
        with pytest.raises(SourceError, match=told):
            read(["a"], Reading("utf-16", errors))
    assert read(["a"], Reading("utf-16-le")).characters == "ab"


def test_what_does_not_decode_is_replaced_on_request_and_counted_apart_from_a_true_replacement_character(folder):
    write(folder, a="true \ufffd, ".encode() + b"false \xff \xe2\x82 end")
    text = read(["a"], Reading(errors="replace"))
    assert text.characters == "true \ufffd, false \ufffd \ufffd end"
    assert text.notes == ("2 places in a did not decode as utf-8, read as U+FFFD",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-le", "shift_jis", "gb18030", "utf-7", "cp1252"])
@given(content=st.binary(min_size=1))
def test_with_replacement_any_bytes_are_a_text(encoding, content):
    pieces = characters([content], Reading(encoding, "replace"), "any", [])
    with suppress(SourceError):  # UTF-16 without a mark
        "".join(pieces).encode()


def test_line_ends_are_kept_on_request(folder):
    write(folder, a="1\r\n2\r3\n")
    assert read(["a"], Reading(newlines="keep")) == Text("a", "1\r\n2\r3\n")


@pytest.mark.parametrize(("form", "expected"), [(None, "e\u0301ﬁ"), ("nfc", "éﬁ"), ("nfkc", "éfi")])
def test_a_text_is_normalised_on_request(folder, form, expected):
    write(folder, a="e\u0301ﬁ")
    assert read(["a"], Reading(normalize=form)).characters == expected


JOINING = "a\u0301\u0327\u1100\u1161\u11a8\uac00e\uff76\uff9e\u304b\u3099\u0bc6\u0bbe\n中กุ\u09c7\u09be"
ANY = st.one_of(st.sampled_from(JOINING), st.characters(exclude_categories=("Cs",)), st.characters(categories=("M",)))


@given(st.text(ANY, max_size=40), st.integers(1, 9), st.sampled_from(["nfc", "nfkc"]))
def test_a_text_in_pieces_is_normalised_as_if_it_were_one(text, size, form):
    content = text.encode("utf-32-le")
    chunks = [content[i : i + 4 * size] for i in range(0, len(content), 4 * size)]
    pieces = characters(chunks, Reading("utf-32-le", newlines="keep", normalize=form), "any", [])
    assert "".join(pieces) == unicodedata.normalize(form.upper(), text.removeprefix("\ufeff"))


@pytest.mark.parametrize("form", ["nfc", "nfkc"])
@pytest.mark.parametrize("words", ["ภาษาไทยกำลังดี", "देवनागरी", "မြန်မာ", "ខ្មែរ", "é", "עִבְרִית"])
def test_a_text_without_spaces_is_normalised_as_it_comes_whatever_its_script(words, form):
    chunks = [(words * 50).encode()] * 20
    pieces = list(characters(chunks, Reading(normalize=form), "any", []))
    assert max(map(len, pieces)) <= len(unicodedata.normalize(form.upper(), words * 51))


def test_marks_that_join_without_end_are_normalised_as_one():
    text = "e" + "\u0301\u0323" * 600
    pieces = characters([text[i : i + 7].encode() for i in range(0, len(text), 7)], Reading(normalize="nfc"), "any", [])
    assert "".join(pieces) == unicodedata.normalize("NFC", text)


@given(st.text(st.sampled_from("a\r\né😀"), max_size=30), st.integers(4, 9))
def test_a_text_in_pieces_is_read_as_the_whole(text, size):
    content, whole, pieces = text.encode(), [], []
    one = "".join(characters([content], Reading(), "any", whole))
    many = "".join(characters([content[i : i + size] for i in range(0, len(content), size)], Reading(), "any", pieces))
    assert (one, whole) == (many, pieces)


@pytest.mark.parametrize(
    ("choices", "message"),
    [({"errors": "ignore"}, "errors is 'ignore'"), ({"newlines": "crlf"}, "newlines"), ({"normalize": "nfd"}, "nfkc")],
)
def test_a_reading_choice_that_does_not_exist_is_named(choices, message):
    with pytest.raises(ConfigError, match=message):
        Reading(**choices)


def test_an_encoding_that_is_named_is_used(folder):
    write(folder, a=b"caf\xe9")
    assert read(["a"], Reading("latin-1")).characters == "café"


@pytest.mark.parametrize("encoding", ["klingon", "hex", "", "utf-8\0", "\ud800", "idna", "punycode"])
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
    assert text.notes == ("4 line ends of a (CRLF or CR) read as LF",)


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


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("line", ["plain words in a row\n", "Привет, добрый старый мир\n", "простые слова в ряд\n"])
def test_a_wide_encoding_without_a_mark_is_named_and_not_read_as_utf8(tmp_path, encoding, line):
    path = tmp_path / "wide.txt"
    path.write_bytes((line * 2000).encode(encoding))
    with pytest.raises(SourceError, match=f"--encoding {encoding}"):
        read([str(path)])
    assert read([str(path)], Reading(encoding=encoding)).characters == line * 2000


@pytest.mark.parametrize("text", ["a\0b\0\0c", "name\0value\0\n" * 100, "\0" * 10, "ab\0" * 500 + "x"])
def test_a_text_with_zeros_is_read_as_it_is(tmp_path, text):
    path = tmp_path / "zeros.txt"
    path.write_bytes(text.encode())
    assert read([str(path)]).characters == text


def test_of_many_files_each_kind_of_change_is_told_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(300):
        Path(f"{number:03}.txt").write_bytes(b"a\r\nb\r\n" if number % 3 else b"\xff\r\n")
    text = read([str(path) for path in sorted(tmp_path.iterdir())], Reading(errors="replace"))
    first, second = text.notes
    assert "500 line ends of 300 texts" in first + second
    assert "100 places in 100 texts" in first + second
    assert len(text.notes) == 2
    assert all(note.count(".txt") == 3 for note in text.notes)
