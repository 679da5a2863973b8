"""A large file's text is encoded once and found again by what is in it, whatever became of the file or the cache."""

import errno
import gzip
import io
import json
import mmap
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from charrnn.errors import SourceError
from charrnn.text import cache, cache_files, encoding, opening
from charrnn.text.cache_files import seal
from charrnn.text.corpus import Corpus
from charrnn.text.encoding import encode_aside
from charrnn.text.reading import DEFAULT, Reading
from charrnn.text.sources import Text, listed, read

TEXT = "Grüße 你好 😀 über alles\r\n" * 50


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The cache's folder, which is not there yet; any text is large, and files are known once they are written."""
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_SETTLED", 0)
    monkeypatch.setattr(cache, "LARGE", 1)
    return tmp_path / "cache"


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.txt"
    path.write_bytes(TEXT.encode())
    return path


@pytest.fixture
def reads(monkeypatch):
    """The files that were opened, and how often a text was encoded."""
    calls = {"opened": 0, "encoded": 0}
    for module, name, counted in ((cache, "encode", "encoded"), (opening, "raw", "opened"), (cache, "raw", "opened")):
        of = vars(module)[name]

        def counting(*arguments, _counted=counted, _of=of):
            calls[_counted] += 1
            return _of(*arguments)

        monkeypatch.setattr(module, name, counting)
    return calls


def corpus_of(path, **options):
    reading = options.pop("reading", DEFAULT)
    return Corpus.from_listing(listed([str(path)], reading), reading, **options)


def characters(corpus):
    return "".join(corpus.vocabulary.decode(ids) for ids in corpus.parts.values())


def same(one, other):
    return (characters(one), one.vocabulary.characters, one.split, one.sha256, one.notes, one.name, one.folded) == (
        characters(other),
        other.vocabulary.characters,
        other.split,
        other.sha256,
        other.notes,
        other.name,
        other.folded,
    )


@pytest.mark.parametrize("min_count", [1, 60])
@pytest.mark.parametrize("reading", [DEFAULT, Reading(newlines="keep"), Reading("latin-1", normalize="nfkc")])
def test_a_corpus_from_a_file_is_that_of_its_text(place, book, reading, min_count):
    expected = Corpus.from_text(read([str(book)], reading), 0.2, 0.1, min_count)
    for _ in ("first", "second"):
        assert same(
            corpus_of(book, reading=reading, val_fraction=0.2, test_fraction=0.1, min_count=min_count), expected
        )


def test_a_second_start_opens_nothing(place, book, reads):
    first, opened = corpus_of(book), dict(reads)
    assert same(corpus_of(book), first)
    assert reads == opened == {"opened": 1, "encoded": 1}


def test_a_file_that_was_touched_or_copied_is_found_after_one_pass(place, book, reads, tmp_path):
    corpus_of(book)
    os.utime(book, (1, 1))
    copy = Path(shutil.copy(book, tmp_path / "copy.txt"))
    for path in (book, copy, book, copy):
        assert characters(corpus_of(path)) == TEXT.replace("\r", "")
    assert reads == {"opened": 3, "encoded": 1}


def test_a_changed_file_is_another_text_even_at_the_same_size_and_time(place, book):
    before = corpus_of(book)
    times = book.stat().st_mtime_ns
    book.write_bytes(TEXT.encode().replace(b"alles", b"nicht"))
    os.utime(book, ns=(times, times))
    after = corpus_of(book)
    assert "nicht" in characters(after)
    assert characters(before) == TEXT.replace("\r", "")
    assert after.sha256 != before.sha256


def test_a_file_changed_a_moment_ago_is_not_known_by_its_stamp(place, book, reads, monkeypatch):
    monkeypatch.setattr(cache, "_SETTLED", 10**18)
    corpus_of(book)
    corpus_of(book)
    assert reads == {"opened": 2, "encoded": 1}


def test_each_way_of_reading_is_kept_apart(place, book, reads):
    for reading, min_count in [(DEFAULT, 1), (Reading("latin-1"), 1), (Reading(newlines="keep"), 1), (DEFAULT, 60)]:
        corpus_of(book, reading=reading, min_count=min_count)
    assert reads["encoded"] == 4
    corpus_of(book, reading=Reading("latin-1"))
    assert reads["encoded"] == 4


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "flipped": flip,
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "emptied": lambda path: os.truncate(path, 0),
    "gone": lambda path: path.unlink(),
    "no file": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("kind", ["*.ids", "*.entry", cache_files.FILES])
