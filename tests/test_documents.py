"""The README and the pages in docs/: their commands are understood, their examples true, their links lead somewhere."""

import ast
import doctest
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from charrnn.cli.main import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in PAGES}
LINES = [
    (name, line)
    for name, text in TEXTS.items()
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    for line in block.splitlines()
]
COMMANDS = [(name, line[line.index("charrnn ") :]) for name, line in LINES if re.search(r"(^|\| )charrnn ", line)]
LINK = re.compile(r"!?\[[^]]*\]\(([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_of_the_documents_is_understood(page, command):
    words, found = shlex.split(command.split(" < ")[0])[1:], cli
    above = click.Context(cli, **cli.context_settings)  # whose names of the help option a command keeps for good
    while isinstance(found, click.Group) and not words[0].startswith("-"):
        found = found.get_command(above, words.pop(0))
    found.make_context("charrnn", words, parent=above)


@pytest.mark.parametrize("page", [name for name, text in TEXTS.items() if "```python" in text])
def test_the_python_examples_are_true(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", TEXTS[page], re.DOTALL))
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert runner.run(doctest.DocTestParser().get_doctest(code, {}, page, None, None)).failed == 0
    assert runner.tries > 3


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_and_picture_leads_to_a_file(page):
    linked = [link for link in LINK.findall(TEXTS[page]) if not link.startswith("http")]
    missing = [link for link in linked if not (ROOT / page).parent.joinpath(link).is_file()]
    assert not missing
    assert linked or page != "README.md"


def test_every_page_is_in_the_readme_or_in_a_page_that_is():
    named = {link.removeprefix("docs/") for text in TEXTS.values() for link in LINK.findall(text)}
    assert {path.name for path in PAGES[1:]} <= named


def test_the_map_is_current():
    spec = importlib.util.spec_from_file_location("map", ROOT / "docs" / "map.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.PAGE.read_text("utf-8") == made.page(), "write it again: python docs/map.py"


def test_the_map_has_every_module_once():
    shown = re.findall(r"^\| `([a-z_0-9]+\.py)`", TEXTS["docs/map.md"], re.MULTILINE)
    modules = [path.name for path in (ROOT / "charrnn").rglob("*.py") if not path.name.startswith("__")]
    assert sorted(shown) == sorted(modules)
    assert all(ast.get_docstring(ast.parse(path.read_text("utf-8"))) for path in (ROOT / "charrnn").rglob("*.py"))


def test_the_readme_is_a_door():
    assert len(README.encode()) <= 10_000


def test_a_package_index_shows_no_link_into_a_folder_that_it_has_not():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]
    shown = README
    for each in settings["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        shown = re.sub(each["pattern"], each["replacement"], shown)
    assert re.findall(r"\]\((?!https?:|#)([^)]*)\)", README)
    assert not re.findall(r"\]\((?!https?:|#)([^)]*)\)", shown)
    named = {path.split("/")[0] for path in re.findall(r"\]\((?!https?:|#)([^)]*)\)", README)}
    assert named <= set(settings["build"]["targets"]["sdist"]["include"])
