"""Every command explains itself, and its examples can be typed."""

import re
import shlex
import subprocess
import sys

import click
import pytest

import charrnn as package
from charrnn.cli.main import cli


def walk(command, path=()):
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, (*path, name))


COMMANDS = dict(walk(cli))
LEAVES = [path for path, command in COMMANDS.items() if not isinstance(command, click.Group)]
OPTIONS = [
    (path, option)
    for path, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option)
]


def examples(command):
    """The calls of charrnn in a command's epilog, each as a list of its arguments."""
    lines = [shlex.split(line) for line in (command.epilog or "").splitlines() if "charrnn " in line]
    return [line[line.index("charrnn") + 1 : line.index(">") if ">" in line else None] for line in lines]


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help(charrnn, path, option):
    result = charrnn(*path, option)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Usage: ")
    assert f"{' '.join(path)} [OPTIONS]".lstrip() in result.out.splitlines()[0]
    assert COMMANDS[path].get_short_help_str()


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_the_help_of_a_command_shows_an_example(charrnn, path):
    called = rf"charrnn (neurons )?{' '.join(path)} "  # some are called without the name of their group, too
    assert re.search(rf"Examples?:\s(.*\n)*?.*{called}", charrnn(*path, "-h").out)


@pytest.mark.parametrize("options", [["--help"], ["neurons", "--help"]], ids=" ".join)
def test_a_list_of_commands_has_a_whole_line_for_each_and_imports_none_of_them(options):
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*(n for n in sys.modules if n.startswith('charrnn.cli.'))))\n"
        f"sys.argv[1:] = {options}\n"
        "from charrnn.cli.main import main\nmain()"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    _, listed = out.split("\nOptions:\n")
    group = COMMANDS[tuple(options[:-1])]
    assert all(re.search(rf"^  {name} +[A-Z].{{1,44}}\.$", listed, re.MULTILINE) for name in group.commands)
    modules = set(out.splitlines()[-1].split())
    assert "charrnn.cli.main" in modules
    assert not {command.callback.__module__ for command in group.commands.values()} & modules


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_group_has_an_example(path):
    assert examples(COMMANDS[path])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_example_can_be_typed(path):
    for arguments in examples(COMMANDS[path]):
        command, typed = cli, arguments
        while isinstance(command, click.Group):
            command, typed = command.commands[typed[0]], typed[1:]
        with command.make_context(command.name, list(typed)):
            pass


@pytest.mark.parametrize(
    ("path", "option"), OPTIONS, ids=[f"{' '.join(path)} {option.opts[-1]}" for path, option in OPTIONS]
)
def test_every_option_has_help(path, option):
    assert option.help


def test_the_version_is_the_packages(charrnn):
    result = charrnn("--version")
    assert (result.status, result.out) == (0, f"charrnn, version {package.__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["train"],
        ["train", "x", "--nonsense"],
        ["train", "x", "--steps", "many"],
        ["train", "x", "--cell", "lstn"],
        ["sample"],
        ["sample", "x", "--length", "-1"],
        ["sample", "x", "--count", "0"],
        ["score", "x"],
        ["score", "x", "y", "--part", "whole"],
        ["info"],
        ["neurons", "nonsense"],
        ["neurons", "show", "x", "y", "--format", "gif"],
        ["neurons", "show", "x", "y"],  # which unit?
        ["neurons", "show", "x", "y", "--unit", "0:0", "--feature", "inside_quotes"],
        ["neurons", "dump", "x", "y"],
        ["neurons", "find", "x", "y", "--text-kind", "poem"],
        ["neurons", "ablate", "x", "y"],
        ["neurons", "steer", "x"],
        ["neurons", "grep", "x", "y", "--unit", "0:0"],
        ["neurons", "grep", "x", "y", "--like", "0:9"],
        ["neurons", "compare", "x", "y"],
        ["sample", "x", "--prime", "a", "--prime-file", "b"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_status_2(charrnn, arguments):
    result = charrnn(*arguments)
    assert (result.status, result.out) == (2, "")
    assert "Error:" in result.err
    assert "Traceback" not in result.err


def test_without_a_command_the_first_minute_is_shown(charrnn):
    result = charrnn()
    assert (result.status, result.err) == (0, "")
    lines = [line.split("  ")[1] if line.startswith("  ") else "" for line in result.out.splitlines()]
    commands = [line[line.index("charrnn") :] for line in lines if "charrnn" in line]
    assert {shlex.split(line)[1] for line in commands} == {"show", "sample", "gallery", "train"}
    assert len(result.out.splitlines()) <= 12
    for line in commands:
        command, *words = shlex.split(line)[1:]
        cli.commands[command].make_context(command, words)


@pytest.mark.parametrize("name", ["show", "explore", "gallery"])
def test_the_neuron_commands_that_one_begins_with_need_no_group(name):
    assert COMMANDS[(name,)] is COMMANDS[("neurons", name)]
