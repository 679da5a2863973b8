"""A corpus is fetched whole and checked, or not at all."""

import errno
import os
import threading
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from charrnn.errors import SourceError
from charrnn.text import store
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.sources import read

WHOLE = "Eins\n\nZwö\n" + "Drei" * 100
ONE = "poems/one.txt"
SHARED = Path(os.environ.get("CHARRNN_SHARED", Path(__file__).parents[3] / "shared"))
MIRROR = SHARED / "corpora" / "mirror"


def nothing_is_left():
    return not store.folder().exists() or not list(store.folder().iterdir())


def fails(server, poems, match):
    with pytest.raises(SourceError, match=match) as caught:
        store.fetch(poems, server.url)
    assert "\n" not in str(caught.value)
    assert nothing_is_left()


def test_a_corpus_is_its_files_joined_in_their_order(server, poems):
    assert not store.is_here(poems)
    path = store.fetch(poems, server.url)
    assert store.is_here(poems)
    assert path.read_text("utf-8") == store.load(poems) == WHOLE
    assert list(store.folder().iterdir()) == [path]
    assert sorted(server.asked) == sorted(server.contents)


def test_every_byte_that_arrives_is_counted(server, poems):
    counts = []
    store.fetch(poems, server.url, counts.append)
    assert sum(counts) == CATALOGUE[poems].download_bytes


def test_a_mirror_is_a_folder_as_well(server, poems, tmp_path):
    for name, content in server.contents.items():
        (tmp_path / "mirror" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mirror" / name).write_bytes(content)
    store.fetch(poems, str(tmp_path / "mirror"))
    assert store.load(poems) == WHOLE
    assert server.asked == []


def test_a_folder_without_the_files_is_an_error(poems, tmp_path):
    with pytest.raises(SourceError, match=r"the mirror has no file .*; give --mirror a folder or URL"):
        store.fetch(poems, str(tmp_path))
    assert nothing_is_left()


def test_a_mirror_with_a_file_that_is_far_larger_is_not_copied(poems, tmp_path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for file in CATALOGUE[poems].files:
        (mirror / file.path).parent.mkdir(parents=True, exist_ok=True)
        with open(mirror / file.path, "wb") as whole:
            whole.truncate(2**42)  # a hole
    with pytest.raises(SourceError, match="is not the file of the catalogue"):
        store.fetch(poems, str(mirror))
    assert nothing_is_left()


def test_a_redirect_on_the_same_host_is_followed(server, poems):
    def moved(handler, content):
        handler.send_response(302)
        handler.send_header("Location", "/moved")
        handler.end_headers()

    server.contents["moved"] = server.contents[ONE]
    server.answer[ONE] = moved
    store.fetch(poems, server.url)
    assert store.load(poems) == WHOLE


def test_without_a_network_the_error_names_two_ways_on(poems):
    with pytest.raises(SourceError, match=r"no connection.*'charrnn corpus get poems --mirror .*'python'"):
        store.fetch(poems)
    assert nothing_is_left()


def test_a_full_disk_is_an_error(server, poems, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SourceError, match=r"poems cannot be kept in .*No space left.*; make room .*CHARRNN_CORPORA"):
        store.fetch(poems, server.url, full)
    assert nothing_is_left()
    monkeypatch.setattr(store.Path, "write_bytes", full)
    fails(server, poems, "poems cannot be kept in .*No space left")


def test_files_that_make_another_text_are_an_error(server, poems, monkeypatch):
    monkeypatch.setattr(type(CATALOGUE[poems]), "prepare", lambda self, contents: "something else")
    fails(server, poems, "the text made from the files of poems is not the catalogue's")


def test_a_workshop_without_a_lock_is_removed_when_it_is_old(server, poems):
    old, new = store.folder() / ".poems.12345678", store.folder() / ".poems.abcdefgh"
    for workshop in (old, new):
        workshop.mkdir(parents=True)
    os.utime(old, (1, 1))
    store.fetch(poems, server.url)
    assert not old.exists()
    assert new.exists()


def test_a_corpus_that_is_not_here_is_an_error_that_says_how_to_get_it(poems):
    with pytest.raises(SourceError, match="poems is not here yet; fetch it with 'charrnn corpus get poems'"):
        read([poems])


def test_a_changed_text_is_never_taken_for_the_corpus(server, poems):
    path = store.fetch(poems, server.url)
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(SourceError, match=r"is not the text of the corpus poems .*; move it away"):
        store.load(poems)


def test_a_corpus_read_brings_its_name_licence_and_source(server, poems):
    store.fetch(poems, server.url)
    text = read([poems])
    assert (text.name, text.licence, text.source) == ("poems", "CC0-1.0", "http://127.0.0.1:1/poems")


def test_texts_are_kept_in_corpora_where_there_is_such_a_folder_else_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("CHARRNN_CORPORA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert store.folder().is_absolute()
    assert "charrnn" in store.folder().parts
    (tmp_path / "corpora").mkdir()
    assert store.folder() == Path("corpora")


@pytest.mark.skipif(not MIRROR.is_dir(), reason="a copy of the corpora's files is not at hand ($CHARRNN_SHARED)")
@pytest.mark.parametrize("name", ["shakespeare", "tolstoy", "kernel", "names", "movie-reviews", "cmudict"])
def test_the_real_corpora_come_from_a_server_as_the_catalogue_says(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CORPORA", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *arguments: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=MIRROR)) as http:
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}).start()
        path = store.fetch(name, f"http://127.0.0.1:{http.server_port}")
        http.shutdown()
    corpus, text = CATALOGUE[name], store.load(name)
    assert sha256(path.read_bytes()).hexdigest() == corpus.sha256
    assert (len(text), len(set(text))) == (corpus.characters, corpus.distinct)