@pytest.mark.parametrize("damage", [name for name in DAMAGE if name != "no file"])
def test_a_damaged_cache_is_noticed_and_made_again(place, book, reads, kind, damage):
    first = corpus_of(book)
    (damaged,) = place.glob(kind)
    DAMAGE[damage](damaged)
    expected = Corpus.from_text(read([str(book)]))
    again = corpus_of(book)
    named, told = damaged if kind != "*.ids" else next(place.glob("*.entry")), [*expected.notes]
    if damage != "gone" or kind == "*.ids":
        told.append(f"{named} was damaged and is dropped; what it held is made anew when it is needed")
    assert same(again, replace(expected, notes=tuple(told)))
    encoded = reads["encoded"]
    assert encoded == (1 if kind == cache_files.FILES else 2)
    assert same(corpus_of(book), expected)
    assert reads["encoded"] == encoded
    assert first.sha256 == expected.sha256


def test_the_texts_not_used_for_longest_are_dropped_beyond_the_limit(place, tmp_path, monkeypatch, reads):
    monkeypatch.setattr(cache, "LIMIT", 2500)
    books = [tmp_path / name for name in "abc"]
    for path in books:
        path.write_text(path.name * 500 + "xyz" * 200)
        corpus_of(path)
        for entry in place.glob("*.entry"):
            os.utime(entry, (entry.stat().st_mtime - 100,) * 2)
        corpus_of(books[0])  # used now
    assert sum(file.stat().st_size for file in place.glob("*.ids")) == 2200
    assert reads["encoded"] == 3
    corpus_of(books[0])
    corpus_of(books[2])
    assert reads["encoded"] == 3
    corpus_of(books[1])
    assert reads["encoded"] == 4


def test_what_a_killed_run_left_is_removed_when_it_is_old(place, book, tmp_path):
    place.mkdir()
    old, new = (place / f".{'0' * 32}.ids.{drawn}.tmp" for drawn in ("abcdefgh", "ijklmnop"))
    stray = place / f"{'0' * 32}.ids"
    for file in (old, new, stray):
        file.write_bytes(b"x")
    for file in (old, stray):
        os.utime(file, (1, 1))
    corpus_of(book)
    assert [file.exists() for file in (old, new, stray)] == [False, True, False]


def test_what_is_not_the_caches_own_stays_in_its_folder_as_it_is(place, book):
    place.mkdir()
    names = ("thesis.ids", "todo.entry", "files", ".draft.tmp", ".files.tmp", f"{'A' * 32}.entry")
    own, folder = [place / name for name in names], place / f"{'0' * 32}.ids"
    folder.mkdir()
    for file in own:
        file.write_text("mine")
    for path in (*own, folder):
        os.chmod(path, 0o755)
        os.utime(path, (1, 1))
    assert not any("dropped" in note for note in corpus_of(book).notes)
    for finding in cache_files.examined(place):
        if finding.removable:
            finding.remove()
    assert {file.read_text() for file in own} == {"mine"}
    assert {path.stat().st_mode & 0o777 for path in (*own, folder)} == {0o755}


def test_a_fault_in_the_text_leaves_nothing_behind(place, tmp_path):
    (tmp_path / "bad").write_bytes(b"x" * 5000 + b"\xff")
    with pytest.raises(SourceError, match=r"byte 5000 \(0xff\) does not decode"):
        corpus_of(tmp_path / "bad")
    assert list(place.iterdir()) == []


def test_a_file_that_changes_while_it_is_read_is_an_error(place, book):
    with pytest.raises(SourceError, match="changed while it was read; wait"):
        corpus_of(book, on_bytes=lambda count: book.write_bytes(b"other"))
    assert list(place.glob("*.entry")) == []


def test_a_cache_that_cannot_be_written_is_an_error_that_names_another(place, book, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "file"))
    with pytest.raises(SourceError, match=r"cannot be kept in .*file.*or name another folder with CHARRNN_CACHE"):
        corpus_of(book)


