"""The files of a corpus, from the network or a mirror, a few at a time, each checked; knows no corpus by name.

What is asked of a server, and refused, stands here too.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from charrnn.errors import SourceError, typed
from charrnn.text.catalogue import NamedCorpus, SourceFile

if TYPE_CHECKING:
    import requests

TIMEOUT = 30.0  # seconds without an answer, or without a byte
PATIENCE = 60.0  # seconds after which it is seen whether a server sends enough
SLOWEST = 1000  # bytes a second
_AT_ONCE = 4  # connections; more would be impolite
_REDIRECTS = 5
_CHUNK = 1 << 16  # bytes
_PIECE = 1 << 8  # bytes, of what a server sends: the clock is looked at after each, however slowly it comes


def download(name: str, corpus: NamedCorpus, base: str, folder: Path, on_bytes: Callable[[int], object]) -> list[bytes]:
    """Return the contents of the corpus's files, in their order, by way of `folder`.

    Raises:
        SourceError: a file cannot be had from `base` (a URL or a folder), or is not the catalogue's.
        OSError: `folder` cannot be written.
    """
    fetcher = _Fetcher(name, base, folder, on_bytes)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(fetcher.fetch, file) for file in corpus.files]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # the first error, or Ctrl-C, ends the others
            unfinished = [future for future in futures if not future.done()]
            if unfinished:
                fetcher.stopped.set()
                pool.shutdown(cancel_futures=True)
    return [path.read_bytes() for path in _results(futures)]


def _results(futures: list[Future[Path]]) -> list[Path]:
    """What the futures returned; raises the error that stopped the others rather than what it did to them."""
    errors = [e for future in futures if not future.cancelled() and (e := future.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, _StoppedError)):
        raise error
    return [future.result() for future in futures]


class _StoppedError(Exception):
    """Another file has failed; this one is not needed any more."""


class _Fetcher:
    """Fetches files from one place into one folder, under short names."""

    def __init__(self, name: str, base: str, folder: Path, on_bytes: Callable[[int], object]) -> None:
        self.stopped = Event()
        self._name, self._base, self._folder, self._on_bytes = name, base, folder, on_bytes
        self._remote = urlsplit(base).scheme in ("http", "https")
        self._lock = Lock()

    def fetch(self, file: SourceFile) -> Path:
        """Bring one file; return where it lies."""
        place, path = f"{self._base.rstrip('/')}/{file.path}", self._folder / file.sha256
        bring = self._download if self._remote else self._copy
        with _explained(place, self._name):
            bring(place, path, file.bytes)
            if sha256(path.read_bytes()).hexdigest() != file.sha256:
                raise ValueError("another file")
        return path

    def _copy(self, place: str, output: Path, size: int) -> None:
        if not os.access(place, os.R_OK) or not os.path.isfile(place):
            raise SourceError(
                f"the mirror has no file {place} that can be read",
                "give --mirror a folder or URL laid out like the corpora's own source",
            )
        with open(place, "rb") as file:
            self._write(iter(lambda: file.read(_CHUNK), b""), output, size)

    def _download(self, place: str, output: Path, size: int) -> None:
        with _answer(place) as answer:
            self._write(_fast_enough(answer.iter_content(_PIECE)), output, size)

    def _write(self, chunks: Iterable[bytes], output: Path, size: int) -> None:
        with output.open("wb") as target:
            arrived = 0
            for chunk in chunks:
                arrived += len(chunk)
                if arrived > size:
                    raise ValueError(f"more than {size} bytes")
                target.write(chunk)
                self._arrived(len(chunk))

    def _arrived(self, count: int) -> None:
        if self.stopped.is_set():
            raise _StoppedError
        with self._lock:
            self._on_bytes(count)


def _fast_enough(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what a server sends; give up on one that sends next to nothing for a minute."""
    import requests

    begun, arrived = monotonic(), 0
    for chunk in chunks:
        arrived += len(chunk)
        if monotonic() - begun >= PATIENCE:
            if arrived < SLOWEST * PATIENCE:
                raise requests.Timeout(f"less than {SLOWEST:,} bytes a second came for {PATIENCE:g} seconds")
            begun, arrived = monotonic(), 0
        yield chunk


@contextmanager
def _answer(url: str) -> Iterator["requests.Response"]:
    """The server's answer to a request for a file; a redirect is followed on the same host only."""
    import requests

    headers = {"Accept-Encoding": "identity"}  # the file's own bytes
    for _ in range(_REDIRECTS):
        with requests.get(url, headers=headers, timeout=TIMEOUT, stream=True, allow_redirects=False) as answer:
            if not answer.is_redirect:
                answer.raise_for_status()
                yield answer
                return
            url = _redirected(url, answer.headers["location"])
    raise SourceError(f"{url} redirects without end", "use another --mirror")


def _redirected(url: str, location: str) -> str:
    target = urljoin(url, location)
    if urlsplit(target)[:2] != urlsplit(url)[:2]:
        raise SourceError(f"{url} redirects to another host, {target}, which was refused", "check it, or use --mirror")
    return target


@contextmanager
def _explained(place: str, name: str) -> Iterator[None]:
    """Turn what the network libraries raise into one line that says what to do."""
    import requests

    elsewhere = typed("corpus", "get", name, "--mirror", "DIR_OR_URL")
    try:
        yield
    except requests.HTTPError as error:
        raise SourceError(
            f"the server did not give {place} ({_status(error)})",
            f"check the --mirror, or use one: '{elsewhere}'",
        ) from None
    except requests.RequestException as error:
        raise SourceError(
            f"{place} cannot be fetched: {_in_words(error)}",
            f"try again, use a copy of the files ('{elsewhere}'), or take the corpus 'python', which needs no network",
        ) from None
    except ValueError:
        raise SourceError(
            f"{place} is not the file of the catalogue (its SHA-256 differs)",
            f"fetch it from elsewhere: '{elsewhere}'",
        ) from None


def _status(error: "requests.HTTPError") -> str:
    return f"{error.response.status_code} {error.response.reason}" if error.response is not None else str(error)


def _in_words(error: "requests.RequestException") -> str:
    import requests
    from urllib3.exceptions import ReadTimeoutError

    cause: Any = error.args[0] if error.args else None
    if isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return cause if isinstance(cause, str) else f"nothing came for {TIMEOUT:g} seconds"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection to its server"
    return str(error)
