"""The corpora `python` and `python-names`: the running interpreter's standard library, which every machine has."""

import re
import sysconfig
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from charrnn.errors import SourceError

# Folders of the standard library that hold tests, generated tables or demonstrations, or that some
# distributions and later versions lack; what is left is much the same text everywhere.
_LEFT_OUT = {
    "site-packages",
    "dist-packages",
    "__pycache__",
    "test",
    "tests",
    "idle_test",
    "encodings",
    "pydoc_data",
    "turtledemo",
    "idlelib",
    "tkinter",
    "lib2to3",
    "distutils",
    "ensurepip",
}
_LIMIT = 6_000_000  # characters; versions of Python differ in how much there is
_DEFINED = re.compile(r"^ *(?:async )?(?:def|class) +(\w+)", re.MULTILINE)
_GENERATED = re.compile(r"auto(-|matically )generated|this file is generated", re.IGNORECASE)


def standard_library() -> str:
    """Return the running interpreter's standard library as one text, in a fixed order.

    Tests and generated tables are left out, and what is beyond six million characters. Modules are ordered by the hash
    of their name, so that every part of a contiguous split holds all kinds, and the order is the same everywhere.

    Raises:
        SourceError: the interpreter has no library sources (some are shipped as one archive).
    """
    root = Path(sysconfig.get_path("stdlib"))
    modules = sorted(_modules(root), key=lambda name: sha256(name.encode()).digest())
    text = "".join(_up_to(_LIMIT, (_source(root / name) for name in modules)))
    if not text:
        raise SourceError(f"this Python has no library sources under {root}", "give a text file instead of 'python'")
    return text


def standard_names() -> str:
    """Return the names of that library's modules, classes and functions, each once, one a line, in order.

    Raises:
        SourceError: as `standard_library`.
    """
    root = Path(sysconfig.get_path("stdlib"))
    names = set[str]()
    for module in _modules(root):
        parts = module.removesuffix(".py").removesuffix("/__init__").split("/")
        if all(part.isidentifier() for part in parts):  # none of a folder that is named after this machine
            names.update([".".join(parts)], _DEFINED.findall(_source(root / module)))
    if not names:
        raise SourceError(f"this Python has no library sources under {root}", "give a file instead of 'python-names'")
    return "\n".join(sorted(names)) + "\n"


def _source(path: Path) -> str:
    """The text of a module, ending in a newline; nothing where it is empty or generated."""
    text = path.read_text("utf-8")
    if not text.strip() or _GENERATED.search(text[:400]):
        return ""
    return text if text.endswith("\n") else text + "\n"


def _up_to(limit: int, texts: Iterable[str]) -> Iterator[str]:
    """The texts until there are `limit` characters; the last one is whole."""
    length = 0
    for text in texts:
        yield text
        length += len(text)
        if length >= limit:
            return


def _modules(root: Path) -> Iterator[str]:
    for path in root.rglob("*.py"):
        name = path.relative_to(root)
        if not (_LEFT_OUT.intersection(name.parts) or name.name.startswith(("_sysconfigdata", "test_"))):
            yield name.as_posix()
