"""`charrnn corpus`: what is fetched, what is said about it, and where it goes."""

import json
import socket
import time
from hashlib import sha256

import pytest

from charrnn.text.catalogue import CATALOGUE, NamedCorpus, SourceFile

SONG = "Row, row, row your boat\n" * 40


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A folder that holds the file of a made-up corpus named song."""
    content, folder = SONG.encode(), tmp_path / "mirror"
    folder.mkdir()
    (folder / "song.txt").write_bytes(content)
    digest = sha256(content).hexdigest()
    file = SourceFile("song.txt", digest, len(content))
    corpus = NamedCorpus("A song", "CC0-1.0", "http://127.0.0.1:1/", (file,), None, digest, len(SONG), 12)
    monkeypatch.setitem(CATALOGUE, "song", corpus)
    monkeypatch.setenv("CHARRNN_CORPORA", str(tmp_path / "kept"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    return folder


def test_get_says_what_it_fetches_and_where_the_text_is(charrnn, mirror, tmp_path):
    result = charrnn("corpus", "get", "song", "--mirror", mirror)
    assert (result.status, result.out) == (0, f"song: 960 characters in {tmp_path}/kept/song.txt\n")
    assert result.err == f"Note: fetching song (A song; 0.0 MB) into {tmp_path}/kept from {mirror}\n"
    assert (tmp_path / "kept" / "song.txt").read_text("utf-8") == SONG


@pytest.fixture
def fetching(process, tmp_path):
    """A `get` in a process of its own that waits for a server which never answers, and the folder that it works in."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        kept = tmp_path / "kept"
        get = process(
            "corpus", "get", "shakespeare", "--mirror", mirror, CHARRNN_CORPORA=str(kept), NO_PROXY="127.0.0.1"
        )
        while not list(kept.glob(".shakespeare.*/.lock")) and get.poll() is None:
            time.sleep(0.01)
        silent.settimeout(30)
        with silent.accept()[0]:  # it is connected, and so holds its lock
            yield get
            get.kill()
            get.communicate()


def test_what_a_killed_get_left_is_removed_by_the_next_and_what_a_running_one_has_is_not(
    charrnn, fetching, mirror, tmp_path
):
    charrnn("corpus", "get", "song", "--mirror", mirror)
    names = [path.name for path in (tmp_path / "kept").iterdir()]
    assert sum(name.startswith(".shakespeare.") for name in names) == 1
    fetching.kill()
    fetching.wait()
    (tmp_path / "kept/song.txt").unlink()
    (tmp_path / "kept/.own").mkdir()
    assert charrnn("corpus", "get", "song", "--mirror", mirror).status == 0
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [".own", "song.txt"]


def test_a_second_get_fetches_nothing(charrnn, mirror):
    first = charrnn("corpus", "get", "song", "--mirror", mirror)
    second = charrnn("corpus", "get", "song", "--mirror", "no/such/mirror")
    assert (second.status, second.out, second.err) == (0, first.out, "")


def test_python_is_always_here(charrnn):
    result = charrnn("corpus", "get", "python")
    assert result.status == 0
    assert result.out.startswith("python: ")
    assert result.err == ""


def test_an_unknown_name_is_an_error_before_anything_is_fetched(charrnn, mirror, tmp_path):
    result = charrnn("corpus", "get", "song", "klingon", "--mirror", mirror)
    assert result.status == 1
    assert result.err.startswith(
        "Error: there is no corpus named klingon; choose one of python, python-names, shakespeare"
    )
    assert not (tmp_path / "kept").exists()


def test_list_shows_title_licence_source_and_whether_it_is_here(charrnn, mirror):
    before = charrnn("corpus", "list")
    assert before.status == 0
    assert "960 characters, 12 distinct; CC0-1.0; http://127.0.0.1:1/song.txt" in before.out
    assert before.out.endswith("not fetched yet\n")
    charrnn("corpus", "get", "song", "--mirror", mirror)
    assert charrnn("corpus", "list").out.endswith("song.txt\n")


def test_list_as_json_is_one_object(charrnn, mirror, tmp_path):
    listed = json.loads(charrnn("corpus", "list", "--json").out)
    assert listed["folder"] == str(tmp_path / "kept")
    assert [corpus["name"] for corpus in listed["corpora"]] == list(CATALOGUE)
    assert listed["corpora"][-1]["path"] is None


def test_without_a_network_train_names_two_ways_on_in_one_line(charrnn, mirror):
    result = charrnn("train", "song")
    note, error = result.err.splitlines()
    assert result.status == 1
    assert note.startswith("Note: fetching song (A song; ")
    assert error.startswith("Error: http://127.0.0.1:1/song.txt cannot be fetched")
    assert "'charrnn corpus get song --mirror DIR_OR_URL'" in error
    assert "'python'" in error


def test_train_fetches_what_is_missing_and_keeps_licence_and_source(charrnn, mirror, tiny, monkeypatch, server_of):
    with server_of(mirror) as url:
        from dataclasses import replace

        monkeypatch.setitem(CATALOGUE, "song", replace(CATALOGUE["song"], base_url=url))
        result = charrnn("train", "song", *tiny, "--steps", 2, "--out", "run")
    assert result.status == 0, result.err
    assert result.err.startswith("Note: fetching song (A song; ")
    corpus = json.loads(charrnn("info", "run", "--json").out)["corpus"]
    assert (corpus["name"], corpus["licence"], corpus["source"]) == ("song", "CC0-1.0", f"{url}song.txt")
    assert f"{url}song.txt" in charrnn("info", "run").out


@pytest.fixture
def server_of(monkeypatch):
    """A function that serves a folder over HTTP while its block runs."""
    import threading
    from contextlib import contextmanager
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    @contextmanager
    def serve(folder):
        monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *arguments: None)
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder)) as http:
            threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}).start()
            yield f"http://127.0.0.1:{http.server_port}/"
            http.shutdown()

    return serve


def test_stats_names_every_figure(charrnn, mirror):
    result = charrnn("corpus", "stats", "-", stdin=b"ab\x1b" * 90 + b"z" * 30)
    assert (result.status, result.err) == (0, "")
    assert "characters     300\n" in result.out
    assert r"'\x1b' 90" in result.out
    assert "\x1b" not in result.out
    assert "entropy, 5" in result.out
    assert "only in test   1 distinct, 15 in all: 'z' 15\n" in result.out


def test_stats_as_json_is_one_object(charrnn, mirror):
    measured = json.loads(charrnn("corpus", "stats", "-", "--json", stdin=b"ab" * 150).out)
    assert measured["characters"] == 300
    assert measured["entropies"] == pytest.approx([1, 0, 0, 0, 0, 0], abs=1e-4)
    assert measured["unseen"] == {"val": {}, "test": {}}
