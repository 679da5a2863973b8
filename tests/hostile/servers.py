"""A made-up corpus, and a server on this machine that has its files and can be told to misbehave."""

import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from charrnn.text.catalogue import CATALOGUE, NamedCorpus, SourceFile

CONTENTS = {"poems/one.txt": b"Eins\n", "poems/two.txt": "Zwö".encode(), "poems/three.txt": b"Drei" * 100}


def as_it_is(handler, content):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@pytest.fixture
def poems(monkeypatch, tmp_path):
    """The name of a corpus of three files, to be kept in an empty folder."""
    text = b"\n".join(CONTENTS.values())
    files = tuple(SourceFile(path, sha256(c).hexdigest(), len(c)) for path, c in CONTENTS.items())
    corpus = NamedCorpus(
        "Three poems", "CC0-1.0", "http://127.0.0.1:1/", files, None, sha256(text).hexdigest(), len(text.decode()), 12
    )
    monkeypatch.setitem(CATALOGUE, "poems", corpus)
    monkeypatch.setenv("CHARRNN_CORPORA", str(tmp_path / "kept"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return "poems"


@pytest.fixture
def server():
    """A server over CONTENTS; `answer[path]` replaces what it does for a path, `asked` lists what it was asked for."""
    state = SimpleNamespace(contents=dict(CONTENTS), answer={}, asked=[], released=threading.Event())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.lstrip("/")
            state.asked.append(path)
            if path in state.contents:
                state.answer.get(path, as_it_is)(self, state.contents[path])
            else:
                self.send_error(404)

        def log_message(self, *arguments):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads, http.released = True, state.released
    state.url = f"http://127.0.0.1:{http.server_port}/"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    state.released.set()
    http.shutdown()
    http.server_close()
    thread.join()
