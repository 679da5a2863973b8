"""Writes the tables of this folder as one page, docs/hostile.md: each case, its exit status and what the user is told.

python tests/hostile/table.py
"""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "hostile.md"
HEAD = """# What a user sees where the world is hostile

Each row is a test in `tests/hostile`; `python tests/hostile/table.py` writes this page. Status 0 is a success, 1 an
error in one line, 2 wrong usage, 128 and more a signal. No row ends in a traceback, and none loses what was saved.
"""
LAWS = """## The laws that hold for the rows, and for what is no row

"""
TAIL = """## What is no row, because it is tried everywhere

| what is tried | where |
|---|---|
| a checkpoint with a bit flipped, or cut off, all over it | `tests/hostile/test_checkpoints.py` |
| a disk that is full, at each call to it that a run makes | `tests/cli/test_broken_saves.py` |
| each call to the disk of each command that writes, failing once | `tests/hostile/test_faults.py` |
| memory that falls short, ever earlier, in commands that read | `tests/hostile/test_memory.py` |
| SIGKILL at any instant; the run then ends as ever | `tests/cli/test_kills.py`, `benchmarks/kills.py` |
| a training and a sample of an hour, whose memory is not to grow | `benchmarks/soak.py` |
| files and texts of any bytes | `tests/hostile/test_fuzz.py`, `make fuzz` |
| run folders, forged at random and sealed again, in every command | `tests/hostile/test_fuzz.py`, `make fuzz` |
| code made of bytes, a call for the network, a dependency without a pin | `tests/hostile/test_supply.py` |
"""


def module(name):
    """A test module of this folder."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def page() -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for title, rows in tables():
        listed = [f"| {_cell(case)} | {status} | {_cell(says) if says else '—'} |" for case, status, says in rows]
        parts.append(f"## {title}\n\n| case | status | what is told |\n|---|---|---|\n" + "\n".join(listed) + "\n")
    return "\n".join([*parts, LAWS + "".join(f"- {law}\n" for law in laws()), TAIL])


def tables() -> Iterator[tuple[str, list[tuple[str, object, str]]]]:
    """Each table's title, and its rows: the case, its exit status, and what is told."""
    files, texts, options = module("test_checkpoints"), module("test_texts"), module("test_options")
    world, output = module("test_environment"), module("test_output")
    yield "Checkpoint files: `charrnn info FILE`", [(what, 1, says) for what, (_, says) in files.FILES.items()]
    yield "Run folders", [(f"{what}: `{_typed(row[1])}`", *row[2:]) for what, row in files.FOLDERS.items()]
    endless = [(f"{what}: `{_typed(row[1])}`", 1, row[2]) for what, row in files.ENDLESS.items()]
    yield "Files without an end in run folders", endless
    says = "is a link or no regular file; remove it: a run writes into its own folder alone"
    yield "Run folders that lead elsewhere: `charrnn train --resume RUN`", [(what, 1, says) for what in files.WAYS_OUT]
    yield "Forged states: `charrnn train --resume RUN`", [(what, 1, says) for what, (_, says) in files.STATES.items()]
    claims = [(what, 1, says) for what, (_, _, says) in files.CLAIMS.items()]
    yield "What a forged state names as the text: `charrnn train --resume RUN`", claims
    yield "Texts: `charrnn train TEXT`", [(what, *row[2:]) for what, row in texts.TEXTS.items()]
    yield "Options", [(f"`{_typed(row[0])} {row[1]} {_short(row[2])}`", *row[3:]) for row in options.OPTIONS]
    others = module("test_trust").FOLDERS
    yield "Folders of other users", [(f"{what}: `{_typed(row[2])}`", *row[3:]) for what, row in others.items()]
    servers = module("test_servers")
    yield (
        "Mirrors: `charrnn corpus get NAME --mirror URL`",
        [(what, 1, says) for what, (_, says) in servers.ANSWERS.items()]
        + [(f"{what}, without end", 1, servers.SLOW.replace("0.3", "60")) for what in servers.DRIPS]
        + [(f"nothing more, {what}", 1, servers.STALLED.replace("0.2", "30")) for what in servers.STALLS],
    )
    doctor = module("test_doctor")
    yield "Damage that `charrnn doctor` finds", [(what, *row[1:]) for what, row in doctor.DAMAGE.items()]
    yield "Streams", [(f"{what}: `{_typed(row[0])} {row[1]}`", *row[2:]) for what, row in world.STREAMS.items()]
    yield "Permissions", [(f"{what}: `{_typed(row[0])}`", 1, row[1]) for what, row in world.MODES.items()]
    ends = [(f"{what}: `{_typed(row[0])}`", 1, row[1]) for what, row in world.ENDS.items()]
    yield "Disks on which a file may have 2,048 bytes", ends
    told = "what was done is saved, nothing is left half"
    yield "SIGINT (130) and SIGTERM (143)", [(what, "130, 143", told) for what in world.PHASES]
    shown = "signs for what would act"
    yield (
        "Terminals of 80, 20 and 1 columns, and dumb ones",
        [(f"{what}: `{_typed(row[0])}`", "as ever", shown) for what, row in output.COMMANDS.items()],
    )
    kept = "their text as text, none of their script"
    yield "Pages and pictures", [(f"{what}: `{_typed(row[0])}`", 0, kept) for what, row in output.PAGES.items()]


def laws() -> Iterator[str]:
    """What the tests of this folder are called, as sentences."""
    for path in sorted(HERE.glob("test_*.py")):
        names = re.findall(r"^def test_(\w+)", path.read_text("utf-8"), re.MULTILINE)
        yield from (name.replace("_", " ") for name in names)


def _typed(arguments):
    return " ".join(["charrnn", *(_short(part) for part in arguments)])


def _short(part):
    part = str(part)
    return part if len(part) <= 24 and part.isprintable() and "|" not in part and "`" not in part else "…"


def _cell(content):
    return "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in content).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
