import ast
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from charrnn.cli.main import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted(path for path in (ROOT / "charrnn").rglob("*.py") if not path.name.startswith("__"))
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("charrnn ")]


def first_sentence(path):
    paragraph = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).split("\n\n")[0].replace("\n", " ")
    return re.split(r"(?<=\.)\s", paragraph)[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_map_has_every_module_with_its_own_first_sentence(path):
    assert re.search(rf"^ +{re.escape(path.name)} +{re.escape(first_sentence(path))}$", README, re.MULTILINE)


def test_the_map_has_no_module_that_does_not_exist():
    named = re.findall(r"^ +([a-z_]+\.py) ", README, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in MODULES)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_is_understood(command):
    words, found = shlex.split(command)[1:], cli
    above = click.Context(cli, **cli.context_settings)  # whose names of the help option a command keeps for good
    while isinstance(found, click.Group) and not words[0].startswith("-"):
        found = found.get_command(above, words.pop(0))
    found.make_context("charrnn", words, parent=above)


def test_every_picture_of_the_readme_is_there():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_a_package_index_shows_no_link_into_a_folder_that_it_has_not():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]
    shown = README
    for each in settings["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        shown = re.sub(each["pattern"], each["replacement"], shown)
    assert re.findall(r"\]\((?!https?:|#)([^)]*)\)", README)
    assert not re.findall(r"\]\((?!https?:|#)([^)]*)\)", shown)
    named = {path.split("/")[0] for path in re.findall(r"\]\((?!https?:|#)([^)]*)\)", README)}
    assert named <= set(settings["build"]["targets"]["sdist"]["include"])