def sources_of_one_text(folder):
    """Ways to name the same files, and all that such a text may be made of."""
    (folder / "many/b").mkdir(parents=True)
    (folder / "many/a.txt").write_bytes(TEXT.encode() + b"no end of line")
    (folder / "many/b/c.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    (folder / "many/empty.txt").touch()
    (folder / "many/picture").write_bytes(b"\0")
    (folder / "many/.hidden").touch()
    names = [str(folder / "many" / name) for name in ("a.txt", "b/c.txt.gz", "empty.txt")]
    return {"files": names, "folder": [str(folder / "many")], "glob": [str(folder / "many/**/*.txt*")]}


@pytest.mark.parametrize("kind", ["files", "folder", "glob"])
def test_many_files_are_one_text_that_is_found_again(place, tmp_path, reads, kind):
    sources = sources_of_one_text(tmp_path)[kind]
    expected = Corpus.from_text(read(sources))
    for _ in ("first", "second"):
        assert same(Corpus.from_listing(listed(sources)), expected)
    assert reads["encoded"] == 1


def test_the_same_files_named_otherwise_are_found_too(place, tmp_path, reads):
    for sources in sources_of_one_text(tmp_path).values():
        Corpus.from_listing(listed(sources))
    assert reads["encoded"] == 1


@pytest.mark.parametrize(
    ("one", "other"), [(["ab", "c"], ["a", "bc"]), (["ab", "c"], ["c", "ab"]), (["abc"], ["ab", "c"])]
)
def test_where_a_file_ends_belongs_to_the_text(place, tmp_path, one, other):
    for names in (one, other):
        for name in names:
            (tmp_path / name).write_text(name)
        paths = [str(tmp_path / name) for name in names]
        assert characters(Corpus.from_listing(listed(paths))) == "\n".join(names)


def test_the_bytes_of_a_packed_text_are_no_text_under_another_name_though_it_is_kept_already(place, tmp_path):
    for name in ("a.gz", "a"):
        (tmp_path / name).write_bytes(gzip.compress(b"text"))
    assert characters(corpus_of(tmp_path / "a.gz", reading=Reading("latin-1", newlines="keep"))) == "text"
    with pytest.raises(SourceError, match="a is compressed by gzip, no text"):
        corpus_of(tmp_path / "a", reading=Reading("latin-1", newlines="keep"))


def test_a_file_of_many_that_has_changed_makes_another_text(place, tmp_path):
    sources = sources_of_one_text(tmp_path)["files"]
    before = Corpus.from_listing(listed(sources))
    (tmp_path / "many/empty.txt").write_text("no more")
    assert characters(Corpus.from_listing(listed(sources))) == characters(before) + "no more"


def test_a_text_is_large_by_all_its_files_and_by_what_is_packed_in_them(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "LARGE", 1000)
    for name, size in (("a", 600), ("b", 399), ("c", 1), ("p.gz", 250), ("q.gz", 249)):
        (tmp_path / name).write_bytes(bytes(size))
    large = {
        names: cache.is_large([tmp_path / name for name in names.split()]) for names in ("a b", "a b c", "p.gz", "q.gz")
    }
    assert large == {"a b": False, "a b c": True, "p.gz": True, "q.gz": False}


@pytest.mark.parametrize("min_count", [1, 60])
def test_a_large_text_that_is_no_file_is_encoded_without_being_held(monkeypatch, min_count):
    monkeypatch.setattr(encoding, "IN_MEMORY", 500)
    told = ("50 line ends of stdin (CRLF or CR) read as LF",)
    expected = Corpus.from_text(Text("stdin", TEXT.replace("\r", ""), notes=told), min_count=min_count)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(TEXT.encode())))
    corpus = Corpus.from_listing(listed(["-"]), min_count=min_count)
    assert same(corpus, expected)
    assert isinstance(held_by(corpus.parts["train"]), mmap.mmap)


def held_by(ids):
    """What the memory of an array belongs to."""
    while isinstance(ids, np.ndarray):
        ids = ids.base
    return ids


