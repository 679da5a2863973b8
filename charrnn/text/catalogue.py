"""The named corpora: what they are, where they come from, and how their text is made."""

import re
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from platform import python_version

from charrnn.errors import SourceError

# Folders of the standard library that hold tests, generated tables or demonstrations, or that some
# distributions and later versions lack; what is left is much the same text everywhere.
_LEFT_OUT = {
    "site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test", "encodings", "pydoc_data",
    "turtledemo", "idlelib", "tkinter", "lib2to3", "distutils", "ensurepip",
}  # fmt: skip
_GENERATED = re.compile(r"auto(-|matically )generated|this file is generated", re.IGNORECASE)


@dataclass(frozen=True)
class NamedCorpus:
    """A corpus that can be asked for by name; `load` returns its text."""

    title: str
    licence: str
    load: Callable[[], str]


def standard_library() -> str:
    """Return the running interpreter's standard library as one text, in a fixed order.

    Tests and generated tables are left out. Files are ordered by the hash of their name, so that every part of a
    contiguous split holds all kinds of modules, and the order is the same everywhere.

    Raises:
        SourceError: the interpreter has no library sources (some are shipped as one archive).
    """
    root = Path(sysconfig.get_path("stdlib"))
    modules = sorted(_modules(root), key=lambda name: sha256(name.encode()).digest())
    texts = [(root / name).read_text("utf-8") for name in modules]
    text = "".join(t if t.endswith("\n") else t + "\n" for t in texts if t.strip() and not _GENERATED.search(t[:400]))
    if not text:
        raise SourceError(f"this Python has no library sources under {root}", "give a text file instead of 'python'")
    return text


def _modules(root: Path) -> Iterator[str]:
    for path in root.rglob("*.py"):
        name = path.relative_to(root)
        if not (_LEFT_OUT.intersection(name.parts) or name.name.startswith(("_sysconfigdata", "test_"))):
            yield name.as_posix()


CATALOGUE: dict[str, NamedCorpus] = {
    "python": NamedCorpus(
        title=f"the standard library of Python {python_version()}, tests and generated tables left out",
        licence="PSF-2.0",
        load=standard_library,
    ),
}
