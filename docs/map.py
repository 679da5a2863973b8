"""Writes docs/map.md: every module with the first sentence of its docstring, read from the source.

python docs/map.py
"""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

HERE = Path(__file__).parent
HOUSE = HERE.parent / "charrnn"
PAGE = HERE / "map.md"
ROOMS = (
    "text",
    "model",
    "evaluation",
    "runs",
    "training",
    "sampling",
    "neurons",
    "conditioned",
    "display",
    "api",
    "cli",
)  # as text flows through them
HEAD = """# The map

Every module with its purpose: rooms in the order in which text flows through them, and in each room first what others
import. `python docs/map.py` writes this page from the modules' docstrings.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [HEAD, f"## charrnn/\n\n{_table(_modules(HOUSE))}"]
    for room in ROOMS:
        inner = [HOUSE / room, *sorted(path for path in (HOUSE / room).iterdir() if (path / "__init__.py").exists())]
        for folder in inner:
            name = folder.relative_to(HOUSE).as_posix()
            parts.append(f"## {name}/\n\n{first_sentence(folder / '__init__.py')}\n\n{_table(_modules(folder))}")
    return "\n".join(parts)


def first_sentence(path: Path) -> str:
    """The first sentence of a module's docstring, on one line."""
    paragraph = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n\n")[0].replace("\n", " ")
    return re.split(r"(?<=\.)\s", paragraph)[0]


def _table(modules: list[Path]) -> str:
    rows = [f"| `{path.name}` | {first_sentence(path).replace('|', chr(92) + '|')} |" for path in modules]
    return "| module | purpose |\n|---|---|\n" + "\n".join(rows) + "\n"


def _modules(folder: Path) -> list[Path]:
    """The modules of a folder: what others import comes first, else by name."""
    files = {path.stem: path for path in sorted(folder.glob("*.py")) if not path.name.startswith("__")}
    package = ".".join(folder.relative_to(HOUSE.parent).parts)
    graph = {name: sorted(set(_imported(path, package)) & set(files) - {name}) for name, path in files.items()}
    try:
        return [files[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError:
        return list(files.values())


def _imported(path: Path, package: str) -> Iterator[str]:
    """The names of modules of a package that a file imports as it is loaded."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{package}."):
            yield node.module.removeprefix(f"{package}.").split(".")[0]


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
