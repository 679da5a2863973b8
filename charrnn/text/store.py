"""Where the texts of named corpora are kept: found again by name and hash, fetched when they are missing."""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from charrnn.errors import SourceError, did_you_mean, typed
from charrnn.feedback import SILENT, Feedback
from charrnn.files import abandoned, is_special, make_folder, remove_abandoned, replacing, sync, workshop
from charrnn.findings import Finding, orphan
from charrnn.text.catalogue import CATALOGUE, NamedCorpus
from charrnn.text.standard_library import standard_library, standard_names

FOLDER_VARIABLE = "CHARRNN_CORPORA"
_MADE = {"python": standard_library, "python-names": standard_names}  # by this machine


def folder() -> Path:
    """Return where texts are kept: $CHARRNN_CORPORA, else corpora/ where there is one, else the user's cache folder."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    if os.path.isdir("corpora"):
        return Path("corpora")
    import platformdirs

    return platformdirs.user_cache_path("charrnn") / "corpora"


def corpus_named(name: str) -> NamedCorpus:
    """Return the corpus of that name.

    Raises:
        SourceError: there is none.
    """
    if name not in CATALOGUE:
        cure = did_you_mean(name, CATALOGUE, f"choose one of {', '.join(CATALOGUE)}")
        raise SourceError(f"there is no corpus named {name}", cure)
    return CATALOGUE[name]


def path_of(name: str) -> Path:
    """Return where the text of a corpus is kept, or will be."""
    return folder() / f"{name}{corpus_named(name).suffix}"


def is_here(name: str) -> bool:
    """Return whether the text of a corpus can be read without fetching anything (`load` checks what is in it)."""
    return not CATALOGUE[name].files or path_of(name).is_file()


def load(name: str) -> str:
    """Return the text of a corpus.

    Raises:
        SourceError: it is not here, or the file that should hold it holds something else.
    """
    corpus = corpus_named(name)
    if not corpus.files:
        return _MADE[name]()
    path, get = path_of(name), typed("corpus", "get", name)
    if is_special(path):
        raise SourceError(f"{path} is no regular file", "remove it, then fetch the corpus")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise SourceError(
            f"the corpus {name} is not here yet", f"fetch it with '{typed('corpus', 'get', name)}'"
        ) from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror})", "check what it is and its permissions") from None
    if sha256(content).hexdigest() != corpus.sha256:
        raise SourceError(
            f"{path} is not the text of the corpus {name} (its SHA-256 differs)",
            f"move it away, then fetch it with '{get}'",
        )
    return content.decode("utf-8")


def fetch(name: str, mirror: str | None = None, on_bytes: Callable[[int], object] = lambda count: None) -> Path:
    """Download the files of a corpus, make its text, check it and keep it; return where it is.

    `mirror` is a folder or URL laid out like the corpus's base URL. `on_bytes` is told of bytes as they arrive. The
    text appears in one step; where anything goes wrong, nothing is left.

    Raises:
        SourceError: a file cannot be had, is not the catalogue's, or there is no room for it.
    """
    from charrnn.text.download import download

    corpus, path = corpus_named(name), path_of(name)
    try:
        make_folder(path.parent)
        for known in CATALOGUE:
            remove_abandoned(path.parent, f".{known}.", "*")
        with workshop(path.parent, f".{name}.", "*") as place:
            contents = download(name, corpus, mirror or corpus.base_url, on_bytes)
            _keep(_prepared(name, corpus, contents), place / path.name, path)
    except OSError as error:
        cure = "make room there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
        raise SourceError(
            f"the corpus {name} cannot be kept in {path.parent} ({error.strerror or error})",
            f"{cure}, or name another folder with {FOLDER_VARIABLE}",
        ) from None
    return path


def examined() -> Iterator[Finding]:
    """Look at the texts that are kept here, and for what killed processes have left beside them."""
    for name, corpus in CATALOGUE.items():
        if corpus.files and os.path.lexists(path_of(name)):
            try:
                load(name)
                yield Finding("corpus", path_of(name))
            except SourceError as error:
                yield Finding("corpus", path_of(name), error.problem, error.cure)
        yield from map(orphan, abandoned(folder(), f".{name}.", "*"))


def _keep(content: bytes, made: Path, path: Path) -> None:
    """Write a text, and move it to its place when it is on the disk."""
    with replacing(made) as temporary:
        temporary.write_bytes(content)
    os.replace(made, path)
    sync(path.parent)


def _prepared(name: str, corpus: NamedCorpus, contents: list[bytes]) -> bytes:
    """The corpus's text as UTF-8, checked."""
    try:
        content = corpus.prepare(contents).encode()
    except ValueError:
        content = b""
    if sha256(content).hexdigest() != corpus.sha256:
        raise SourceError(
            f"the text made from the files of {name} is not the catalogue's (its SHA-256 differs)", "upgrade charrnn"
        )
    return content


def fetch_missing(names: Sequence[str], mirror: str | None = None, feedback: Feedback = SILENT) -> None:
    """Fetch the named corpora among the names that are not on this machine, after a note of what and how large."""
    for name in dict.fromkeys(names):
        if name in CATALOGUE and not is_here(name):
            corpus = CATALOGUE[name]
            size = f"{corpus.download_bytes / 1e6:.1f} MB"
            origin = f"into {folder()} from {mirror or corpus.source}"
            feedback.note(f"fetching {name} ({corpus.title}; {size}) {origin}")
            with feedback.bar(corpus.download_bytes, name, "B") as bar:
                fetch(name, mirror, on_bytes=bar.update)
