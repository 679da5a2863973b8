"""The floors of the house: who may import whom, read from the source."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import charrnn as package

HOUSE = Path(package.__file__).parent
GROUND = ("errors", "feedback", "files", "findings", "room", "trust")
BASE = {"charrnn", *(f"charrnn.{name}" for name in GROUND)}  # itself: version and API
MAY_IMPORT = {
    "text": {"text"},
    "model": {"text", "model"},
    "evaluation": {"text", "model", "evaluation"},
    "runs": {"text", "model", "runs"},
    "training": {"text", "model", "evaluation", "runs", "training"},
    "sampling": {"text", "model", "evaluation", "sampling"},
    "neurons": {"text", "model", "evaluation", "neurons"},
    "conditioned": {"text", "model", "evaluation", "runs", "conditioned"},
}
ROOMS = {"text", "model", "evaluation", "runs", "training", "sampling", "neurons", "conditioned", "display", "api"}
MAY_IMPORT |= {"api": ROOMS, "cli": {*ROOMS, "cli"}}
WITHOUT_TORCH = [
    *("text", "sampling", "display", "cli"),
    *(
        "model/config.py",
        "model/checkpoint.py",
        "model/cells.py",
        "model/units.py",
        "model/clamping.py",
        "model/stepped_network.py",
    ),
    *("training/config.py", "training/recipe.py"),
    *("api/map.py", "api/map_watch.py", "conditioned/training.py"),
    *(
        "evaluation/memorisation.py",
        "evaluation/ngrams.py",
        "training/history.py",
        "training/overfitting.py",
        "training/watch.py",
    ),
]
FILES = sorted(HOUSE.rglob("*.py"))


def imports(path):
    """The absolute names of the modules that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""
            if node.module == "charrnn":
                yield from (f"charrnn.{alias.name}" for alias in node.names)


def importers(package):
    """The rooms whose files import a package (a file outside the rooms by its own name)."""
    return {room(path) for path in FILES if any(name.split(".")[0] == package for name in imports(path))}


def room(path):
    return path.relative_to(HOUSE).parts[0]


def of_the_house(path):
    return {name for name in imports(path) if name.split(".")[0] == "charrnn"} - BASE


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_a_room_imports_from_its_own_floor_and_those_below_only(name):
    files = sorted((HOUSE / name).rglob("*.py"))
    assert files
    for path in files:
        assert {name.split(".")[1] for name in of_the_house(path)} <= MAY_IMPORT[name], path


def test_display_knows_nothing_of_the_house_but_itself():
    for path in (HOUSE / "display").rglob("*.py"):
        assert {name for name in imports(path) if name.startswith("charrnn")} <= {
            name for name in imports(path) if name.startswith("charrnn.display")
        }, path


def test_the_package_offers_what_the_api_does():
    assert of_the_house(HOUSE / "__init__.py") <= {"charrnn.api", *(f"charrnn.api.{n}" for n in package.__all__)}


def test_importing_charrnn_imports_nothing_heavy():
    code = "import charrnn, sys\nassert not {'torch', 'numpy', 'charrnn.api'} & set(sys.modules)\ncharrnn.load"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["errors.py", "feedback.py", "files.py", "findings.py", "trust.py"])
def test_the_ground_floor_stands_on_nothing(name):
    assert not list(filter(lambda module: module.startswith("charrnn"), imports(HOUSE / name)))


def test_only_display_and_the_command_line_draw():
    assert importers("rich") <= {"display", "cli"}
    assert importers("jinja2") <= {"display"}
    assert importers("matplotlib") <= {"display"}
    assert importers("click") == {"cli"}
    assert importers("tqdm") <= {"cli"}


def test_display_knows_no_torch():
    assert "display" not in importers("torch")
    assert "sampling" not in importers("torch")
    assert "text" not in importers("torch")


def test_nothing_is_unpickled_or_executed():
    assert not [name for name in ("pickle", "marshal", "shelve") if importers(name)]


def test_what_needs_no_torch_imports_none():
    files = [
        p for name in WITHOUT_TORCH for p in ([HOUSE / name] if name.endswith(".py") else (HOUSE / name).rglob("*.py"))
    ]
    names = [".".join(("charrnn", *path.relative_to(HOUSE).with_suffix("").parts)) for path in files]
    code = f"import {', '.join(names)}\nimport sys\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_module_opens_with_a_sentence_that_says_what_it_is_for(path):
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring
    assert "." in docstring.split("\n\n")[0]


def loaded(path):
    """The files that a file imports, but for what type checkers read and what `__getattr__` hands on when asked."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            node.body = []
    named = {path.relative_to(HOUSE).with_suffix("").as_posix().replace("/", "."): path for path in FILES}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                if (found := named.get(name.removeprefix("charrnn."))) not in (None, path):
                    yield found


def test_no_files_import_each_other_in_a_circle():
    graph = {path: {found for found in loaded(path) if found.name != "__init__.py"} for path in FILES}
    assert list(TopologicalSorter(graph).static_order())
