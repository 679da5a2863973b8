"""The files of a corpus, from the network or a mirror, one after the other, each checked; knows no corpus by name.

What is asked of a server, and refused, stands here too. A thread of its own reads: whatever holds it up, from the
connection to the last byte of a body, the caller stops waiting when too little comes.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from hashlib import sha256
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from charrnn.errors import SourceError, counted, typed
from charrnn.text.catalogue import NamedCorpus, SourceFile

if TYPE_CHECKING:
    import requests

TIMEOUT = 30.0  # seconds without an answer, or without a byte
PATIENCE = 60.0  # seconds in which SLOWEST bytes a second must come, over all files
SLOWEST = 1000  # bytes a second
_REDIRECTS = 5
_PIECE = 1 << 12  # bytes
_SHOWN = 200  # characters of what a server says
_END = 0  # in place of a number of bytes


def download(name: str, corpus: NamedCorpus, base: str, on_bytes: Callable[[int], object]) -> list[bytes]:
    """Return the contents of the corpus's files, in their order.

    Raises:
        SourceError: a file cannot be had from `base` (a URL or a folder), or comes too slowly, or is not the
            catalogue's.
    """
    reader = _Reader(name, corpus.files, base)
    reader.start()
    try:
        for count in reader.counts():
            on_bytes(count)
        return reader.contents.result()
    finally:
        reader.stopped.set()


class _Reader(Thread):
    """Reads files from one place. After `stopped` it ends with the next bytes, which no one waits for."""

    def __init__(self, name: str, files: Iterable[SourceFile], base: str) -> None:
        super().__init__(daemon=True)  # a program that ends does not wait for it
        self.contents, self.stopped = Future[list[bytes]](), Event()
        self._arrived = SimpleQueue[int]()
        self._name, self._files, self._base, self._place = name, files, base.rstrip("/"), base
        self._pieces = _downloaded if urlsplit(base).scheme in ("http", "https") else _copied

    def run(self) -> None:
        """Read all files, whose contents, or the error that there was, are then in `contents`."""
        try:
            self.contents.set_result([self._content(file) for file in self._files])
        except BaseException as error:
            self.contents.set_exception(error)
        finally:
            self._arrived.put(_END)

    def counts(self) -> Iterator[int]:
        """Yield how many bytes came, whenever some did. Raises SourceError when too few come."""
        begun, arrived = monotonic(), 0
        while True:
            try:
                count = self._arrived.get(timeout=max(0.0, begun + PATIENCE - monotonic()))
            except Empty:
                if arrived < SLOWEST * PATIENCE:
                    slow = f"less than {SLOWEST:,} bytes a second came for {PATIENCE:g} seconds"
                    raise _unfetched(self._place, self._name, slow) from None
                begun, arrived = monotonic(), 0
                continue
            if count == _END:
                return
            arrived += count
            yield count

    def _content(self, file: SourceFile) -> bytes:
        """The content of one file, of which no more is read than it should have."""
        content, self._place = bytearray(), f"{self._base}/{file.path}"
        with _explained(self._place, self._name):
            for piece in self._pieces(self._place):
                content += piece
                if self.stopped.is_set() or len(content) > file.bytes:
                    break
                self._arrived.put(len(piece))
        longer = len(content) > file.bytes
        if longer or sha256(content).hexdigest() != file.sha256:
            why = f"it has more than {counted(file.bytes, 'byte')}" if longer else "its SHA-256 differs"
            raise SourceError(
                f"{self._place} is not the file of the catalogue ({why})",
                f"fetch it from elsewhere: {_elsewhere(self._name)}",
            )
        return bytes(content)


def _copied(place: str) -> Iterator[bytes]:
    if not os.access(place, os.R_OK) or not os.path.isfile(place):
        raise SourceError(
            f"the mirror has no file {place} that can be read",
            "give --mirror a folder or URL laid out like the corpora's own source",
        )
    with open(place, "rb") as file:
        yield from iter(lambda: file.read(_PIECE), b"")


def _downloaded(url: str) -> Iterator[bytes]:
    """What a server sends of a file, as it comes; a redirect is followed on the same host only."""
    import requests

    headers = {"Accept-Encoding": "identity"}  # the file's own bytes
    for _ in range(_REDIRECTS):
        with requests.get(url, headers=headers, timeout=TIMEOUT, stream=True, allow_redirects=False) as answer:
            if answer.status_code == requests.codes.ok:
                yield from answer.iter_content(_PIECE)
                return
            url = _redirected(url, answer)
    raise SourceError(f"{url[:_SHOWN]} redirects without end", "use another --mirror")


def _redirected(url: str, answer: "requests.Response") -> str:
    """Where a server has moved a file to; raises requests.HTTPError where it says nothing of the kind."""
    import requests

    if not answer.is_redirect:
        raise requests.HTTPError(f"{answer.status_code} {answer.reason}")
    target = urljoin(url, answer.headers["location"])
    if urlsplit(target)[:2] != urlsplit(url)[:2]:
        raise SourceError(
            f"{url[:_SHOWN]} redirects to another host, {target[:_SHOWN]}, which was refused",
            "check it, or use --mirror",
        )
    return target


@contextmanager
def _explained(place: str, name: str) -> Iterator[None]:
    """Turn what the network libraries and the disk raise into one line that says what to do."""
    import requests
    from urllib3.exceptions import HTTPError

    try:
        yield
    except requests.HTTPError as error:
        raise SourceError(
            f"the server did not give {place} ({str(error)[:_SHOWN]})",
            f"check the --mirror, or use one: {_elsewhere(name)}",
        ) from None
    except (OSError, ValueError, HTTPError) as error:  # a redirect may lead to what is no address
        raise _unfetched(place, name, _in_words(error)) from None


def _unfetched(place: str, name: str, why: str) -> SourceError:
    return SourceError(
        f"{place} cannot be fetched: {' '.join(why.split())[:_SHOWN]}",
        f"try again, use a copy of the files ({_elsewhere(name)}), or take the corpus 'python', which needs no network",
    )


def _elsewhere(name: str) -> str:
    return f"'{typed('corpus', 'get', name, '--mirror', 'DIR_OR_URL')}'"


def _in_words(error: Exception) -> str:
    """What went wrong, by the kinds of errors that the libraries tell apart."""
    import requests
    from urllib3.exceptions import IncompleteRead, InvalidChunkLength, MaxRetryError, ProtocolError, ReadTimeoutError

    cause = error.args[0] if error.args else None
    inner = cause.args[-1] if isinstance(cause, ProtocolError) else None
    if isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return f"nothing came for {TIMEOUT:g} seconds"
    if isinstance(error, requests.exceptions.SSLError) and isinstance(cause, MaxRetryError):
        return f"its server does not prove who it is ({cause.reason})"
    if isinstance(inner, OSError | IncompleteRead) and not isinstance(inner, InvalidChunkLength):
        return "the connection was cut"
    if isinstance(cause, ProtocolError) or not isinstance(error, OSError):
        return f"what its server answers is not HTTP ({inner or error})"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection to its server"
    return error.strerror or str(error)  # of a file of the mirror, or of another kind
