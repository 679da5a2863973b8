"""What the package is made of: few dependencies, all pinned; no code from a file; no network but for `corpus get`."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import charrnn

PACKAGE = Path(charrnn.__file__).parent
ROOT = PACKAGE.parent
# What could turn a file's or a network's bytes into code, by the names that it goes by.
FORBIDDEN = {"pickle", "marshal", "shelve", "dill", "joblib", "yaml", "eval", "exec", "compile", "__import__"}
FORBIDDEN |= {"torch.load", "torch.hub", "np.load", "numpy.load", "os.system", "os.popen", "subprocess.getoutput"}
NETWORK = {"socket", "urllib.request", "http.client", "requests", "ftplib"}
FETCHING = {"text/download.py"}  # what `corpus get` calls, and nothing else does


def dotted(node):
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def imported(node):
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    return {node.module or ""} if isinstance(node, ast.ImportFrom) else set()


def without_pickles(call):
    """Whether a call says that no pickle is to be read, or of torch's only weights."""
    given = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
    return given.get("allow_pickle") is False or given.get("weights_only") is True


def used(path):
    """What a module imports, and what it calls; arrays are read without their pickles."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    calls = {dotted(node.func) for node in nodes if isinstance(node, ast.Call) and not without_pickles(node)}
    return set().union(*map(imported, nodes)), calls


MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_no_module_makes_code_of_bytes_and_one_alone_knows_the_network(module):
    imports, calls = used(PACKAGE / module)
    assert not FORBIDDEN & (imports | calls)
    assert module in FETCHING or not [name for name in imports if name in NETWORK]


def test_rich_prints_by_the_one_console_that_obeys_no_string():
    for module in MODULES:
        imports, calls = used(PACKAGE / module)
        assert not {"rich", "rich.markup", "rich.prompt"} & imports
        assert not [name for name in calls if name.endswith("from_markup")]
        assert "Console" not in calls, "take display.terminal.Terminal"


def test_shells_are_called_by_none():
    for module in MODULES:
        assert "shell=True" not in (PACKAGE / module).read_text("utf-8")


MAKING = {"mkdir", "makedirs", "touch", "mkdtemp", "mkstemp", "NamedTemporaryFile", "write_text", "write_bytes"}
MADE = {("runs/lock.py", "write_text")}  # into the file that the lock has made
MADE |= {("conditioned/feature_file.py", "open")}  # into an archive that `replacing` gives


def makes(call):
    """What of the above a call is, or "open" where it opens a file to write to it; nothing for another."""
    name = dotted(call.func).rpartition(".")[2]
    private = any(each.arg == "opener" and dotted(each.value) == "private" for each in call.keywords)
    given = [each.value for each in (*call.args, *(k.value for k in call.keywords)) if isinstance(each, ast.Constant)]
    writing = any(isinstance(each, str) and re.fullmatch("[rbt+]*[wax+][bt+]*", each) for each in given)
    return name if name in MAKING else "open" if name == "open" and writing and not private else ""


def test_files_and_folders_are_made_by_the_one_module_that_knows_their_modes():
    for module in set(MODULES) - {"files.py"}:
        calls = [n for n in ast.walk(ast.parse((PACKAGE / module).read_text("utf-8"))) if isinstance(n, ast.Call)]
        for call in calls:
            named = [dotted(each) for each in (call.func, *call.args)]
            replacing = any(each.partition(".")[0] == "temporary" for each in named)  # as what it gives is called
            assert replacing or not makes(call) or (module, makes(call)) in MADE, f"{module}:{call.lineno}"


COMMAND = re.compile("charrnn (corpus|train|sample|score|info|history|compare|gradients|neurons) ")


def pieces(node):
    """The strings that code puts together with others, by an f-string, by + or %, or by a method."""
    if isinstance(node, ast.JoinedStr):
        yield from node.values
    elif isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
    elif isinstance(node, ast.Attribute):
        yield node.value


def test_a_command_to_be_copied_is_put_together_by_the_one_function_that_quotes():
    for module in MODULES:
        nodes = list(ast.walk(ast.parse((PACKAGE / module).read_text("utf-8"))))
        parts = [str(each.value) for n in nodes for each in pieces(n) if isinstance(each, ast.Constant)]
        assert not list(filter(COMMAND.search, parts)), f"{module}: take errors.typed"
        assert module in ("errors.py", "cli/interactive.py") or "shlex" not in used(PACKAGE / module)[0]


OFFLINE = """
import socket, sys
def refuse(*_, **__): raise RuntimeError("asked for the network")
for name in ("getaddrinfo", "create_connection", "gethostbyname"): setattr(socket, name, refuse)
socket.socket.connect = refuse
sys.argv[0] = "charrnn"
from charrnn.cli.main import main
main()
"""


def test_nothing_but_fetching_asks_for_the_network(run, book, here):
    for command in (
        ["train", book, "--steps=1", "--hidden-size=4", "--out=new"],
        ["sample", run, "--length=5"],
        ["neurons", "explore", run, book, "--part=all", "-o", "page.html"],
        ["corpus", "list"],
    ):
        env = os.environ | {"CHARRNN_CORPORA": str(here), "OMP_NUM_THREADS": "1"}
        done = subprocess.run([sys.executable, "-c", OFFLINE, *map(str, command)], capture_output=True, env=env)
        assert (done.returncode, b"network" in done.stderr) == (0, False), done.stderr.decode()
    done = subprocess.run([sys.executable, "-c", OFFLINE, "corpus", "get", "shakespeare"], capture_output=True, env=env)
    assert done.returncode == 1  # so the refusal does refuse


@pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="the package is installed without its sources")
def test_every_dependency_is_pinned_within_its_range_and_they_are_few():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = {name.lower().replace("_", "-"): version for name, _, version in (line.partition("==") for line in lines)}
    extras = [each for several in project["optional-dependencies"].values() for each in several]
    for requirement in map(Requirement, project["dependencies"] + extras):
        if requirement.name != "charrnn":
            assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement
            assert str(requirement.specifier).startswith(">=") or requirement.name.startswith("types-")
    assert len(project["dependencies"]) <= 16