def test_where_there_is_no_room_for_a_large_text_the_error_names_another_folder(monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(encoding, "encode", full)
    with pytest.raises(SourceError, match=r"there is no room for it in .*; make room there, or .* TMPDIR"):
        encode_aside(["text"])


def test_an_empty_text_is_an_error(place, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(SourceError, match="there is no text in"):
        corpus_of(tmp_path / "empty")


def forged(entry, **changes):
    """Seal an entry again with some of its values changed, as anybody can who may write to the cache."""
    kept = json.loads(entry.read_bytes().partition(b"\n")[2])
    kept["encoded"].update(changes.pop("encoded", {}))
    seal(entry, kept | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": "../book.txt"},
        {"ids": "../../etc/passwd"},
        {"ids": f"{'0' * 32}.ids\n"},
        {"stamp": []},
        {"encoded": {"id_type": "O"}},
        {"encoded": {"id_type": "float64"}},
        {"encoded": {"codes": []}},
        {"encoded": {"codes": [0xD800]}},
        {"encoded": {"codes": [10**9]}},
        {"encoded": {"codes": [65]}},
        {"encoded": {"length": 10**12}},
    ],
    ids=str,
)
def test_a_forged_entry_is_dropped_with_a_note_and_deletes_nothing(place, book, tmp_path, changes):
    before = corpus_of(book)
    (entry,) = place.glob("*.entry")
    forged(entry, **changes)
    other = tmp_path / "other.txt"
    other.write_text("something else, long enough to be split into parts\n" * 50)
    os.utime(entry, (0, 0))
    told, after = corpus_of(book).notes, corpus_of(other)
    assert f"{entry} was damaged and is dropped; what it held is made anew when it is needed" in told
    assert book.exists()
    assert corpus_of(book).vocabulary.characters == before.vocabulary.characters
    assert after.vocabulary.characters != before.vocabulary.characters


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among its files")
@pytest.mark.parametrize("name", [cache_files.FILES, f"{'0' * 32}.entry"])
def test_a_pipe_or_an_endless_file_in_the_cache_is_not_waited_for(place, book, name):
    place.mkdir()
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        (place / name).unlink(missing_ok=True)
        make(place / name)
        assert any(f"{place / name} was damaged and is dropped" in note for note in corpus_of(book).notes)


@pytest.mark.parametrize("ids", ["../thesis.txt", "../../etc/passwd"])
def test_trimming_follows_no_name_out_of_the_cache(place, book, tmp_path, monkeypatch, ids):
    corpus_of(book)
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("three years")
    (entry,) = place.glob("*.entry")
    forged(entry, ids=ids)
    monkeypatch.setattr(cache, "LIMIT", 0)
    cache._trim(place, "")
    assert thesis.read_text() == "three years"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_what_holds_a_text_is_its_owners_alone(place, book):
    corpus_of(book)
    assert place.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in place.iterdir()} == {0o600}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize("named", [True, False])
def test_a_cache_that_an_older_version_left_open_is_closed_and_that_is_told_once(place, book, monkeypatch, named):
    if not named:
        monkeypatch.setenv("XDG_CACHE_HOME", str(place.parent))
        monkeypatch.delenv("CHARRNN_CACHE")
        place = place.parent / "charrnn/encoded"
    before = corpus_of(book)
    for path in (place, *place.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    told = f"the cache in {place} could be read by other users and is closed to them now"
    assert corpus_of(book).notes == (*before.notes, told)
    assert corpus_of(book).notes == before.notes
    assert {file.stat().st_mode & 0o777 for file in place.iterdir()} == {0o600}
    assert place.stat().st_mode & 0o777 == (0o755 if named else 0o700)  # what is named may serve others too


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_cache_that_every_user_can_write_to_is_neither_read_nor_written_but_where_that_is_allowed(
    place, book, reads, monkeypatch
):
    before = corpus_of(book)
    place.chmod(0o777)
    files = sorted((file, file.stat().st_mtime_ns) for file in place.iterdir())
    refused = corpus_of(book)
    assert refused.notes[0].startswith(f"the text is not kept for the next time: every user can write to {place}; ")
    assert same(replace(refused, notes=before.notes), before)
    assert sorted((file, file.stat().st_mtime_ns) for file in place.iterdir()) == files
    monkeypatch.setenv("CHARRNN_SAFE_FOLDERS", str(place))
    assert same(corpus_of(book), before)
    assert reads["encoded"] == 1  # by the cache
