"""Servers that send what is no file of a corpus, or never come to an end: one line tells why, and nothing is kept."""

import gc

import pytest

from charrnn.text import download, store

ONE = "poems/one.txt"
HTTP = b"HTTP/1.1 "
OK, CHUNKED = HTTP + b"200 OK\r\n", HTTP + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNLIKE = "one.txt is not the file of the catalogue"
SLOW = "one.txt cannot be fetched: less than 1,000 bytes a second came for 0.3 seconds; try again"
STALLED = "one.txt cannot be fetched: nothing came for 0.2 seconds; try again"
NO_HTTP = "one.txt cannot be fetched: what its server answers is not HTTP"
AGAIN = HTTP + b"302 Found\r\nLocation: /" + ONE.encode() + b"\r\nContent-Length: 0\r\n\r\n"

# What a server does -> what it answers, and what is told.
ANSWERS = {
    "another file": (
        OK + b"Content-Length: 5\r\n\r\nEinz\n",
        f"{UNLIKE} (its SHA-256 differs); fetch it from elsewhere",
    ),
    "a file without end": (OK + b"\r\n" + b"x" * 1_000_000, f"{UNLIKE} (it has more than 5 bytes)"),
    "no such file": (HTTP + b"404 Not Found\r\n\r\n", "the server did not give"),
    "a file that is cut off": (
        OK + b"Content-Length: 5\r\n\r\nEi",
        "one.txt cannot be fetched: the connection was cut",
    ),
    "nothing at all": (b"", "one.txt cannot be fetched: the connection was cut"),
    "a redirect to another host": (
        HTTP + b"302 Found\r\nLocation: http://elsewhere.invalid/one.txt\r\n\r\n",
        "redirects to another host, http://elsewhere.invalid/one.txt, which was refused",
    ),
    "a redirect without end": (AGAIN, "redirects without end"),
    "a redirect to no address": (HTTP + b"302 Found\r\nLocation: http://[::1\r\n\r\n", f"{NO_HTTP} (Invalid IPv6 URL)"),
    "a redirect that is not UTF-8": (HTTP + b"302 Found\r\nLocation: /\xff\xfe\r\n\r\n", f"{NO_HTTP} ('utf-8' codec"),
    "a redirect of 60 kB": (
        HTTP + b"302 Found\r\nLocation: /" + b"a" * 60_000 + b"\r\n\r\n",
        "the server did not give",
    ),
    "a redirect to nowhere": (HTTP + b"302 Found\r\n\r\n", "(302 Found)"),
    "an answer without a file": (HTTP + b"204 No Content\r\n\r\n", "(204 No Content)"),
    "an answer that nothing has changed": (HTTP + b"304 Not Modified\r\n\r\n", "(304 Not Modified)"),
    "a part of the file": (HTTP + b"206 Partial Content\r\nContent-Length: 1\r\n\r\nE", "(206 Partial Content)"),
    "a status that is none": (HTTP + b"099 Odd\r\n\r\n", f"{NO_HTTP} (HTTP/1.1 099 Odd"),
    "a reason of 60 kB": (HTTP + b"404 " + b"r" * 60_000 + b"\r\n\r\n", "(404 rrr"),
    "a reason that acts on a terminal": (HTTP + b"404 \x1b]0;x\x07\r\n\r\n", "(404 ␛]0;x␇)"),
    "a header of 70 kB": (OK + b"X: " + b"a" * 70_000 + b"\r\n\r\n", f"{NO_HTTP} (got more than 65536 bytes"),
    "150 headers": (OK + b"X: y\r\n" * 150 + b"\r\n", f"{NO_HTTP} (got more than 100 headers)"),
    "two lengths": (OK + b"Content-Length: 1\r\nContent-Length: 3\r\n\r\n", "multiple unmatching values"),
    "a chunk of -5 bytes": (CHUNKED + b"-5\r\n", f"{NO_HTTP} (read length must be"),
    "a chunk whose length is no number": (CHUNKED + b"zz\r\n", f"{NO_HTTP} (InvalidChunkLength"),
}

# What a server sends without an end -> how its answer begins, and what follows every 0.05 seconds.
DRIPS = {
    "the status": (HTTP, b"0"),
    "a header": (OK, b"X"),
    "headers": (OK, b"X: y\r\n"),
    "interim answers": (HTTP + b"100 Continue\r\n\r\n", HTTP + b"100 Continue\r\n\r\n"),
    "the body": (OK + b"\r\n", b"D"),
    "the length of a chunk": (CHUNKED, b"0"),
}
STALLS = {"before its answer": b"", "in the middle of a file": OK + b"Content-Length: 5\r\n\r\nEi"}


def sending(server, answer, drop=b"", times=0):
    """Answer, and then drop by drop; these end after some seconds, so that a test fails rather than hangs."""

    def send(handler, content):
        handler.wfile.write(answer)
        for _ in range(times):
            handler.wfile.write(drop)
            if server.released.wait(0.05):
                return

    server.answer[ONE] = send


def refused(row, server, says):
    """The command ends with what it says, and leaves nothing."""
    told = row(["corpus", "get", "poems", "--mirror", server.url], 1, says).err.splitlines()[-1]
    assert len(told) < 900
    assert not list(store.folder().iterdir())


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # requests forgets an answer at which it fails
@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_that_is_no_file_is_told_by_its_cause(row, server, poems, what):
    answer, says = ANSWERS[what]
    sending(server, answer)
    refused(row, server, says)
    gc.collect()


@pytest.mark.parametrize("what", DRIPS)
def test_a_server_that_drips_is_waited_for_so_long_and_no_longer(row, server, poems, monkeypatch, what):
    monkeypatch.setattr(download, "PATIENCE", 0.3)
    sending(server, *DRIPS[what], times=400)
    refused(row, server, SLOW)


def test_a_server_that_redirects_slowly_is_too(row, server, poems, monkeypatch):
    def slowly(handler, content):
        server.released.wait(0.2)
        handler.wfile.write(AGAIN)

    monkeypatch.setattr(download, "PATIENCE", 0.3)
    server.answer[ONE] = slowly
    refused(row, server, SLOW)


@pytest.mark.parametrize("what", STALLS)
def test_a_server_that_stalls_is_waited_for_until_a_timeout(row, server, poems, monkeypatch, what):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    sending(server, STALLS[what], b"", 400)
    refused(row, server, STALLED)
